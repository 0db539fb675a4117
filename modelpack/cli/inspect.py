"""``modelpack inspect``: what a model is, told without running any of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import click
import msgspec

from modelpack.cli.output import as_json, print_fact, print_json, print_table, size, without_password
from modelpack.directory import ModelDirectory, environment, layout
from modelpack.directory.manifest import Manifest
from modelpack.engines.certificate import Certificate, certificate_of
from modelpack.errors import DamagedModel, MissingDependency, ModelpackError, shorten
from modelpack.files import sha256
from modelpack.flavors import FLAVORS, choose
from modelpack.loading import open_model
from modelpack.schema import Signature
from modelpack.schema.telling import rows_of

_FORMATS = ("serialization_format", "model_format", "save_format")
_FILES = ("pickled_model", "python_model", "model_path", "data", "model_code_path", "model_data")
_OTHERS = ("python_version", "cloudpickle_version")
"""Versions of what is not the flavor's library."""
_DIGITS = 12
"""Of a digest in a table."""


@dataclass
class File:
    """*size* in bytes and *sha256* as recorded; *state* is ``ok``, ``changed``, ``missing`` or ``extra``."""

    size: int
    sha256: str
    state: str = "ok"


@dataclass(frozen=True)
class FlavorEntry:
    """One of the document's flavors, and what its entries say of the *version* of its library and so on."""

    name: str
    version: str | None
    format: str | None
    file: str | None


@dataclass
class Report:
    """What is known of a model: *needs* are words of trust that loading takes, *problems* what is wrong.

    *size* is that of all files. *certified* are the methods that the ONNX form may answer; None without a
    parity report.
    """

    path: str
    digest: str = ""
    has_manifest: bool = False
    size: int = 0
    flavor: str | None = None
    needs: tuple[str, ...] | None = None
    certified: tuple[str, ...] | None = None
    certificate: Certificate | None = None
    python: str | None = None
    requirements: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    problems: list[str] = field(default_factory=list)
    flavors: list[FlavorEntry] = field(default_factory=list)
    files: dict[str, File] = field(default_factory=dict)
    signature: dict[str, Any] | None = None
    document: dict[str, Any] = field(default_factory=dict)


@click.command(short_help="Show a model without running any of it.")
@click.argument("ref")
@as_json
def inspect(ref: str, *, as_json: bool) -> None:
    """Show the model REF: signature, flavors, requirements, files, certificate, what loading would trust.

    Nothing of the model is imported or unpickled. What is wrong with it is shown beside the rest.
    """
    directory = open_model(ref)
    report = examine(directory)
    if as_json:
        print_json(report)
    else:
        _print(report, directory)


def examine(directory: ModelDirectory) -> Report:
    """The facts of *directory*; what cannot be told, and why, is among the problems."""
    document = directory.document
    report = Report(
        path=str(directory.path),
        has_manifest=directory.has_manifest,
        flavors=[_flavor(name, entries) for name, entries in document.flavors.items()],
        signature=_parsed(document.signature),
        document={
            "flavors": document.flavors,
            "metadata": document.metadata,
            "mlflow_version": document.mlflow_version,
            "model_id": document.model_id,
            "model_uuid": document.model_uuid,
            "run_id": document.run_id,
            "saved_input_example_info": document.saved_input_example_info,
            "utc_time_created": document.utc_time_created,
        },
    )
    for learn in (_learn_files, _learn_environment, _learn_certificate, _learn_trust):
        try:
            learn(report, directory)
        except ModelpackError as error:
            report.problems.append(str(error))
    return report


def _learn_files(report: Report, directory: ModelDirectory) -> None:
    recorded, found = _recorded(report, directory), []
    if recorded is None:
        recorded = Manifest.of(directory.path)
    else:
        found = recorded.compare(directory.path)
    report.digest = recorded.digest
    report.files = {name: File(one.size, one.sha256) for name, one in recorded.files.items()}
    for what, name in found:
        if what == "extra":
            path = directory.file(name)
            report.files[name] = File(path.stat().st_size, sha256(path))
        report.files[name].state = what
    report.size = sum(one.size for one in report.files.values() if one.state != "missing")
    if found:
        raise DamagedModel(directory.path, found)


def _recorded(report: Report, directory: ModelDirectory) -> Manifest | None:
    """The manifest; that there is none where there was one, or no proper one, is a problem."""
    if not report.has_manifest and directory.document.writer:
        report.problems.append(str(DamagedModel(directory.path, [("missing", layout.MANIFEST)])))
    try:
        return directory.manifest
    except DamagedModel as error:
        report.problems.append(str(error))
        report.has_manifest = False
        return None


def _learn_environment(report: Report, directory: ModelDirectory) -> None:
    found = environment.read(directory.path, sources=True)
    report.python, report.requirements = found.python, found.requirements
    report.constraints = found.constraints
    report.sources = tuple(map(without_password, found.sources))
    if report.sources:
        line = shorten(repr(report.sources[0]), 100)
        report.problems.append(
            f"the model says where packages come from, in {line}, which is the operator's to say"
        )


def _learn_certificate(report: Report, directory: ModelDirectory) -> None:
    report.certificate = certificate_of(directory)
    if report.certificate is not None:
        methods = report.certificate.methods
        report.certified = tuple(name for name, one in methods.items() if one.answers)


def _learn_trust(report: Report, directory: ModelDirectory) -> None:
    try:
        report.flavor = choose(directory.document)
        report.needs = FLAVORS[report.flavor].needs(directory)
    except MissingDependency as error:
        report.problems.append(f"what loading would have to trust is not known: {error}")


def _flavor(name: str, entries: Mapping[str, Any]) -> FlavorEntry:
    def said(keys: "tuple[str, ...]") -> str | None:
        found = next((entries[key] for key in keys if entries.get(key) is not None), None)
        return None if found is None else str(found)

    versions = tuple(key for key in entries if key.endswith("_version") and key not in _OTHERS)
    return FlavorEntry(name, said(versions), said(_FORMATS), said(_FILES))


def _parsed(signature: Signature | None) -> dict[str, Any] | None:
    if signature is None:
        return None
    return {
        name: None if text is None else msgspec.json.decode(text)
        for name, text in signature.to_dict().items()
    }


def _print(report: Report, directory: ModelDirectory) -> None:
    for label, value in _facts(report, directory):
        print_fact(label, value)
    click.echo()
    print_table(
        ["FLAVOR", "VERSION", "FORMAT", "FILE"],
        ([one.name, one.version or "-", one.format or "-", one.file or "-"] for one in report.flavors),
    )
    if report.certificate is not None:
        click.echo()
        _print_certificate(report.certificate)
    if directory.signature is not None:
        click.echo()
        print_table(["PART", "NAME", "TYPE", "REQUIRED"], rows_of(directory.signature))
    if report.files:
        click.echo()
        _print_files(report.files)
    if report.problems:
        click.echo()
    for problem in report.problems:
        click.echo(f"{click.style('Problem:', fg='red')} {problem}")


def _print_certificate(certificate: Certificate) -> None:
    print_table(
        ["METHOD", "BY ONNX", "ROWS", "DIFFER", "WORST", "REASON"],
        (
            [
                name,
                "yes" if one.answers else "no",
                one.compared,
                one.differing,
                "-" if not one.compared else "infinite" if one.worst is None else f"{one.worst:.2g}",
                one.reason or "-",
            ]
            for name, one in certificate.methods.items()
        ),
    )


def _print_files(files: Mapping[str, File]) -> None:
    is_whole = all(one.state == "ok" for one in files.values())
    print_table(
        ["FILE", "BYTES", "SHA256", *([] if is_whole else ["STATE"])],
        (
            [name, one.size, one.sha256[:_DIGITS], *([] if is_whole else [one.state])]
            for name, one in sorted(files.items())
        ),
    )


def _facts(report: Report, directory: ModelDirectory) -> Iterator[tuple[str, str]]:
    document = directory.document
    writer = f"modelpack {document.writer}" if document.writer else f"MLflow {document.mlflow_version}"
    yield "path", report.path
    if report.digest:
        yield (
            "digest",
            report.digest + ("" if report.has_manifest else " (computed now; there is no manifest)"),
        )
    yield "saved", f"{document.utc_time_created or 'at an unknown time'} by {writer}"
    for label, value in (("run", document.run_id), ("model id", document.model_id)):
        if value:
            yield label, value
    if report.files:
        yield "size", f"{size(report.size)} in {len(report.files)} files"
    yield "trust", _trust(report.needs)
    if report.certificate is not None:
        yield "onnx", _certified(report.certificate)
    if directory.signature is None:
        yield "takes", "what it is given: there is no signature"
    if example := document.saved_input_example_info:
        kind = shorten(str(example.get("type", "of an unknown kind")), 40)
        yield "example", f"{shorten(str(example.get('artifact_path', layout.INPUT_EXAMPLE)), 80)} ({kind})"
    yield "python", report.python or "not said"
    for label, lines in (
        ("requires", report.requirements),
        ("bound by", report.constraints),
        ("sources", report.sources),
    ):
        if lines:
            yield label, ", ".join(lines)
    for key, value in (document.metadata or {}).items():
        if key != "modelpack":
            yield "metadata", f"{shorten(key, 80)}: {shorten(repr(value), 200)}"


def _certified(certificate: Certificate) -> str:
    able = ", ".join(name for name, one in certificate.methods.items() if one.answers)
    told = f"{able} within {certificate.tolerance:g}" if able else "not certified"
    made = certificate.made or "at an unknown time"
    versions = ", ".join(f"{name} {version}" for name, version in certificate.versions.items())
    return f"{told}; compared {made}{' with ' + versions if versions else ''}"


def _trust(needs: tuple[str, ...] | None) -> str:
    if needs is None:
        return "not known"
    return " ".join(f"--trust {word}" for word in needs) or "nothing beyond the default"
