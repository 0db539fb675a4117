"""A loaded model that holds its callers to its signature."""

from collections.abc import Mapping
from typing import Any

from modelpack.directory import ModelDirectory
from modelpack.errors import ModelpackError, PredictionFailed
from modelpack.flavors import Predict
from modelpack.schema import Coerce, Signature, enforce, enforce_params


class Predictor:
    """Calls a model with what its signature declares, and with nothing else.

    *directory* is where it came from, *model* the native object, *flavor* and *engine* what runs it.
    """

    def __init__(
        self, directory: ModelDirectory, *, flavor: str, model: Any, predict: Predict, engine: str = "native"
    ) -> None:
        self.directory = directory
        self.flavor = flavor
        self.model = model
        self.engine = engine
        self._predict = predict

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

        Raises PredictionFailed from what the model raises.
        """
        try:
            return self._predict(data, params)
        except ModelpackError:
            raise
        except Exception as error:
            raise PredictionFailed(error) from error

    def __repr__(self) -> str:
        return f"Predictor({str(self.directory.path)!r}, flavor={self.flavor!r}, engine={self.engine!r})"
