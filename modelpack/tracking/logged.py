"""Models logged with a run: saved, entered in the run, registered if that is asked, and loaded again."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import msgspec

from modelpack.directory import ModelDirectory, layout, open_directory
from modelpack.directory.manifest import Manifest
from modelpack.errors import InvalidModel, shorten
from modelpack.loading import load
from modelpack.saving import save
from modelpack.schema import Signature
from modelpack.tracking import current, fluent

HISTORY: Final = "mlflow.log-model.history"
_OURS: Final = frozenset({"methods", "certify", "reference_data", "batch", "artifacts", "model_config"})
"""What save() takes besides, and MLflow does not know or takes for some flavors only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """A logged model: *model_uri* loads it. *registered_model_version* is its number, if it has one."""

    artifact_path: str
    model_uri: str
    run_id: str
    model_uuid: str | None
    flavors: Mapping[str, Any]
    signature: Signature | None
    utc_time_created: str | None
    mlflow_version: str | None
    metadata: Mapping[str, Any] | None
    registered_model_version: str | None = None


class Face:
    """``log_model``, ``save_model``, ``load_model`` of one *flavor*; its model may be given by *keyword*."""

    def __init__(self, flavor: str, keyword: str) -> None:
        self._flavor, self._keyword = flavor, keyword

    def save_model(self, model: Any = None, path: str | Path = "", **given: Any) -> None:
        """Save *model* to the new directory *path*: modelpack.save() by MLflow's names for its arguments."""
        self._save(self._model(model, given), Path(path), given)

    def log_model(
        self,
        model: Any = None,
        artifact_path: str | None = None,
        *,
        name: str | None = None,
        registered_model_name: str | None = None,
        await_registration_for: int | None = None,
        **given: Any,
    ) -> ModelInfo:
        """Save *model*, and keep it with the current run as *artifact_path* or *name*, by default ``model``.

        With *registered_model_name* it becomes that model's next version. The rest is what modelpack.save()
        takes, by its own names or MLflow's.
        """
        del await_registration_for  # a version is there when it has been registered
        model = self._model(model, given)
        path = (name or artifact_path or "model").strip("/")
        run_id = current.current_run_id()
        with tempfile.TemporaryDirectory(prefix="modelpack-log-") as folder:
            place = Path(folder) / "model"
            self._save(model, place, given)
            saved = _of_run(place, run_id, path)
            fluent.log_artifacts(place, path)
        uri = f"runs:/{run_id}/{path}"
        _remember(run_id, saved)
        version = None
        if registered_model_name:
            version = fluent.register_model(uri, registered_model_name).version
        document = saved.document
        return ModelInfo(
            artifact_path=path,
            model_uri=uri,
            run_id=run_id,
            model_uuid=document.model_uuid,
            flavors=document.flavors,
            signature=document.signature,
            utc_time_created=document.utc_time_created,
            mlflow_version=document.mlflow_version,
            metadata=document.metadata,
            registered_model_version=version,
        )

    def load_model(self, model_uri: str, dst_path: str | None = None) -> Any:
        """The native model at *model_uri*, as far as the operator trusts it.

        *dst_path* is taken for the sake of scripts that give it: a model is loaded from where it is kept.
        """
        del dst_path
        return load(model_uri)

    def _model(self, model: Any, given: dict[str, Any]) -> Any:
        named = given.pop(self._keyword, None)
        if (model is None) == (named is None):
            raise InvalidModel(f"give one model to {self._flavor}.log_model, first or as {self._keyword}")
        return named if model is None else model

    def _save(self, model: Any, path: Path, given: Mapping[str, Any]) -> None:
        known = {key: value for key, value in given.items() if key in _OURS and value is not None}
        names: dict[str, Any] = {
            "signature": given.get("signature"),
            "input_example": given.get("input_example"),
            "metadata": given.get("metadata"),
            "format": given.get("serialization_format") or given.get("format"),
            "requirements": _lines(given),
        }
        paths: Sequence[str | Path] = given.get("code_paths") or given.get("code_path") or ()
        unknown = set(given) - set(_OURS) - set(names) - _TAKEN
        if unknown:
            raise InvalidModel(
                f"{self._flavor}.log_model takes no {', '.join(sorted(unknown))}; see modelpack.save"
            )
        save(model, path, code_paths=paths, **names, **known)


_TAKEN: Final = frozenset(
    {"serialization_format", "pip_requirements", "extra_pip_requirements", "code_paths", "code_path"}
)


def _lines(given: Mapping[str, Any]) -> list[str] | None:
    lines = given.get("pip_requirements") or given.get("requirements")
    more = given.get("extra_pip_requirements")
    if more:
        raise InvalidModel(
            "extra_pip_requirements are not added to what is found out; give all of them as pip_requirements"
        )
    if lines is None:
        return None
    if isinstance(lines, str):
        return [line for line in Path(lines).read_text("utf-8").splitlines() if line.strip()]
    return [str(line) for line in lines]


def _of_run(place: Path, run_id: str, path: str) -> ModelDirectory:
    """The saved model at *place*, its document telling of the run, and vouched for again."""
    view = open_directory(place)
    document = replace(view.document, run_id=run_id, artifact_path=path)
    (place / layout.DOCUMENT).write_text(document.text(), encoding="utf-8")
    Manifest.of(place).write(place)
    return open_directory(place)


def _remember(run_id: str, saved: ModelDirectory) -> None:
    """Enter the model in the run's tag, where MLflow's pages look for it."""
    client = current.client()
    document = saved.document
    entry: dict[str, Any] = {
        "run_id": run_id,
        "artifact_path": document.artifact_path,
        "utc_time_created": document.utc_time_created,
        "model_uuid": document.model_uuid,
        "flavors": {name: {} for name in document.flavors},
    }
    known = client.get_run(run_id).data.tags.get(HISTORY, "[]")
    try:
        history = msgspec.json.decode(known, type=list[Any])
    except msgspec.MsgspecError as error:
        raise InvalidModel(f"the tag {HISTORY} holds {shorten(known, 60)}, which is no list") from error
    text = msgspec.json.encode([*history, entry]).decode()
    client.set_tag(run_id, HISTORY, text)


ONNX: Final = Face("onnx", "onnx_model")
"""``modelpack.onnx`` hands on its verbs: the other flavors have a module at the top for theirs."""
