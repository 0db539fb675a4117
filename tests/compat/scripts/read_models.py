"""Run by real MLflow's Python: loads the directories of a folder, prints what it sees in them and predicts.

The folder's ``asked.json`` says what each is asked, as ``plain.encode`` writes it.
"""

import json
import sys
import traceback
from pathlib import Path

# After MLflow's own: only what is missing there comes from here.
sys.path.append(str(Path(__file__).resolve().parents[1]))

import mlflow
from mlflow.models import Model
from mlflow.pyfunc.scoring_server import _parse_json_data
from reading.plain import decode, encode
from writing.native import ask


def loaders(flavors):
    """The native loader of each flavor in *flavors*."""
    return {name: getattr(mlflow, name).load_model for name in flavors if name != "python_function"}


def natively(place, flavors, data):
    """What the flavors' own loaders give for the model at *place*, and what that answers."""
    models = {name: load(place) for name, load in loaders(flavors).items()}
    return {
        name: {"class": type(model).__name__, "answer": encode(ask(name, model, data))}
        for name, model in models.items()
    }


def requirements(place):
    """What MLflow would install, for pip and for conda."""
    lines = Path(mlflow.pyfunc.get_model_dependencies(place)).read_text().splitlines()
    conda = Path(mlflow.pyfunc.get_model_dependencies(place, format="conda")).read_text()
    return {"pip": lines, "in_conda": all(line in conda for line in lines)}


def example(place, document, model):
    """What the model answers for its own example, as a value and as a body of /invocations."""
    if document.saved_input_example_info is None:
        return None
    params = document.load_input_example_params(place)
    value = document.load_input_example(place)
    body = document.get_serving_input(place)
    parsed = _parse_json_data(body, model.metadata, model.metadata.get_input_schema())
    return {
        "value": encode(value),
        "predicted": encode(model.predict(value, params=params)),
        "served": encode(model.predict(parsed.data, params=parsed.params)),
    }


def seen(place, data, params):
    """All that MLflow makes of the model at *place*."""
    document = Model.load(place)
    model = mlflow.pyfunc.load_model(place)
    signature = model.metadata.signature
    return {
        "predicted": encode(model.predict(data, params=params)),
        "native": natively(place, document.flavors, data),
        "signature": signature.to_dict() if signature else None,
        "example": example(place, document, model),
        "requirements": requirements(place),
    }


def main(folder):
    answers = {"version": mlflow.__version__}
    for name, asked in json.loads((folder / "asked.json").read_text()).items():
        place, data = str(folder / name), decode(asked["data"])
        try:
            answers[name] = seen(place, data, decode(asked["params"]))
        except Exception as error:  # noqa: BLE001 - what cannot be loaded is a finding
            # The second form of a model whose first one is not known here.
            native = natively(place, {"onnx"} & set(Model.load(place).flavors), data)
            answers[name] = {
                "error": f"{type(error).__name__}: {error}",
                "trace": traceback.format_exc(),
                "native": native,
            }
    print(json.dumps(answers))


main(Path(sys.argv[1]))
