"""``modelpack inspect``: what a model is, told without running any of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import click
import msgspec

from modelpack.cli.output import as_json, print_json, print_table
from modelpack.directory import ModelDirectory, environment
from modelpack.directory.manifest import Manifest
from modelpack.errors import MissingDependency, ModelpackError, shorten
from modelpack.flavors import FLAVORS, choose
from modelpack.loading import open_model
from modelpack.onnx.files import read_report
from modelpack.schema import Schema, Signature


@dataclass
class Report:
    """What is known of a model: *needs* are words of trust that loading takes, *problems* what is wrong.

    *certified* are the methods that its ONNX form is proved to answer alike; None without a parity report.
    """

    path: str
    digest: str
    has_manifest: bool
    flavor: str | None = None
    needs: tuple[str, ...] | None = None
    certified: tuple[str, ...] | None = None
    python: str | None = None
    requirements: tuple[str, ...] = ()
    problems: list[str] = field(default_factory=list)
    files: dict[str, int] = field(default_factory=dict)
    signature: dict[str, Any] | None = None
    document: dict[str, Any] = field(default_factory=dict)


@click.command(short_help="Show a model without running any of it.")
@click.argument("ref")
@as_json
def inspect(ref: str, *, as_json: bool) -> None:
    """Show the model REF: signature, flavor, requirements, files, digest, what loading would have to trust.

    Nothing of the model is imported or unpickled.
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
        digest=directory.digest,
        has_manifest=directory.has_manifest,
        files={name: one.size for name, one in Manifest.of(directory.path).files.items()},
        signature=_parsed(document.signature),
        document={
            "flavors": document.flavors,
            "metadata": document.metadata,
            "mlflow_version": document.mlflow_version,
            "model_uuid": document.model_uuid,
            "run_id": document.run_id,
            "utc_time_created": document.utc_time_created,
        },
    )
    try:
        found = environment.read(directory.path)
        report.python, report.requirements = found.python, found.requirements
    except ModelpackError as error:
        report.problems.append(str(error))
    try:
        parity = read_report(directory)
        report.certified = None if parity is None else parity.certified
    except ModelpackError as error:
        report.problems.append(str(error))
    try:
        report.flavor = choose(document)
        report.needs = FLAVORS[report.flavor].needs(directory)
    except MissingDependency as error:
        report.problems.append(f"what loading would have to trust is not known: {error}")
    except ModelpackError as error:
        report.problems.append(str(error))
    return report


def _parsed(signature: Signature | None) -> dict[str, Any] | None:
    if signature is None:
        return None
    return {
        name: None if text is None else msgspec.json.decode(text)
        for name, text in signature.to_dict().items()
    }


def _print(report: Report, directory: ModelDirectory) -> None:
    for label, value in _facts(report, directory):
        click.echo(f"{label:<10}{shorten(value, 200)}")
    if directory.signature is not None:
        click.echo()
        print_table(["PART", "NAME", "TYPE", "REQUIRED"], _columns(directory.signature))
    click.echo()
    print_table(["FILE", "BYTES"], report.files.items())
    for problem in report.problems:
        click.echo(f"\nProblem: {problem}")


def _facts(report: Report, directory: ModelDirectory) -> Iterator[tuple[str, str]]:
    document = directory.document
    writer = f"modelpack {document.writer}" if document.writer else f"MLflow {document.mlflow_version}"
    yield "path", report.path
    yield "digest", report.digest + ("" if report.has_manifest else " (computed now; there is no manifest)")
    yield "saved", f"{document.utc_time_created or 'at an unknown time'} by {writer}"
    yield "flavors", ", ".join(document.flavors)
    yield "trust", _trust(report.needs)
    if report.certified is not None:
        yield "onnx", ", ".join(report.certified) or "nothing certified; the native model answers"
    yield "python", report.python or "not said"
    for line in report.requirements:
        yield "requires", line
    for key, value in _flat(document.metadata or {}):
        yield "metadata", f"{key}: {value}"


def _trust(needs: tuple[str, ...] | None) -> str:
    if needs is None:
        return "not known"
    return " ".join(f"--trust {word}" for word in needs) or "nothing beyond the default"


def _flat(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    return ((key, shorten(repr(value), 80)) for key, value in values.items() if key != "modelpack")


def _columns(signature: Signature) -> Iterator[tuple[object, object, object, object]]:
    for part, schema in (("input", signature.inputs), ("output", signature.outputs)):
        if schema is not None:
            yield from ((part, *one) for one in _specs(schema))
    for param in signature.params:
        yield "param", param.name, param.type, f"default {param.default!r}"


def _specs(schema: Schema) -> Iterator[tuple[object, object, str]]:
    names = schema.names
    if schema.is_tensor:
        for name, tensor in zip(names, schema.tensors, strict=True):
            yield name, f"tensor {tensor.dtype} {list(tensor.shape)}", "yes"
    else:
        for name, column in zip(names, schema.columns, strict=True):
            yield name, column.type, "yes" if column.required else "no"
