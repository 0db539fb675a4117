"""What was found when a model and its ONNX form were compared: the certificate that an engine goes by."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from modelpack.errors import InvalidModel
from modelpack.onnx.domain import Domain
from modelpack.onnx.layout import Layout

TOLERANCE = 1e-6
"""No number may differ by more, relative to the native one."""

FLOOR = 1e-12
"""Times the greatest number that the method gave on ordinary rows: less than that is the rounding of a
difference of two doubles (``1 - p``), where a relative error says nothing."""

SINGLE = 1e-6
"""The same for networks, which compute in single precision: their own answers to one row, and to that row
among many, are as far apart."""

FORMAT = 1


@dataclass(frozen=True, slots=True)
class MethodReport:
    """How one method fared.

    *differing* counts labels that differ, or numbers beyond the tolerance. *worst* is the greatest relative
    difference (of what is beyond *floor*), *row* the input that showed it, or that showed what is in
    *reason*, with what either side answered.
    """

    certified: bool
    reason: str = ""
    compared: int = 0
    differing: int = 0
    worst: float = 0.0
    floor: float = 0.0
    kind: str = ""
    row: Mapping[str, Any] | None = None
    native: str = ""
    onnx: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The comparison of one model with one ONNX file, told apart by their digests.

    *methods* holds one report for each method asked for; *candidate* is the form that was chosen, *tried* why
    the others were not. *rows* counts the rows of each kind, *seed* draws them again. *first_difference*
    names the first step of a pipeline at which the two part, where a form failed. *threads* is how many may
    share one call: several add up trees in another order than one does. *made* is when it was written down
    (ISO 8601, UTC), or nothing where that is not known.
    """

    methods: Mapping[str, MethodReport]
    candidate: str = ""
    tried: Mapping[str, str] = field(default_factory=dict)
    first_difference: str = ""
    rows: Mapping[str, int] = field(default_factory=dict)
    seed: int = 0
    tolerance: float = TOLERANCE
    floor: float = FLOOR
    layout: Layout | None = None
    domain: Domain = field(default_factory=Domain)
    versions: Mapping[str, str] = field(default_factory=dict)
    opsets: Mapping[str, int] = field(default_factory=dict)
    threads: int = 1
    native_digest: str = ""
    onnx_digest: str = ""
    made: str = ""

    @property
    def certified(self) -> tuple[str, ...]:
        """The methods that the ONNX form answers as the native model does."""
        return tuple(name for name, one in self.methods.items() if one.certified)

    @property
    def refuses_missing(self) -> bool:
        """Whether there are columns in which the model, in either form, refuses missing values."""
        return bool(self.domain.refuses_missing)

    def certifies(self, method: str, *, native_digest: str, onnx_digest: str) -> bool:
        """Whether the file *onnx_digest* may answer *method* in place of the model *native_digest*."""
        return (
            method in self.certified
            and self.layout is not None
            and bool(self.native_digest)
            and (self.native_digest, self.onnx_digest) == (native_digest, onnx_digest)
        )

    def bound(self, *, native_digest: str, onnx_digest: str) -> "Report":
        """The report about these two files, and no others."""
        return replace(self, native_digest=native_digest, onnx_digest=onnx_digest)

    def to_json(self) -> str:
        """As JSON text, the same for the same report."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "format": FORMAT,
            "certified": list(self.certified),
            "tolerance": {
                "relative": self.tolerance,
                "floor": f"{self.floor:g} of the greatest number on ordinary rows",
            },
            "methods": {name: _method_to_json(one) for name, one in self.methods.items()},
            "candidate": self.candidate,
            "tried": dict(self.tried),
            "first_difference": self.first_difference,
            "rows": dict(self.rows),
            "seed": self.seed,
            "layout": None if self.layout is None else self.layout.to_json(),
            "domain": self.domain.to_json(),
            "versions": dict(self.versions),
            "opsets": dict(self.opsets),
            "threads": self.threads,
            "native_digest": self.native_digest,
            "onnx_digest": self.onnx_digest,
            "made": self.made,
        }

    @classmethod
    def from_json(cls, text: str | bytes) -> "Report":
        """What ``to_json`` gave. Raises InvalidModel for anything else."""
        try:
            document = json.loads(text)
            if document["format"] != FORMAT:
                raise InvalidModel(
                    f"a parity report of format {document['format']!r}; this one reads {FORMAT}"
                )
            layout = document["layout"]
            return cls(
                methods={str(name): _method(one) for name, one in document["methods"].items()},
                candidate=str(document["candidate"]),
                tried={str(name): str(why) for name, why in document["tried"].items()},
                first_difference=str(document["first_difference"]),
                rows={str(kind): int(count) for kind, count in document["rows"].items()},
                seed=int(document["seed"]),
                tolerance=float(document["tolerance"]["relative"]),
                floor=float(str(document["tolerance"].get("floor", FLOOR)).split()[0]),
                layout=None if layout is None else Layout.from_json(layout),
                domain=Domain.from_json(document["domain"]),
                versions={str(name): str(version) for name, version in document["versions"].items()},
                opsets={str(name): int(version) for name, version in document["opsets"].items()},
                threads=int(document.get("threads", 1)),
                native_digest=str(document["native_digest"]),
                onnx_digest=str(document["onnx_digest"]),
                made=str(document.get("made", "")),
            )
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise InvalidModel("the parity report is damaged; certify the model again") from error


def _method_to_json(one: MethodReport) -> dict[str, Any]:
    return {
        "certified": one.certified,
        "reason": one.reason,
        "compared": one.compared,
        "differing": one.differing,
        # JSON has no infinity.
        "worst": one.worst if one.worst < float("inf") else None,
        "floor": one.floor,
        "kind": one.kind,
        "row": None if one.row is None else dict(one.row),
        "native": one.native,
        "onnx": one.onnx,
    }


def _method(document: Mapping[str, Any]) -> MethodReport:
    worst = document["worst"]
    row = document["row"]
    return MethodReport(
        certified=document["certified"] is True,
        reason=str(document["reason"]),
        compared=int(document["compared"]),
        differing=int(document["differing"]),
        worst=float("inf") if worst is None else float(worst),
        floor=float(document["floor"]),
        kind=str(document["kind"]),
        row=None if row is None else dict(row),
        native=str(document["native"]),
        onnx=str(document["onnx"]),
    )
