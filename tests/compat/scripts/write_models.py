"""Run by real MLflow's Python: writes model directories, prints what MLflow itself predicts with each."""

import json
import sys
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema
from mlflow.types.schema import Array
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

into = Path(sys.argv[1])
random = np.random.default_rng(20)
frame = pd.DataFrame(
    {
        "age": random.integers(18, 90, 200),
        "charges": random.uniform(10, 100, 200),
        "plan": random.choice(["basic", "plus", "pro"], 200),
        "paperless": random.choice([True, False], 200),
    }
)
numbers = frame[["age", "charges"]].to_numpy(dtype=np.float64)
label = (frame["charges"] + random.normal(0, 10, 200) > 55).astype(int)

mixed = make_pipeline(
    make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["plan", "paperless"]),
        (StandardScaler(), ["age", "charges"]),
    ),
    LogisticRegression(),
).fit(frame, label)
forest = RandomForestClassifier(20, random_state=1).fit(numbers, label)
boosted = HistGradientBoostingRegressor(max_iter=20, random_state=1).fit(numbers, frame["charges"] * 2)


class Doubler(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input["charges"] * (params or {}).get("factor", 2.0)


class Reader(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        self.offset = float(Path(context.artifacts["offset"]).read_text())

    def predict(self, context, model_input):
        return model_input["charges"] + self.offset


(into / "offset.txt").write_text("41.5")
params = ParamSchema([ParamSpec("factor", "double", 2.0)])
signed = infer_signature(frame, mixed.predict(frame))
tensor = infer_signature(numbers, forest.predict(numbers))
charges = infer_signature(frame[["charges"]], frame["charges"])
saves = {
    "sklearn-skops-signed": lambda at: mlflow.sklearn.save_model(
        mixed, at, signature=signed, input_example=frame.head(3), serialization_format="skops"
    ),
    "sklearn-skops-unsigned": lambda at: mlflow.sklearn.save_model(
        forest, at, serialization_format="skops", skops_trusted_types=["sklearn.tree._tree.Tree"]
    ),
    "sklearn-cloudpickle-signed": lambda at: mlflow.sklearn.save_model(
        mixed, at, signature=signed, input_example=frame.head(3), serialization_format="cloudpickle"
    ),
    "sklearn-cloudpickle-unsigned": lambda at: mlflow.sklearn.save_model(
        forest, at, serialization_format="cloudpickle"
    ),
    "sklearn-pickle-tensor": lambda at: mlflow.sklearn.save_model(
        forest, at, signature=tensor, input_example=numbers[:3], serialization_format="pickle"
    ),
    "sklearn-proba": lambda at: mlflow.sklearn.save_model(
        forest, at, signature=tensor, pyfunc_predict_fn="predict_proba", serialization_format="cloudpickle"
    ),
    "sklearn-boosted-skops": lambda at: mlflow.sklearn.save_model(
        boosted,
        at,
        signature=tensor,
        serialization_format="skops",
        skops_trusted_types=[
            "sklearn._loss.link.Interval",
            "sklearn._loss.link.IdentityLink",
            "sklearn._loss.loss.HalfSquaredError",
            "sklearn._loss._loss.CyHalfSquaredError",
            "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        ],
    ),
    "pyfunc-params": lambda at: mlflow.pyfunc.save_model(
        at,
        python_model=Doubler(),
        signature=mlflow.models.ModelSignature(charges.inputs, charges.outputs, params),
        input_example=(frame[["charges"]].head(2), {"factor": 3.0}),
    ),
    "pyfunc-artifacts": lambda at: mlflow.pyfunc.save_model(
        at, python_model=Reader(), artifacts={"offset": str(into / "offset.txt")}, signature=charges
    ),
    "pyfunc-arrays": lambda at: mlflow.pyfunc.save_model(
        at,
        python_model=Doubler(),
        signature=mlflow.models.ModelSignature(
            Schema([ColSpec("double", "charges"), ColSpec(Array("long"), "counts", required=False)])
        ),
    ),
}
asked = {
    "columns": frame.head(20).to_dict(orient="split", index=False),
    "tensor": numbers[:20].tolist(),
}
answers = {}
for name, save in saves.items():
    save(str(into / name))
    model = mlflow.pyfunc.load_model(str(into / name))
    data = numbers[:20] if name.endswith(("tensor", "proba", "unsigned", "boosted-skops")) else frame.head(20)
    if name.startswith("pyfunc"):
        data = frame[["charges"]].head(20)
    signature = model.metadata.signature
    answers[name] = {
        "predictions": np.asarray(model.predict(data)).tolist(),
        "input": "columns" if isinstance(data, pd.DataFrame) else "tensor",
        "signature": signature.to_dict() if signature else None,
    }
print(json.dumps({"asked": asked, "answers": answers, "version": mlflow.__version__}))
