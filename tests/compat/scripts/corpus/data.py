"""What the models learn, and what they are asked: the same in every version."""

import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec

_ROWS = 80
_ASKED = 5

random = np.random.default_rng(20)


def exact(values):
    """*values* in steps of 1/64: sums of their products are exact, in whatever order they are added."""
    return np.round(np.asarray(values) * 64) / 64


def exactly(model, *parts):
    """*model*, a fitted linear one, with coefficients in such steps; its answers then have no last bits."""
    for part in parts or ("coef_", "intercept_"):
        setattr(model, part, exact(getattr(model, part)))
    return model


people = pd.DataFrame(
    {
        "age": random.integers(18, 90, _ROWS),
        "charges": random.uniform(10, 100, _ROWS).round(2),
        "plan": random.choice(["basic", "plus", "pro"], _ROWS),
        "paperless": random.choice([True, False], _ROWS),
    }
)
numbers = pd.DataFrame(exact(random.normal(size=(_ROWS, 3))), columns=["a", "b", "c"])
matrix = numbers.to_numpy()
gaps = numbers.mask(random.random(numbers.shape) < 0.15)
left = (people["charges"] + random.normal(0, 10, _ROWS) > 55).astype(int).to_numpy()
three = np.digitize(matrix[:, 0] + matrix[:, 1], [-0.6, 0.6])
amount = (matrix @ [2.0, -1.0, 0.5] + random.normal(0, 0.1, _ROWS)).round(3)

people_asked = people.head(_ASKED)
numbers_asked = numbers.head(_ASKED)
matrix_asked = matrix[:_ASKED]
gaps_asked = gaps.head(_ASKED)

people_columns = Schema(
    [
        ColSpec("long", "age"),
        ColSpec("double", "charges"),
        ColSpec("string", "plan"),
        ColSpec("boolean", "paperless"),
    ]
)
number_columns = Schema([ColSpec("double", name) for name in numbers])
number_tensor = Schema([TensorSpec(np.dtype("float64"), (-1, 3))])
float_tensor = Schema([TensorSpec(np.dtype("float32"), (-1, 3))])
one_double = Schema([ColSpec(DataType.double)])

people_signed = ModelSignature(people_columns, Schema([ColSpec("long")]))
numbers_signed = ModelSignature(number_columns, one_double)
tensor_signed = ModelSignature(number_tensor, Schema([TensorSpec(np.dtype("float64"), (-1,))]))
floats_signed = ModelSignature(float_tensor, Schema([TensorSpec(np.dtype("float32"), (-1, 2))]))


def with_params(signature, *specs):
    """*signature* and the params *specs*: name, type, default, and a shape where it is a list."""
    return ModelSignature(
        signature.inputs, signature.outputs, ParamSchema([ParamSpec(*one) for one in specs])
    )
