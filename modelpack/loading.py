"""A reference in, a model out: as a view, as the native object, as something that predicts."""

import logging
import os
import stat
from pathlib import Path
from typing import Any

from modelpack import settings
from modelpack.directory import ModelDirectory, code, open_directory
from modelpack.errors import InvalidModel
from modelpack.flavors import FLAVORS, choose, entry
from modelpack.predictor import Predictor
from modelpack.resolve import locate
from modelpack.trust import Trust
from modelpack.uris import ModelRef

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


def load_predictor(ref: str | Path | ModelRef, *, trust: Trust | None = None) -> Predictor:
    """What calls the model with what its signature declares. Raises as ``load`` does, and InvalidModel for a
    model that does not predict."""
    directory, name = _checked(ref)
    if not directory.document.python_function:
        raise InvalidModel(f"the model at {directory.path} was saved without predict; use modelpack.load")
    model = _native(directory, name, trust)
    predict = FLAVORS[name].predictor(model, directory)
    return Predictor(directory, flavor=name, model=model, predict=predict)


def _checked(ref: str | Path | ModelRef) -> tuple[ModelDirectory, str]:
    directory = open_model(ref)
    if directory.path.stat().st_mode & stat.S_IWOTH:
        logger.warning("model can be changed by other users", extra={"model": str(directory.path)})
    directory.check()
    return directory, choose(directory.document)


def _native(directory: ModelDirectory, name: str, trust: Trust | None) -> Any:
    allowed = _own_policy() if trust is None else trust
    entries = [directory.document.python_function, directory.document.flavors.get(name, {})]
    for folder in sorted({found for one in entries if (found := entry(one, "code", str))}):
        allowed.require_code(folder)
        code.make_importable(directory.path, folder)
    return FLAVORS[name].load(directory, allowed)


def _own_policy() -> Trust:
    return Trust.read(environ=os.environ, home=settings.home(os.environ))
