"""Proves that an ONNX form answers as the native model does, or says where it does not."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import onnx

from modelpack.errors import ModelpackError, NotConvertible, shorten
from modelpack.onnx import FORMS, answers, is_network, owner, probes
from modelpack.onnx.comparing import Answers, Comparison, ask_each
from modelpack.onnx.convert import Candidate, candidates
from modelpack.onnx.domain import Domain
from modelpack.onnx.holding import hold, hold_alone, known
from modelpack.onnx.layout import Layout, Output
from modelpack.onnx.limits import discover
from modelpack.onnx.native import Native, as_input
from modelpack.onnx.native import native as native_of
from modelpack.onnx.probes import Probe
from modelpack.onnx.profile import Profile
from modelpack.onnx.profile import profile as profile_of
from modelpack.onnx.report import FLOOR, SINGLE, TOLERANCE, MethodReport, Report
from modelpack.onnx.rows import Rows, part
from modelpack.onnx.session import OnnxSession
from modelpack.onnx.steps import first_difference
from modelpack.onnx.tracing import Trees, find_trees, trace
from modelpack.schema import Schema, Signature, Table, enforce

ROWS = 100_000
"""Rows that a model with trees is compared on, at least, unless the caller says otherwise."""

_PLAIN_ROWS = 20_000
"""Rows for models without splits."""

_MOST_SPLITS = 5_000
"""Different splits that are followed to the input."""

_LIMITS = (1e30, 1e15, 1e9, 1e6)
"""Magnitudes beyond which a form is tried no further, where it is right only below."""

_LOW_LIMITS = (1e4, 1e3, 100.0)
"""More of them for networks, whose rounding grows with the numbers."""

_THREADS = (2, 3, 4)
"""How many threads are tried for one call."""

_THREAD_ROWS = 5_000
"""Rows of each lot that several threads are asked."""

_FEATURE_ROWS = 10_000
"""Rows for trees that are asked by themselves."""

_REFERENCE_ROWS = 5_000
"""Rows of the training that are compared themselves."""

_PACKAGES = (
    "catboost",
    "lightgbm",
    "numpy",
    "onnx",
    "onnxruntime",
    "onnxscript",
    "scikit-learn",
    "skl2onnx",
    "torch",
    "xgboost",
    "xgboost-cpu",
)


def certify(
    model: Any,
    signature: Signature,
    *,
    example: Any = None,
    reference: Any = None,
    profile: Profile | None = None,
    methods: Sequence[str] = ("predict",),
    rows: int = ROWS,
    seed: int = 0,
    native: Native | None = None,
    forms: Iterable[Candidate] | None = None,
    even_if_it_differs: bool = False,
) -> tuple[onnx.ModelProto | None, Report]:
    """The ONNX form of *model* that answers most of *methods* as it does, and the report of the comparison.

    *example* is input as ``modelpack.schema.enforce`` takes it, and so is *reference*, the training data or
    some of it; *profile* describes these, and is made of the example where there is none. About *rows* rows
    are compared, drawn by *seed*. *native* asks the model, where its flavor does so in another way than by
    calling the method. *forms* are compared in place of those that ``convert`` makes.

    There is no form (None) when no method is certified; the report says why. With *even_if_it_differs* the
    best form is given all the same, and its report certifies nothing that differs. Nothing is raised for a
    model that cannot be converted.
    """
    try:
        trial = _Trial(
            model,
            signature,
            example,
            reference,
            profile,
            tuple(methods),
            rows,
            seed,
            native or native_of(model),
        )
    except NotConvertible as error:
        failed = MethodReport(certified=False, reason=str(error))
        return None, Report(methods=dict.fromkeys(methods, failed), seed=seed, versions=_versions())
    if forms is None:
        make = FORMS[owner(model)] if is_network(model) else candidates
        forms = make(model, signature=signature, methods=trial.methods)
    return trial.best(forms, even_if_it_differs=even_if_it_differs)


@dataclass(frozen=True)
class _Outcome:
    """How one candidate fared."""

    candidate: Candidate
    layout: Layout
    domain: Domain
    methods: Mapping[str, MethodReport]
    threads: int
    rows: Mapping[str, int]

    @property
    def certified(self) -> int:
        return sum(one.certified for one in self.methods.values())


class _Trial:
    """One model, the rows it is compared on, and what it answers to them."""

    def __init__(
        self,
        model: Any,
        signature: Signature,
        example: Any,
        reference: Any,
        profile: Profile | None,
        methods: tuple[str, ...],
        rows: int,
        seed: int,
        native: Native,
    ) -> None:
        if signature.inputs is None:
            raise NotConvertible("the signature does not say what the model takes")
        self.model, self.signature, self.seed = model, signature, seed
        self.native = native
        self.floor = SINGLE if is_network(model) else FLOOR
        self.limits = (*_LIMITS, *_LOW_LIMITS) if is_network(model) else _LIMITS
        self.lacking = {name: f"the model has no {name}" for name in methods if not answers(model, name)}
        self.methods = tuple(name for name in methods if name not in self.lacking)
        if not self.methods:
            raise NotConvertible("; ".join(self.lacking.values()))
        self._rng = np.random.default_rng(seed)
        held = None if example is None else enforce(example, signature.inputs)
        self.rows = Rows(signature.inputs, profile or _profile(held, signature.inputs))
        self.domain = discover(self.rows, native, self.methods[0], self._rng)
        self.trees = list(find_trees(model))
        self.untraced: list[Trees] = []
        seen = None if reference is None else enforce(reference, signature.inputs)
        self.probes = [
            *_example(held),
            *_reference(seen),
            *self._ordinary(rows),
            *self._special(),
            *self._splits(rows),
        ]
        short = rows - sum(probe.rows for probe in self.probes)
        if self.trees and short > 0:
            self.probes += probes.random_rows(self.rows, short, self._rng)
        self.answers: dict[tuple[str, int], Answers] = {}

    def _ordinary(self, rows: int) -> Iterator[Probe]:
        count = rows // 3 if self.trees else min(rows, _PLAIN_ROWS)
        return probes.random_rows(self.rows, count, self._rng)

    def _special(self) -> Iterator[Probe]:
        yield from probes.missing_rows(self.rows, set(self.domain.refuses_missing), self._rng)
        yield from probes.unseen_rows(self.rows, self._rng)
        yield from probes.extreme_rows(self.rows, self.domain.limit, self._rng)

    def _splits(self, rows: int) -> Iterator[Probe]:
        wants_names = hasattr(self.model, "feature_names_in_")
        count = rows - rows // 3
        for trees in self.trees:
            try:
                traced = trace(
                    trees,
                    self.rows,
                    lambda data: as_input(data, wants_names=wants_names),
                    self._rng,
                    most=min(max(1, count // 4), _MOST_SPLITS),
                    limit=min(self.domain.limit, 1e30),
                )
            except (
                Exception
            ) as error:  # a transformer may raise anything; its trees are then asked by themselves
                raise NotConvertible(
                    f"the rows cannot be followed to the trees: {shorten(str(error), 150)}"
                ) from error
            if getattr(trees.estimator, "_preprocessor", None) is None and not trees.asks_only(traced.owners):
                self.untraced.append(trees)
            share = count // len(self.trees)
            yield from probes.split_rows(trees, traced, self.rows, share, self._rng)

    def asked(self, method: str, place: int) -> Answers:
        """What the native model's *method* says to the probe at *place*; asked once."""
        key = (method, place)
        if key not in self.answers:
            data = self.probes[place].data
            # What one method refuses, the input's checks refuse, and these are the same for all.
            before = self.answers.get((self.methods[0], place))
            refused = np.zeros(0, dtype=np.int64) if before is None else before.refused
            places = np.setdiff1d(np.arange(len(data)), refused)
            self.answers[key] = ask_each(lambda rows: self.native(rows, method), data, places, refused)
        return self.answers[key]

    def best(
        self, forms: Iterable[Candidate], *, even_if_it_differs: bool
    ) -> tuple[onnx.ModelProto | None, Report]:
        """Try one of *forms* after another until one is certified for all methods."""
        outcomes: list[_Outcome] = []
        tried: dict[str, str] = {}
        parted = ""
        for candidate in forms:
            outcome, problem = self.outcome(candidate)
            if outcome is None:
                tried[candidate.name] = problem
                continue
            outcomes.append(outcome)
            if outcome.certified == len(self.methods):
                break
            tried[candidate.name] = _reasons(outcome.methods)
            if not parted and any(one.compared and not one.certified for one in outcome.methods.values()):
                parted = first_difference(self.model, self.signature, candidate.name, self._suspects(outcome))
        if all(one.certified < len(self.methods) for one in outcomes):
            outcomes += [narrower for one in outcomes if (narrower := self._narrowed(one)) is not None]
        best = max(outcomes, key=lambda one: one.certified, default=None)
        return self._finished(best, tried, parted, even_if_it_differs=even_if_it_differs)

    def _narrowed(self, outcome: _Outcome) -> _Outcome | None:
        """*outcome* for lesser numbers alone, where it is right for these: it answers no others then."""
        failed = [one for one in outcome.methods.values() if not one.certified and one.kind]
        if not failed or any(one.kind != "extreme" for one in failed):
            return None
        usual = max((one.greatest for one in self.probes if one.kind == "random"), default=0.0)
        best = outcome
        for limit in self.limits:
            if best.certified < len(self.methods) and 10 * usual <= limit < self.domain.limit:
                found, _ = self._within(limit).outcome(outcome.candidate)
                best = found if found is not None and found.certified > best.certified else best
        return None if best is outcome else best

    def _within(self, limit: float) -> "_Trial":
        """The same for numbers up to *limit*; its extremes come first, because these tell soonest."""
        within = copy(self)
        within.domain = replace(self.domain, limit=limit)
        extreme = list(probes.extreme_rows(self.rows, limit, np.random.default_rng(self.seed)))
        kept = [
            place for place, one in enumerate(self.probes) if one.kind != "extreme" or one.greatest <= limit
        ]
        within.probes = [*extreme, *(self.probes[place] for place in kept)]
        moved = {old: len(extreme) + new for new, old in enumerate(kept)}
        within.answers = {
            (method, moved[place]): said for (method, place), said in self.answers.items() if place in moved
        }
        return within

    def outcome(self, candidate: Candidate) -> tuple[_Outcome | None, str]:
        """How *candidate* fares, or why it cannot be tried."""
        if candidate.model is None or candidate.layout is None:
            return None, candidate.problem
        try:
            return self._compared(candidate, candidate.model.SerializeToString(deterministic=True)), ""
        except ModelpackError as error:
            return None, str(error)

    def _compared(self, candidate: Candidate, model: bytes) -> _Outcome:
        assert candidate.layout is not None  # noqa: S101 - for the type checker; the caller has looked
        layout = self._as_native(candidate.layout)
        domain = self._with_unknown(model, layout)
        session = OnnxSession(model, layout, domain)
        reports: dict[str, MethodReport] = {}
        for method in self.methods:
            if method not in layout.outputs:
                why = (candidate.problems or {}).get(method, "the form does not answer it")
                reports[method] = MethodReport(certified=False, reason=why)
                continue
            reports[method] = self._method(session, domain, candidate.name, method)
        threads = self._threads(model, layout, domain, reports)
        return _Outcome(candidate, layout, domain, reports, threads, self._counts())

    def _counts(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for probe in self.probes:
            counts[probe.kind] = counts.get(probe.kind, 0) + probe.rows
        return counts

    def _threads(
        self, model: bytes, layout: Layout, domain: Domain, reports: Mapping[str, MethodReport]
    ) -> int:
        """How many threads may share a call: all of _THREADS, if the form stays right with each, else one."""
        sessions = [OnnxSession(model, layout, domain, threads=count) for count in _THREADS]
        for method, report in reports.items():
            comparison = Comparison(method, TOLERANCE, self.floor)
            for place, probe in enumerate(self.probes):
                if not report.certified or probe.kind not in ("random", "split"):
                    continue
                native = known(self.asked(method, place), probe, domain)
                if native.values is not None:
                    values = native.values[:_THREAD_ROWS]
                    comparison.measure(values)
                    data = part(probe.data, native.answered[:_THREAD_ROWS])
                    other = sessions[place % len(sessions)].run(data, method)
                    comparison.compare(values, other, data, probe.kind)
            if comparison.failed:
                return 1
        return max(_THREADS)

    def _as_native(self, layout: Layout) -> Layout:
        """*layout* with outputs in the shape and dtype that the native model answers in."""
        outputs = {}
        for method, output in layout.outputs.items():
            values = self._ordinary_values(method)
            outputs[method] = (
                output if values is None else Output(output.name, str(values.dtype), values.ndim == 1)
            )
        return replace(layout, outputs=outputs)

    def _ordinary_values(self, method: str) -> np.ndarray | None:
        for place, probe in enumerate(self.probes):
            if (
                probe.kind in ("example", "random")
                and (values := self.asked(method, place).values) is not None
            ):
                return values
        return None

    def _with_unknown(self, model: bytes, layout: Layout) -> Domain:
        """The domain, less the columns of text where a missing one is answered otherwise."""
        session = OnnxSession(model, layout, self.domain)
        unknown = []
        for place, probe in enumerate(self.probes):
            if probe.kind != "missing" or probe.column is None or not self.rows.by_name[probe.column].is_text:
                continue
            for method in layout.outputs:
                comparison = Comparison(method, TOLERANCE, self.floor)
                hold(comparison, session, method, probe, self.asked(method, place))
                if comparison.failed and probe.column not in unknown:
                    unknown.append(probe.column)
        return replace(self.domain, unknown_missing=tuple(unknown))

    def _method(self, session: OnnxSession, domain: Domain, name: str, method: str) -> MethodReport:
        comparison = Comparison(method, TOLERANCE, self.floor)
        for place, probe in enumerate(self.probes):
            if (
                probe.kind in ("example", "random")
                and (values := self.asked(method, place).values) is not None
            ):
                comparison.measure(values)
        for place, probe in enumerate(self.probes):
            hold(comparison, session, method, probe, known(self.asked(method, place), probe, domain))
            if comparison.failed:
                return comparison.report
        if comparison.report.compared == 0:
            comparison.fail("the model refused every row that it was asked")
        self._hold_trees(comparison, name, method)
        return comparison.report

    def _hold_trees(self, comparison: Comparison, name: str, method: str) -> None:
        """Ask trees by themselves whose features no single column makes."""
        for trees in self.untraced:
            estimator = trees.estimator
            width = getattr(estimator, "n_features_in_", 0)
            if not comparison.failed and width and hasattr(estimator, method):
                data = probes.feature_rows(trees, width, _FEATURE_ROWS, np.random.default_rng([self.seed, 1]))
                hold_alone(comparison, estimator, name, method, data)

    def _suspects(self, outcome: _Outcome) -> Table | np.ndarray | None:
        """The rows of the kind on which *outcome* failed."""
        kinds = [one.kind for one in outcome.methods.values() if not one.certified and one.kind]
        for place, probe in enumerate(self.probes):
            if probe.kind in kinds and len(answered := self.asked(self.methods[0], place).answered):
                return part(probe.data, answered[:2000])
        return None

    def _finished(
        self, best: _Outcome | None, tried: Mapping[str, str], parted: str, *, even_if_it_differs: bool
    ) -> tuple[onnx.ModelProto | None, Report]:
        missing = {name: MethodReport(certified=False, reason=why) for name, why in self.lacking.items()}
        if best is None:
            reason = "; ".join(f"{name}: {why}" for name, why in tried.items())
            failed = MethodReport(certified=False, reason=shorten(reason, 600))
            methods: dict[str, MethodReport] = dict.fromkeys(self.methods, failed)
        else:
            methods = dict(best.methods)
        usable = best is not None and (best.certified > 0 or even_if_it_differs)
        model = best.candidate.model if best is not None and usable else None
        return model, Report(
            methods={**methods, **missing},
            candidate=best.candidate.name if best is not None and usable else "",
            tried=tried,
            first_difference=parted,
            rows=self._counts() if best is None else best.rows,
            seed=self.seed,
            floor=self.floor,
            layout=best.layout if best is not None and usable else None,
            domain=best.domain if best is not None else self.domain,
            threads=best.threads if best is not None else 1,
            versions=_versions(),
            opsets={}
            if model is None
            else {one.domain or "ai.onnx": one.version for one in model.opset_import},
        )


def _profile(held: Any, schema: Schema) -> Profile:
    return Profile({}, 0) if held is None else profile_of(held, schema)


def _example(held: Any) -> list[Probe]:
    return [] if held is None or len(held) == 0 else [Probe("example", held)]


def _reference(held: Any) -> list[Probe]:
    """Rows that the model was trained on: some models answer exactly these by a hair's breadth."""
    if held is None or len(held) == 0:
        return []
    return [Probe("reference", part(held, slice(0, _REFERENCE_ROWS)))]


def _reasons(methods: Mapping[str, MethodReport]) -> str:
    return "; ".join(f"{name}: {one.reason}" for name, one in methods.items() if not one.certified)


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
