"""The second form of a model, proved: ONNX, parity report and profile, written beside the native files."""

import json
import logging
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import numpy as np

from modelpack import settings
from modelpack.directory import ModelDirectory, layout
from modelpack.directory.document import OWN
from modelpack.engines.memory import note_opened
from modelpack.errors import InvalidModel, NotFound, shorten
from modelpack.flavors import FLAVORS, Predict
from modelpack.onnx import answers, is_network, owner
from modelpack.onnx.files import digest_of, native_digest
from modelpack.onnx.profile import Profile, profile
from modelpack.onnx.report import MethodReport, Report
from modelpack.onnx.wire import LARGEST
from modelpack.schema import Table

ROWS = 100_000
"""Rows that models with trees are compared on."""

ROWS_VARIABLE = "MODELPACK_CERTIFY_ROWS"
"""Another number for those who do not say; 0 to compare nothing."""

_LARGEST_PROFILE = 16 << 10
"""Characters of a profile in the document; a longer one is a file."""

_NEEDED = ("onnx", "onnxruntime", "skl2onnx")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is compared: about *rows* rows, drawn by *seed*."""

    rows: int = ROWS
    seed: int = 0

    @classmethod
    def read(cls, wish: bool | Mapping[str, int], environ: Mapping[str, str]) -> "Effort | None":
        """What *wish* says: a mapping with ``rows`` and ``seed``, or whether to compare; None for not at all.

        Where the number of rows is not said, the environment may say it. Raises NotFound for other keys.
        """
        given = dict(wish) if isinstance(wish, Mapping) else {}
        for key in given:
            if key not in ("rows", "seed"):
                raise NotFound("setting of certify", key, known=("rows", "seed"))
        text = environ.get(ROWS_VARIABLE, "")
        rows = given.get("rows", int(text) if text.isdigit() else ROWS)
        return cls(int(rows), int(given.get("seed", 0))) if wish and rows > 0 else None


def usual_methods(model: Any) -> tuple[str, ...]:
    """What *model* is most likely asked: ``predict``, and a classifier ``predict_proba`` too.

    A transformer, which predicts nothing, is asked to ``transform``.
    """
    if is_network(model):
        return ("predict",)
    asked = tuple(name for name in ("predict", "predict_proba") if hasattr(model, name))
    return asked or (("transform",) if hasattr(model, "transform") else ())


def with_profile(view: ModelDirectory, reference: Any) -> ModelDirectory:
    """*view* with the profile of the training data *reference*, in the metadata or in a file.

    Raises SchemaMismatch for data that the signature refuses, InvalidModel where there is no signature.
    """
    if view.signature is None or view.signature.inputs is None:
        raise InvalidModel("reference_data needs a signature or an input example, to know its columns")
    found = profile(reference, view.signature.inputs).to_json()
    text = json.dumps(found, allow_nan=False)
    if len(text) > _LARGEST_PROFILE:
        (view.path / layout.PROFILE).write_text(text, encoding="utf-8")
        found = {"file": layout.PROFILE}
    metadata = dict(view.document.metadata or {})
    own = metadata.get(OWN)
    metadata[OWN] = {**(own if isinstance(own, dict) else {}), "profile": found}
    return replace(view, document=replace(view.document, metadata=metadata))


def read_profile(view: ModelDirectory) -> Profile | None:
    """The profile that was saved with the model; None where there is none. Raises InvalidModel."""
    own = (view.document.metadata or {}).get(OWN)
    found = own.get("profile") if isinstance(own, dict) else None
    if found is None:
        return None
    try:
        if "file" in found:
            found = json.loads(view.file(str(found["file"])).read_bytes())
        return Profile.from_json(found)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise InvalidModel("the profile of the training data is damaged; save the model again") from error


def with_proof(
    view: ModelDirectory,
    flavor: str,
    model: Any,
    *,
    example: Any,
    reference: Any = None,
    methods: Sequence[str],
    effort: Effort,
) -> ModelDirectory:
    """*view* with the ONNX form of *model*, where one is certified, and the report in any case.

    Unchanged where nobody could write another form: without the libraries that do it (which is logged), and
    for models of libraries that have no converter. *example* is data as the signature takes it, and so is
    *reference*, the training data.
    """
    if not owner(model) or not methods:
        return view
    if view.signature is None or view.signature.inputs is None:
        return _reported(view, methods, "the model was saved without a signature; save it with an example")
    if view.signature.params:
        return _reported(view, methods, "the model takes parameters, which no other form does")
    if lacking := [name for name in _NEEDED if find_spec(name) is None]:
        line = 'pip install "modelpack[onnx]"'
        logger.info("no ONNX form was written", extra={"missing": ", ".join(lacking), "install": line})
        return view
    # Here and not above: ONNX and its converter take a second to import.
    from modelpack.onnx.parity import certify

    form, report = certify(
        model,
        view.signature,
        example=example,
        reference=reference,
        profile=read_profile(view),
        methods=methods,
        rows=effort.rows,
        seed=effort.seed,
        native=asking(view, flavor, model, methods),
    )
    if form is None or form.ByteSize() > LARGEST:
        return _written(view, report, b"")
    return _written(view, report, form.SerializeToString(deterministic=True))


def asking(view: ModelDirectory, flavor: str, model: Any, methods: Sequence[str]) -> Any:
    """The model as its flavor asks it, for enforced input and a method's name."""
    calls: dict[str, Predict] = {}
    for method in methods:
        if answers(model, method):
            calls[method] = FLAVORS[flavor].predictor(model, view, method=method)

    def ask(data: Table | np.ndarray, method: str) -> np.ndarray:
        with warnings.catch_warnings():
            # Unknown categories are among the questions on purpose.
            warnings.simplefilter("ignore")
            return np.asarray(calls[method](data, {}))

    return ask


def _reported(view: ModelDirectory, methods: Sequence[str], why: str) -> ModelDirectory:
    return _written(view, Report(methods=dict.fromkeys(methods, MethodReport(False, why))), b"")


def _written(view: ModelDirectory, report: Report, form: bytes) -> ModelDirectory:
    flavors = {name: entries for name, entries in view.document.flavors.items() if name != "onnx"}
    (view.path / layout.ONNX).unlink(missing_ok=True)
    if form:
        (view.path / layout.ONNX).write_bytes(form)
        note_opened(settings.home(os.environ), digest_of(form))
        flavors["onnx"] = {
            "onnx_version": version("onnx"),
            "data": layout.ONNX,
            # The one that it was compared on.
            "providers": ["CPUExecutionProvider"],
            "onnx_session_options": None,
            "code": None,
        }
    bound = report.bound(native_digest=native_digest(view), onnx_digest=digest_of(form) if form else "")
    dated = replace(bound, made=datetime.now(UTC).isoformat(timespec="seconds"))
    (view.path / layout.PARITY).write_text(dated.to_json(), encoding="utf-8")
    for name, one in report.methods.items():
        if not one.certified:
            extra = {"method": name, "reason": shorten(one.reason)}
            logger.info("answered by the native model alone", extra=extra)
    return replace(view, document=replace(view.document, flavors=flavors))
