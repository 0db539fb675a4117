"""``modelpack export-onnx``: a model as ONNX, with its certificate, or as a bundle for a small device."""

import os
from pathlib import Path
from typing import Any

import click

from modelpack import settings
from modelpack.cli.output import as_json, print_json, print_table
from modelpack.errors import Uncertified
from modelpack.exporting import QUANTIZATIONS, Export, Wishes, export
from modelpack.files import write_file
from modelpack.onnx.edge import write_bundle
from modelpack.proof import Effort
from modelpack.trust import Trust


@click.command(short_help="Write a model as ONNX, with the report of how it compares; --bundle for a device.")
@click.option("-m", "--model", "ref", required=True, metavar="REF", help="The model.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The ONNX file; the certificate is written beside it.",
)
@click.option(
    "--bundle",
    type=click.Path(file_okay=False, path_type=Path),
    help="A new folder with all that a device with onnxruntime and numpy needs.",
)
@click.option("--quantize", type=click.Choice(QUANTIZATIONS), help="Coarser numbers; compared anew.")
@click.option("--opset", type=int, help="Another version of ONNX's operators; compared anew.")
@click.option(
    "--zipmap/--no-zipmap",
    default=None,
    help="Probabilities as maps from class to number, as skl2onnx gives them (the default of -o), or as a "
    "tensor (always in a bundle).",
)
@click.option("--method", "methods", multiple=True, help="What it is to answer; repeatable.")
@click.option(
    "--rows", default=Effort().rows, show_default=True, type=click.IntRange(1), help="Rows compared."
)
@click.option("--seed", default=0, show_default=True, help="Draws the rows.")
@click.option("--require-certified", is_flag=True, help="Write nothing that answers otherwise; exit 1.")
@click.option("--trust", multiple=True, metavar="WORD", help="pickle, code or package.Class; repeatable.")
@as_json
def export_onnx(
    ref: str,
    *,
    output: Path | None,
    bundle: Path | None,
    quantize: str | None,
    opset: int | None,
    zipmap: bool | None,
    methods: tuple[str, ...],
    rows: int,
    seed: int,
    require_certified: bool,
    trust: tuple[str, ...],
    as_json: bool,
) -> None:
    """Write the model REF as ONNX with its certificate: the report of how both answered the same rows.

    The certified form of the model's directory is taken where there is one. What --quantize, --opset or
    --zipmap change is compared anew. A form that answers otherwise is written all the same, and its
    certificate says so, as does a warning; with --require-certified nothing is written.
    """
    if output is None and bundle is None:
        raise click.UsageError("Give -o FILE, --bundle FOLDER or both.")
    if zipmap and bundle is not None:
        raise click.UsageError("A bundle holds tensors; leave --zipmap out.")
    made = export(
        ref,
        Wishes(quantize=quantize, opset=opset, zipmap=bundle is None if zipmap is None else zipmap),
        methods=methods or None,
        effort=Effort(rows, seed),
        trust=Trust.read(trust, environ=os.environ, home=settings.home(os.environ)),
    )
    if require_certified and made.uncertified:
        raise Uncertified(f"nothing was written: {_differences(made)}")
    written = []
    if output is not None:
        certificate = output.with_name(f"{output.stem}.parity.json")
        write_file(output, made.model)
        write_file(certificate, made.report.to_json().encode())
        written += [str(output), str(certificate)]
    if bundle is not None:
        write_bundle(bundle, made.model, made.report, made.signature, classes=made.classes)
        written.append(str(bundle))
    if as_json:
        print_json(_facts(made, written))
    else:
        _print(made, written)
    if made.uncertified:
        click.echo(f"Warning: NOT CERTIFIED. {_differences(made)}", err=True)


def _differences(made: Export) -> str:
    reasons = (f"{name}: {made.report.methods[name].reason}" for name in made.uncertified)
    return f"The ONNX form does not answer as the model does ({'; '.join(reasons)})."


def _facts(made: Export, written: list[str]) -> dict[str, Any]:
    return {
        "written": written,
        "certified": list(made.report.certified),
        "uncertified": list(made.uncertified),
        "bytes": {"native": made.native_bytes, "onnx": len(made.model)},
        "largest_difference": made.worst if made.worst < float("inf") else None,
        "seconds": [{"rows": one.rows, "native": one.native, "onnx": one.onnx} for one in made.speeds],
        "usual_rows": dict(made.usual),
        "notes": list(made.notes),
        "report": made.report.to_dict(),
    }


def _print(made: Export, written: list[str]) -> None:
    for path in written:
        click.echo(f"wrote      {path}")
    click.echo(f"form       {made.report.candidate}")
    for note in made.notes:
        click.echo(f"note       {note}")
    click.echo()
    print_table(
        ["", "NATIVE", "ONNX", "TIMES"],
        [
            (
                "size",
                _size(made.native_bytes),
                _size(len(made.model)),
                f"{made.native_bytes / len(made.model):.3g}",
            ),
            *(
                (
                    f"{one.rows:,} row{'s' if one.rows > 1 else ''}",
                    _time(one.native),
                    _time(one.onnx),
                    f"{one.native / one.onnx:.3g}",
                )
                for one in made.speeds
            ),
        ],
    )
    click.echo()
    print_table(
        ["METHOD", "CERTIFIED", "ROWS", "LARGEST DIFFERENCE", "1,000 USUAL ROWS", "REASON"],
        (
            (
                name,
                "yes" if one.certified else "NO",
                f"{one.compared:,}",
                f"{one.worst:.2g}",
                made.usual.get(name, "-"),
                one.reason or "-",
            )
            for name, one in made.report.methods.items()
        ),
    )


def _size(count: int) -> str:
    return f"{count / 1e6:.2f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"


def _time(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} us"
