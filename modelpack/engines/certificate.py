"""What a model's parity report allows: for each method, whether its ONNX form answers, and why not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from modelpack.directory import ModelDirectory
from modelpack.engines.choose import check
from modelpack.onnx.files import native_digest, onnx_digest, read_report
from modelpack.onnx.report import Report

HEADINGS = ("Method", "By ONNX", "Rows", "Differ", "Worst", "Reason")


@dataclass(frozen=True)
class Method:
    """Whether the ONNX form answers for this method, and why not; *worst* is None where it is infinite."""

    answers: bool
    reason: str
    compared: int
    differing: int
    worst: float | None


@dataclass(frozen=True)
class Certificate:
    """What was found when the two forms were compared, when (None: not said), and with which *versions*."""

    made: str | None
    tolerance: float
    versions: Mapping[str, str]
    methods: Mapping[str, Method]

    def rows(self) -> Iterator[tuple[str, ...]]:
        """A line of text for each method, under HEADINGS."""
        for name, one in self.methods.items():
            worst = "-" if not one.compared else "infinite" if one.worst is None else f"{one.worst:.2g}"
            yield (
                name,
                "yes" if one.answers else "no",
                f"{one.compared:,}",
                f"{one.differing:,}",
                worst,
                one.reason or "-",
            )


def certificate_of(directory: ModelDirectory) -> Certificate | None:
    """That of *directory*, as its files are now; None without a report. Raises InvalidModel for a bad one."""
    parity = read_report(directory)
    if parity is None:
        return None
    digests = {"native_digest": native_digest(directory), "onnx_digest": onnx_digest(directory)}
    methods = {name: _method(parity, name, check("onnx", parity, name, **digests)) for name in parity.methods}
    return Certificate(parity.made or None, parity.tolerance, parity.versions, methods)


def _method(parity: Report, name: str, why: str) -> Method:
    one = parity.methods[name]
    worst = one.worst if one.worst < float("inf") else None
    return Method(not why, why and (one.reason or why), one.compared, one.differing, worst)
