"""Each flavor passes what every flavor must pass."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from modelpack import Trust
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
