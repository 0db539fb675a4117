"""A model's ONNX form on its way out of the house: as it is asked for, compared, and measured."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from modelpack.directory import ModelDirectory, example
from modelpack.errors import InvalidModel, NotConvertible
from modelpack.flavors import choose
from modelpack.loading import load, open_model
from modelpack.onnx.files import digest_of, native_files, onnx_digest, onnx_name, read_report
from modelpack.onnx.native import Native
from modelpack.onnx.profile import Profile, profile
from modelpack.onnx.report import Report
from modelpack.onnx.rows import Rows, part
from modelpack.onnx.session import OnnxSession
from modelpack.proof import Effort, asking, read_profile, usual_methods
from modelpack.schema import Signature, Table
from modelpack.trust import Trust
from modelpack.uris import ModelRef

if TYPE_CHECKING:
    import onnx

    from modelpack.onnx.convert import Candidate

QUANTIZATIONS = ("dynamic", "float16")

_MEASURED = (1, 1000)
"""Rows of a call whose time is told."""

_SECONDS = 0.15
"""For each of the two engines and each number of rows."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """How the form is to be: *quantize* to eight or sixteen bits, in *opset*, with maps for probabilities."""

    quantize: str | None = None
    opset: int | None = None
    zipmap: bool = False


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds that one call of *rows* rows took, the median of several."""

    rows: int
    native: float
    onnx: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """An ONNX file, *model*, and the *report* of how it compares with the native one.

    *notes* say in words what was asked for and changed nothing. *native_bytes* is the size of the files that
    make the native model. *usual* tells in words, by method, how far the two are apart on ordinary rows.
    *classes* are those of a classifier, as JSON has them.
    """

    model: bytes
    report: Report
    signature: Signature
    native_bytes: int
    notes: tuple[str, ...] = ()
    speeds: tuple[Speed, ...] = ()
    usual: Mapping[str, str] = field(default_factory=dict)
    classes: tuple[Any, ...] = ()

    @property
    def uncertified(self) -> tuple[str, ...]:
        """The methods that the form has an output for, or should have, and is not certified to answer."""
        return tuple(name for name, one in self.report.methods.items() if not one.certified)

    @property
    def worst(self) -> float:
        """The greatest relative difference of all that was compared."""
        return max((one.worst for one in self.report.methods.values()), default=0.0)


def export(
    ref: str | Path | ModelRef,
    wishes: Wishes | None = None,
    *,
    methods: Sequence[str] | None = None,
    effort: Effort | None = None,
    trust: Trust | None = None,
    measure: bool = True,
) -> Export:
    """The ONNX form of the model *ref*, changed as *wishes* say, and what was found when it was compared.

    The form that lies in the directory is taken where it is certified; else one is made, as ``certify`` makes
    it. What *wishes* change is compared anew. A form that differs is given too, and its report does not
    certify it. The native model is loaded, as far as *trust* allows; the directory stays as it is.

    Raises what ``load`` raises, InvalidModel for a model without a signature or with parameters, and
    NotConvertible where no form can be made, or not in this way.
    """
    view = open_model(ref)
    view.check()
    model = load(view.path, trust=trust)
    trial = _Trial.of(view, model, methods, effort or Effort())
    wanted = wishes or Wishes()
    form, report = _own(view, trial) or trial.compared(None)
    form, report, notes = _changed(form, report, wanted, trial)
    native = native_files(view)
    bound = report.bound(native_digest=native.digest, onnx_digest=digest_of(form))
    return Export(
        model=form,
        report=bound,
        signature=trial.signature,
        native_bytes=sum(one.size for one in native.files.values()),
        notes=tuple(notes),
        speeds=tuple(_speeds(form, bound, trial)) if measure else (),
        usual=dict(_usual(form, bound, trial)),
        classes=_plain_classes(model),
    )


@dataclass(frozen=True)
class _Trial:
    """The native model, and all that comparing a form with it takes."""

    model: Any
    signature: Signature
    example: Any
    profile: Profile | None
    methods: tuple[str, ...]
    effort: Effort
    native: Native

    @classmethod
    def of(cls, view: ModelDirectory, model: Any, methods: Sequence[str] | None, effort: Effort) -> "_Trial":
        signature = view.signature
        if signature is None or signature.inputs is None:
            raise InvalidModel("the model has no signature, so no other form of it can be fed; save it anew")
        if signature.params:
            raise InvalidModel("the model takes parameters, which no ONNX form does")
        asked = tuple(methods or usual_methods(model))
        if not asked:
            raise InvalidModel("the model has neither predict nor transform; name its --method")
        given = view.example()
        return cls(
            model=model,
            signature=signature,
            example=None if given is None else example.split(given)[0],
            profile=read_profile(view),
            methods=asked,
            effort=effort,
            native=asking(view, choose(view.document), model, asked),
        )

    def compared(self, form: "Candidate | None") -> tuple[bytes, Report]:
        """*form*, or the best that can be made, and the report; raises NotConvertible where there is none."""
        # Here and not above: ONNX and its converter take a second to import.
        from modelpack.onnx.parity import certify

        made, report = certify(
            self.model,
            self.signature,
            example=self.example,
            profile=self.profile,
            methods=self.methods,
            rows=self.effort.rows,
            seed=self.effort.seed,
            native=self.native,
            forms=None if form is None else [form],
            even_if_it_differs=True,
        )
        if made is None:
            reasons = dict.fromkeys(one.reason for one in report.methods.values())
            raise NotConvertible("; ".join(reasons))
        return made.SerializeToString(deterministic=True), report


def _own(view: ModelDirectory, trial: _Trial) -> tuple[bytes, Report] | None:
    """The form that lies in the directory, where it is certified for all that is asked."""
    report = read_report(view)
    name = onnx_name(view)
    if report is None or not name:
        return None
    digests = {"native_digest": native_files(view).digest, "onnx_digest": onnx_digest(view)}
    if set(report.methods) != set(trial.methods):
        return None
    if not all(report.certifies(method, **digests) for method in trial.methods):
        return None
    return view.file(name).read_bytes(), report


def _changed(form: bytes, report: Report, wishes: Wishes, trial: _Trial) -> tuple[bytes, Report, list[str]]:
    """*form* as *wishes* say, with a report of its own where it is another now."""
    import onnx

    from modelpack.onnx.convert import Candidate
    from modelpack.onnx.quantizing import quantized
    from modelpack.onnx.rewriting import with_maps, with_opset

    before = onnx.load_from_string(form)
    after, layout, names, notes = before, report.layout, [report.candidate], []
    if layout is None:
        raise NotConvertible("the form has no layout; certify the model again")
    if wishes.quantize is not None:
        smaller = quantized(after, "dynamic" if wishes.quantize == "dynamic" else "float16")
        if smaller is None:
            notes.append(_NOTHING[wishes.quantize])
        else:
            after, names = smaller, [*names, wishes.quantize]
            single = {"float64": "float32"}
            blocks = tuple(replace(one, dtype=single.get(one.dtype, one.dtype)) for one in layout.blocks)
            layout = replace(layout, blocks=blocks)
    if wishes.opset is not None and wishes.opset != _opset(after):
        after, names = with_opset(after, wishes.opset), [*names, f"opset {wishes.opset}"]
    if wishes.zipmap and "predict_proba" in layout.outputs:
        mapped = with_maps(after, layout.outputs["predict_proba"].name, trial.model.classes_)
        if mapped is None:
            notes.append("The probabilities stay a tensor: these classes can be no keys of a map.")
        else:
            after, names = mapped, [*names, "maps"]
    if after is before:
        return form, report, notes
    candidate = Candidate(", ".join(names), after, layout)
    # Where nothing certifies the candidate's methods it is given all the same, and its report says so.
    return *trial.compared(candidate), notes


_NOTHING = {
    "dynamic": "Quantizing changed nothing: the graph has no product with weights (trees have none). "
    "The model is written as it is.",
    "float16": "Quantizing changed nothing: the graph has no numbers that could be kept in sixteen bits "
    "(trees and tables stay). The model is written as it is.",
}


def _opset(model: "onnx.ModelProto") -> int:
    return next((one.version for one in model.opset_import if one.domain in ("", "ai.onnx")), 0)


def _plain_classes(model: Any) -> tuple[Any, ...]:
    classes = getattr(model, "classes_", None)
    if classes is None or isinstance(classes, list):
        return ()
    return tuple(np.asarray(classes).tolist())


def _speeds(form: bytes, report: Report, trial: _Trial) -> Iterator[Speed]:
    """How long a call takes, for rows that the native model answers; nothing where there are none."""
    method = next((name for name in report.methods if report.layout and name in report.layout.outputs), None)
    if report.layout is None or method is None:
        return
    session = OnnxSession(form, report.layout, report.domain)
    for count in _MEASURED:
        data = _answerable(trial, session, method, count)
        if data is not None:
            native = _median(partial(trial.native, data, method))
            yield Speed(count, native, _median(partial(session.run, data, method)))


def _usual(form: bytes, report: Report, trial: _Trial) -> Iterator[tuple[str, str]]:
    """How far the two are apart on a thousand ordinary rows, by method; nothing where either refuses them."""
    if report.layout is None:
        return
    session = OnnxSession(form, report.layout, report.domain)
    for method in report.layout.outputs:
        data = _answerable(trial, session, method, _MEASURED[-1])
        if data is None:
            continue
        native, other = trial.native(data, method), session.run(data, method)
        if native.shape != other.shape:
            yield method, "another shape"
        elif native.dtype.kind == "f":
            with np.errstate(invalid="ignore"):
                apart = float(np.nanmax(np.abs(native - other), initial=0.0))
            yield method, f"at most {apart:.2g} apart" if apart else "the same"
        else:
            share = float(np.mean(native == other))
            yield method, f"{share:.1%} the same" if share < 1 else "the same"


def _answerable(trial: _Trial, session: OnnxSession, method: str, count: int) -> Table | np.ndarray | None:
    """*count* rows that both answer: drawn like the training data, or the first such one again and again."""
    if trial.signature.inputs is None:
        return None
    rows = Rows(trial.signature.inputs, _profile(trial))
    drawn = rows.input(rows.random(max(count, 64), np.random.default_rng(trial.effort.seed)))
    for places in (np.arange(count), *(np.full(count, place) for place in range(64))):
        data = part(drawn, places)
        try:
            trial.native(data, method)
            session.run(data, method)
        except Exception:  # noqa: BLE001, S112 - whatever either raises, the next row may do
            continue
        return data
    return None


def _profile(trial: _Trial) -> Profile:
    if trial.profile is not None:
        return trial.profile
    if trial.example is None or trial.signature.inputs is None:
        return Profile({}, 0)
    return profile(trial.example, trial.signature.inputs)


def _median(call: Callable[[], object]) -> float:
    call()
    taken: list[float] = []
    end = time.perf_counter() + _SECONDS
    while len(taken) < 3 or (time.perf_counter() < end and len(taken) < 1000):
        begin = time.perf_counter()
        call()
        taken.append(time.perf_counter() - begin)
    return float(np.median(taken))
