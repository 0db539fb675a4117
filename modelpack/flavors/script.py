"""The ``script`` flavor: models from code, which a script beside MLmodel makes and names."""

import platform
import shutil
from pathlib import Path
from typing import Any, ClassVar

from modelpack.directory import layout
from modelpack.directory.document import PYTHON_FUNCTION
from modelpack.directory.reader import ModelDirectory
from modelpack.errors import InvalidModel, shorten
from modelpack.flavors import Config, Predict, SaveOptions, calling, datafile, entry, naming, one_of, portable
from modelpack.trust import Trust

NAME = "script"


class ScriptFlavor:
    """Loads with MLflow's ``mlflow.pyfunc.loaders.code_model``, as MLflow 3.17 writes it.

    Where the script names its model by ``modelpack.set_model``, MLflow runs a copy of portable.py instead,
    which runs the script: it loads where modelpack is not installed.
    """

    packages: ClassVar[tuple[str, ...]] = ()
    loader_module: ClassVar[str] = "mlflow.pyfunc.loaders.code_model"

    def save(self, model: Any, into: Path, options: SaveOptions) -> Config:
        """Copy the script *model*, a path, without running it. The only format is ``code``."""
        one_of(options.format or "code", ["code"], "format of the script flavor")
        script = Path(model)
        if script.is_symlink() or not script.is_file():
            raise InvalidModel(
                f"the script {shorten(str(script), 160)} is a link or does not exist; "
                "give the path of a Python file"
            )
        target = into / script.name
        shutil.copyfile(script, target)
        own: dict[str, dict[str, Any]] = {}
        run = target.name
        if "modelpack" in naming.imports(target):
            run = f"{script.stem}{portable.SUFFIX}.py"
            shutil.copyfile(portable.__file__, into / run)
            own = {NAME: {"data": target.name, "code": options.code}}
        return {
            **own,
            PYTHON_FUNCTION: {
                "loader_module": self.loader_module,
                "model_code_path": run,
                "python_version": platform.python_version(),
                "env": dict(layout.ENVIRONMENT),
                "code": options.code,
                "streamable": False,
                **options.context,
            },
        }

    def load(self, source: ModelDirectory, trust: Trust) -> Any:
        """What the script names, its context loaded. Untrusted unless *trust* allows code."""
        path = _script(source)
        trust.require_code(path.name)
        config = entry(source.document.python_function, "config", dict, {})
        return calling.with_context(naming.model_of(path, config), path.name, source)

    def predictor(self, model: Any, source: ModelDirectory, *, method: str | None = None) -> Predict:
        """Calls the model with a DataFrame for columns, arrays for tensors, else what came.

        The only *method* is ``predict``.
        """
        return calling.predictor(model, source, method)

    def mentions(self, source: ModelDirectory) -> frozenset[str]:
        """The modules that the script imports, and pandas where the signature has columns."""
        return naming.imports(_script(source)) | datafile.frames(source)

    def needs(self, source: ModelDirectory) -> tuple[str, ...]:
        """``code``: the script."""
        return ("code",)


FLAVOR = ScriptFlavor()


def _script(source: ModelDirectory) -> Path:
    name = entry(source.document.flavors.get(NAME, {}), "data", str)
    if name is None:
        given = entry(source.document.python_function, "model_code_path", str)
        if given is None:
            raise InvalidModel("MLmodel names no script for the model (model_code_path)")
        # MLflow has written the path that it read the script from, and looks for its last part too.
        name = Path(given).name
    return source.file(name)
