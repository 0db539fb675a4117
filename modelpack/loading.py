"""A reference in, a model out: as a view, as the native object, as something that predicts."""

import logging
import os
import stat
from functools import cached_property
from pathlib import Path
from typing import Any

from modelpack import settings
from modelpack.directory import ModelDirectory, code, open_directory
from modelpack.engines import Engine
from modelpack.engines.auto import AutoEngine, Learns
from modelpack.engines.choose import check
from modelpack.engines.memory import Measurements
from modelpack.engines.native import NativeEngine
from modelpack.engines.onnx import OnnxEngine
from modelpack.engines.trial import survive_once
from modelpack.errors import DamagedModel, InvalidModel, MissingDependency, Uncertified, shorten
from modelpack.flavors import FLAVORS, choose, entry, one_of, served_method
from modelpack.onnx.files import digest_of, native_digest, onnx_digest, onnx_name, read_report
from modelpack.predictor import Predictor
from modelpack.resolve import locate
from modelpack.trust import Trust
from modelpack.uris import ModelRef

ENGINES = ("auto", "native", "onnx")

logger = logging.getLogger(__name__)


def open_model(ref: str | Path | ModelRef) -> ModelDirectory:
    """The model directory that *ref* means. Runs nothing: no file of the model is imported or unpickled.

    *ref* is a path, ``file://…`` or ``models:/…``. Raises NotFound, InvalidUri, InvalidModel.
    """
    return open_directory(locate(ref))


def load(ref: str | Path | ModelRef, *, trust: Trust | None = None) -> Any:
    """The native object that was saved: an estimator, a function, an object with ``predict``.

    The files are checked against the manifest first: raises DamagedModel. *trust* says what may be loaded;
    None means the operator's own policy, ``Trust.read``. Raises Untrusted before anything runs that it does
    not allow, MissingDependency for a library that is not installed.
    """
    directory, name = _checked(ref)
    return _native(directory, name, trust)


def load_predictor(
    ref: str | Path | ModelRef,
    *,
    trust: Trust | None = None,
    engine: str = "native",
    method: str | None = None,
    threads: int = 1,
    learns: Learns = "first",
) -> Predictor:
    """What calls the model with what its signature declares.

    *engine* is ``native``, ``onnx``, which needs a certificate for *method* and loads no framework, or
    ``auto``: ONNX where it is certified, joined by the native model when that is wanted. *method* is the one
    to call, by default the one that the document names. *threads* are for one call of the ONNX form. *learns*
    says who finds out which engine is faster for many rows: the ``first`` caller with so many, a thread
    ``aside`` while ONNX answers, or ``never`` anybody.

    Raises as ``load`` does, NotFound for an engine or a method that does not exist, Uncertified for
    ``onnx`` without a certificate, and InvalidModel for a model that does not predict.
    """
    one_of(engine, ENGINES, "engine")
    directory, name = _checked(ref)
    if not directory.document.python_function and method is None:
        raise InvalidModel(
            f"the model at {directory.path} was saved without predict; name a method such as transform, "
            "or use modelpack.load"
        )
    asked = method or served_method(directory.document)
    native = _Native(directory, name, trust, method)
    why = "the native engine was asked for"
    if engine != "native":
        try:
            onnx = _open_onnx(directory, asked, _policy(trust), threads)
        except (Uncertified, InvalidModel, MissingDependency) as error:
            if engine == "onnx":
                raise
            why = str(error)
        else:
            return _predictor(native, asked, onnx, engine=engine, threads=threads, learns=learns)
    predict = FLAVORS[name].predictor(native.model, directory, method=method)
    if engine != "native":
        logger.info("the native engine answers", extra={"model": str(directory.path), "reason": why})
    return Predictor(
        directory,
        flavor=name,
        model=native.model,
        predict=predict,
        method=asked,
        why_native=why,
    )


class _Native:
    """The native model, loaded when it is first asked for."""

    def __init__(
        self, directory: ModelDirectory, flavor: str, trust: Trust | None, method: str | None
    ) -> None:
        self.directory, self.flavor = directory, flavor
        self._trust, self._method = trust, method

    @cached_property
    def model(self) -> Any:
        """The native object."""
        return _native(self.directory, self.flavor, self._trust)

    def engine(self) -> NativeEngine:
        """What runs it."""
        predict = FLAVORS[self.flavor].predictor(self.model, self.directory, method=self._method)
        return NativeEngine(lambda data, method: predict(data, {}))


def _predictor(
    native: _Native, method: str, onnx: OnnxEngine, *, engine: str, threads: int, learns: Learns
) -> Predictor:
    chosen: Engine = onnx
    if engine == "auto":
        kept = Measurements(settings.home(os.environ), native.directory.digest, f"{method}/{threads}")
        chosen = AutoEngine(onnx, native.engine, method, measurements=kept, learns=learns)
    return Predictor(
        native.directory,
        flavor=native.flavor,
        model=lambda: native.model,
        predict=lambda data, params: chosen.run(data, method),
        method=method,
        engine=chosen,
    )


def _open_onnx(directory: ModelDirectory, method: str, trust: Trust, threads: int) -> OnnxEngine:
    """The ONNX form, ready to answer *method*; raises Uncertified with the reason where it may not."""
    report = read_report(directory)
    digest = onnx_digest(directory)
    why = check("onnx", report, method, native_digest=native_digest(directory), onnx_digest=digest)
    if why or report is None:
        raise Uncertified(shorten(f"the ONNX form may not answer {method}: {why}"))
    model = directory.file(onnx_name(directory)).read_bytes()
    if digest_of(model) != digest:
        raise DamagedModel(directory.path, [("changed", onnx_name(directory))])
    opened = OnnxEngine(model, report, threads=threads)
    # Who may run any code by unpickling needs no crash of the runtime.
    if not (trust.pickle or trust.code):
        survive_once(model, digest, report, folder=settings.home(os.environ))
    opened.open(method)
    return opened


def _checked(ref: str | Path | ModelRef) -> tuple[ModelDirectory, str]:
    directory = open_model(ref)
    if directory.path.stat().st_mode & stat.S_IWOTH:
        logger.warning("model can be changed by other users", extra={"model": str(directory.path)})
    directory.check()
    return directory, choose(directory.document)


def _native(directory: ModelDirectory, name: str, trust: Trust | None) -> Any:
    allowed = _policy(trust)
    entries = [directory.document.python_function, directory.document.flavors.get(name, {})]
    for folder in sorted({found for one in entries if (found := entry(one, "code", str))}):
        allowed.require_code(folder)
        code.make_importable(directory.path, folder)
    return FLAVORS[name].load(directory, allowed)


def _policy(trust: Trust | None) -> Trust:
    """*trust*, or the operator's own."""
    return Trust.read(environ=os.environ, home=settings.home(os.environ)) if trust is None else trust
