"""The native engine passes on what it is asked."""

import numpy as np
import pytest

from modelpack.engines import Engine
from modelpack.engines.native import NativeEngine


def test_it_calls_the_model_by_method() -> None:
    engine = NativeEngine(lambda data, method: (method, data.sum()))
    assert isinstance(engine, Engine)
    assert engine.name == "native"
    assert engine.run(np.ones(3), "predict_proba") == ("predict_proba", 3.0)


def test_what_the_model_raises_comes_out_as_it_is() -> None:
    def refuses(data: object, method: str) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        NativeEngine(refuses).run(np.ones(3), "predict")
