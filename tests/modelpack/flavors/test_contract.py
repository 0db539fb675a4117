"""Each flavor passes what every flavor must pass."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from modelpack import ModelDirectory, Trust, load
from modelpack.testing.flavors import FlavorContract
from tests.modelpack.small import Doubler, frame, pipeline


class TestSklearn(FlavorContract):
    """By skops, which needs no word."""

    name = "sklearn"

    def model(self) -> Any:
        return pipeline()

    def data(self) -> pd.DataFrame:
        return frame().head(5)


class TestSklearnOnArrays(TestSklearn):
    """The same without names."""

    def model(self) -> Any:
        return clone(pipeline()).fit(self.rows(), np.arange(5) % 2)

    def rows(self) -> np.ndarray:
        """Five rows of floats."""
        return frame().head(5).to_numpy(dtype=np.float64)

    def data(self) -> Any:
        return self.rows()


class TestPython(FlavorContract):
    """By cloudpickle, which the operator has to allow."""

    name = "python"
    trust = Trust(pickle=True)

    def model(self) -> Any:
        return Doubler(3.0)

    def data(self) -> pd.DataFrame:
        return frame().head(5)


class TestScript(FlavorContract):
    """A script, a line of which runs once the operator has allowed it."""

    name = "script"
    trust = Trust(code=True)

    def model(self) -> Any:
        return Path(__file__).with_name("doubling.py")

    def data(self) -> pd.DataFrame:
        return frame().head(5)

    def expected(self) -> Any:
        return self.data()["age"].to_numpy() * 2

    def test_the_native_model_comes_back(self, saved: ModelDirectory) -> None:
        assert type(load(saved.path, trust=self.trust)).__name__ == "Doubling"
