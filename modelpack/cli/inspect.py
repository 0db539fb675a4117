"""``modelpack inspect``: what a model is, told without running any of it."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from modelpack import registry, settings
from modelpack.artifacts.private import make_private
from modelpack.cli.output import as_json, print_fact, print_json, print_table
from modelpack.directory import ModelDirectory, layout
from modelpack.engines.certificate import HEADINGS, Certificate
from modelpack.errors import shorten
from modelpack.examining import Facts, File, examine
from modelpack.loading import open_model
from modelpack.registry.records import ModelVersion
from modelpack.report.model import Subject, render
from modelpack.report.numbers import size
from modelpack.report.page import file_name, write
from modelpack.report.showing import show
from modelpack.report.weighing import weigh
from modelpack.schema.telling import rows_of
from modelpack.trust import Trust
from modelpack.uris import ModelRef, RegistryName

_DIGITS = 12
"""Of a digest in a table."""


@click.command(short_help="Show a model without running any of it.")
@click.argument("ref")
@click.option(
    "--html",
    "target",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a report that is one HTML file; - for standard output. A report that is there is replaced.",
)
@click.option("--open", "opens", is_flag=True, help="Open that report in the browser.")
@click.option("--trust", multiple=True, metavar="WORD", help="For the report: pickle, code or package.Class.")
@as_json
def inspect(ref: str, *, target: Path | None, opens: bool, trust: tuple[str, ...], as_json: bool) -> None:
    """Show the model REF: signature, flavors, requirements, files, certificate, what loading would trust.

    Nothing of the model is imported or unpickled. What is wrong with it is shown beside the rest.

    A report tells besides what the features weigh. For this alone the model is loaded, if its flavor can
    tell, and if loading it takes no trust but what you have given: otherwise the report says why it does not.
    --open without --html keeps the report in ~/.modelpack/reports.
    """
    wants_page = opens or target is not None
    if trust and not wants_page:
        raise click.UsageError("--trust is for the report: give --html FILE or --open too.")
    if target == _STANDARD_OUTPUT and (as_json or opens):
        raise click.UsageError("The report cannot go to standard output together with --json or --open.")
    version, directory = _found(ref) if wants_page else (None, open_model(ref))
    facts = examine(directory)
    if wants_page:
        allowed = Trust.read(trust, environ=os.environ, home=settings.home(os.environ))
        weights = weigh(directory, facts, allowed)
        subject = Subject(
            directory=directory, facts=facts, importances=weights, reference=ref, version=version
        )
        _deliver(subject, target, opens=opens)
    if as_json:
        print_json(facts)
    elif not wants_page:
        _print(facts, directory)


_STANDARD_OUTPUT = Path("-")


def _found(ref: str) -> tuple[ModelVersion | None, ModelDirectory]:
    """The directory that *ref* means, and the registry's version where it leads there.

    Both are the same one, whatever is promoted meanwhile.
    """
    parsed = ModelRef.parse(ref)
    if parsed.scheme != "models" or parsed.logged_model is not None:
        return None, open_model(parsed)
    name = RegistryName.parse(parsed)
    with registry.Registry(create=False) as opened:
        version = opened.locate(name)
    return version, open_model(ModelRef("models", f"/{version.name}/{version.version}"))


def _deliver(subject: Subject, target: Path | None, *, opens: bool) -> None:
    """Write the report to *target*, or else below the person's own folder, and open it."""
    page = render(subject)
    if target == _STANDARD_OUTPUT:
        click.echo(page, nl=False)
        return
    if target is None:
        folder = settings.home(os.environ) / "reports"
        make_private(folder.parent)
        # A report tells of paths, examples and metadata, which are nobody else's business.
        folder.mkdir(mode=0o700, exist_ok=True)
        target = folder / file_name(subject.name, subject.facts.digest)
    if target.resolve().is_relative_to(subject.directory.path.resolve()):
        raise click.UsageError("A report inside of the model would damage it: choose another place.")
    try:
        write(page, target)
    except OSError as error:
        raise click.UsageError(f"{target} cannot be written: {error.strerror or error}") from error
    click.echo(f"Wrote {target} ({size(len(page.encode()))}).", err=True)
    if opens and not show(target):
        click.echo("There is no browser here: open that file elsewhere.", err=True)


def _print(facts: Facts, directory: ModelDirectory) -> None:
    for label, value in _facts(facts, directory):
        print_fact(label, value)
    click.echo()
    print_table(
        ["FLAVOR", "VERSION", "FORMAT", "FILE"],
        ([one.name, one.version or "-", one.format or "-", one.file or "-"] for one in facts.flavors),
    )
    if facts.certificate is not None:
        click.echo()
        _print_certificate(facts.certificate)
    if directory.signature is not None:
        click.echo()
        print_table(["PART", "NAME", "TYPE", "REQUIRED"], rows_of(directory.signature))
    if facts.files:
        click.echo()
        _print_files(facts.files)
    if facts.problems:
        click.echo()
    for problem in facts.problems:
        click.echo(f"{click.style('Problem:', fg='red')} {problem}")


def _print_certificate(certificate: Certificate) -> None:
    print_table([one.upper() for one in HEADINGS], certificate.rows())


def _print_files(files: Mapping[str, File]) -> None:
    is_whole = all(one.state == "ok" for one in files.values())
    print_table(
        ["FILE", "BYTES", "SHA256", *([] if is_whole else ["STATE"])],
        (
            [name, one.size, one.sha256[:_DIGITS], *([] if is_whole else [one.state])]
            for name, one in sorted(files.items())
        ),
    )


def _facts(facts: Facts, directory: ModelDirectory) -> Iterator[tuple[str, str]]:
    document = directory.document
    writer = f"modelpack {document.writer}" if document.writer else f"MLflow {document.mlflow_version}"
    yield "path", facts.path
    if facts.digest:
        yield (
            "digest",
            facts.digest + ("" if facts.has_manifest else " (computed now; there is no manifest)"),
        )
    yield "saved", f"{document.utc_time_created or 'at an unknown time'} by {writer}"
    for label, value in (("run", document.run_id), ("model id", document.model_id)):
        if value:
            yield label, value
    if facts.files:
        yield "size", f"{size(facts.size)} in {len(facts.files)} files"
    yield "trust", _trust(facts.needs)
    if facts.certificate is not None:
        yield "onnx", _certified(facts.certificate)
    if directory.signature is None:
        yield "takes", "what it is given: there is no signature"
    if example := document.saved_input_example_info:
        kind = shorten(str(example.get("type", "of an unknown kind")), 40)
        yield "example", f"{shorten(str(example.get('artifact_path', layout.INPUT_EXAMPLE)), 80)} ({kind})"
    yield "python", facts.python or "not said"
    for label, lines in (
        ("requires", facts.requirements),
        ("bound by", facts.constraints),
        ("sources", facts.sources),
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
