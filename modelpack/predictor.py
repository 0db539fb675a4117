"""A loaded model that holds its callers to its signature."""

from collections.abc import Mapping
from typing import Any

from modelpack.directory import ModelDirectory
from modelpack.engines import Engine
from modelpack.engines.auto import AutoEngine
from modelpack.engines.onnx import OnnxEngine
from modelpack.errors import ModelpackError, PredictionFailed
from modelpack.flavors import Predict
from modelpack.schema import Coerce, Signature, enforce, enforce_params


class Predictor:
    """Calls a model with what its signature declares, and with nothing else.

    *directory* is where it came from, *model* the native object, *flavor* and *method* what is called. With
    an *engine*, *predict* runs that, *model* is what loads the native object, and *why_native* is empty;
    else it says why there is none.
    """

    def __init__(
        self,
        directory: ModelDirectory,
        *,
        flavor: str,
        model: Any,
        predict: Predict,
        method: str = "predict",
        engine: Engine | None = None,
        why_native: str = "",
    ) -> None:
        self.directory = directory
        self.flavor = flavor
        self.method = method
        self.why_native = why_native
        self._model = model
        self._engine = engine
        self._predict = predict

    @property
    def model(self) -> Any:
        """The native object. An engine of another form does without it: then it is loaded now."""
        return self._model if self._engine is None else self._model()

    @property
    def engine(self) -> str:
        """What answers a single row: ``native`` or ``onnx``."""
        return "native" if self._engine is None else self._engine.name

    @property
    def onnx(self) -> OnnxEngine | None:
        """The certified ONNX form where it answers, for callers that lay out their rows themselves.

        What it raises Uncertified for, ``run`` may still answer.
        """
        if isinstance(self._engine, AutoEngine):
            return self._engine.onnx
        return self._engine if isinstance(self._engine, OnnxEngine) else None

    @property
    def signature(self) -> Signature | None:
        """What the model takes and gives; None when it promises nothing."""
        return self.directory.signature

    def predict(
        self, data: Any, params: Mapping[str, Any] | None = None, *, coerce: Coerce = "lossless"
    ) -> Any:
        """What the model answers for *data*, a DataFrame, array, dict, list, sparse matrix or scalar.

        Raises SchemaMismatch for data or *params* that the signature refuses, PredictionFailed from what the
        model raises. ``coerce="mlflow"`` takes what MLflow's lenient table takes.
        """
        signature = self.signature
        if signature is None:
            return self.run(data, dict(params or {}))
        return self.run(
            enforce(data, signature.inputs, coerce=coerce),
            enforce_params(params, signature.params, coerce=coerce),
        )

    def run(self, data: Any, params: Mapping[str, Any]) -> Any:
        """What the model answers for *data* and *params* that ``modelpack.schema`` has already enforced.

        Raises PredictionFailed from what the model raises, Uncertified for what only the native model may
        answer, where that was ruled out.
        """
        try:
            return self._predict(data, params)
        except ModelpackError:
            raise
        except Exception as error:
            raise PredictionFailed(error) from error

    def __repr__(self) -> str:
        asked = f"flavor={self.flavor!r}, method={self.method!r}, engine={self.engine!r}"
        return f"Predictor({str(self.directory.path)!r}, {asked})"
