"""The servers that are compared, each one line of a table."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parents[2]
SERVICES = Path(__file__).parent / "services"

WORKERS = 2
"""Processes that answer, for every server alike."""

HERE = ""
"""The environment in which the harness itself runs."""

_HERE_PROGRAMS = Path(sys.executable).parent

Kind = Literal["ours", "peer", "limit"]

Answers = Literal["model", "graph", "nothing"]
"""What its labels must be: the model's, those of the graph made of it by hand, or none at all."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Server:
    """One server, and how to run it and ask it.

    *environment* is the folder of its virtual environment, below the checkout. *command* and *variables* may
    hold ``{bin}`` (that environment's programs), ``{model}`` (the folder in which the model lies, saved for
    everyone), ``{folder}`` (its own, empty), ``{port}``, ``{other_port}``, ``{third_port}``, ``{workers}``
    and ``{services}``. *needs* is a word that ``serve --help`` must know. *packages* are named in the report.
    One that is *certified_only* cannot serve a model without a certificate for its ONNX form.

    One that is not *usual* runs when it is asked for by name. One that is there to show one thing is asked
    only the works *at* which it shows it, unless works are named.
    """

    name: str
    kind: Kind
    environment: str
    command: tuple[str, ...]
    path: str
    packages: tuple[str, ...]
    protocol: str = "split"
    variables: Mapping[str, str] = field(default_factory=dict)
    answers: Answers = "model"
    needs: str = ""
    models: tuple[str, ...] = ("churn", "telco")
    certified_only: bool = False
    usual: bool = True
    at: tuple[str, ...] = ()

    @property
    def programs(self) -> Path:
        """The folder of its environment's programs."""
        return ROOT / self.environment / "bin" if self.environment else _HERE_PROGRAMS


def _ours(
    name: str, *options: str, protocol: str = "split", needs: str = "", at: tuple[str, ...] = ()
) -> Server:
    return Server(
        name=name,
        kind="ours",
        environment=HERE,
        command=("{bin}/serve", "-m", "{model}/ours", "-p", "{port}", "-w", "{workers}", *options),
        path="/invocations",
        packages=("modelpack", "uvicorn", "scikit-learn", "onnxruntime"),
        protocol=protocol,
        needs=needs,
        certified_only="onnx" in options,
        at=at,
        # As on a machine where the model was saved: what was tried then is not tried again.
        variables={"MODELPACK_HOME": "{model}/home"},
    )


def _limit(name: str, answers: Answers, *packages: str) -> Server:
    """An application under the runner that ours has: uvicorn on uvloop and httptools, no access log."""
    bare = ("--no-access-log", "--no-server-header", "--no-proxy-headers", "--log-level", "warning")
    runner = ("--loop", "uvloop", "--http", "httptools", "--ws", "none", "--lifespan", "off")
    where = ("--app-dir", "{services}", "--host", "127.0.0.1", "--port", "{port}", "--workers", "{workers}")
    return Server(
        name=name,
        kind="limit",
        environment=HERE,
        command=("{bin}/uvicorn", f"asgi_{name}:app", "--interface", "asgi3", *where, *runner, *bare),
        path="/invocations",
        packages=("uvicorn", *packages),
        answers=answers,
        variables={"BENCHMARK_ONNX": "{model}/model.onnx"},
    )


_FOR_SERVICES = {
    "BENCHMARK_MODEL": "{model}/model.joblib",
    "BENCHMARK_PORT": "{port}",
    "BENCHMARK_WORKERS": "{workers}",
    "BENCHMARK_FOLDER": "{folder}",
}


def _mlserver(name: str, protocol: str, *, batching: bool = False, models: tuple[str, ...]) -> Server:
    """MLServer with its scikit-learn runtime; it takes the Open Inference Protocol."""
    together = {"MLSERVER_MODEL_MAX_BATCH_SIZE": "64", "MLSERVER_MODEL_MAX_BATCH_TIME": "0.005"}
    return Server(
        name=name,
        kind="peer",
        environment=".venv-bench/mlserver",
        command=("{bin}/mlserver", "start", "{model}/mlserver"),
        path="/v2/models/model/infer",
        packages=("mlserver", "mlserver-sklearn", "scikit-learn"),
        protocol=protocol,
        variables={
            "MLSERVER_HOST": "127.0.0.1",
            "MLSERVER_HTTP_PORT": "{port}",
            "MLSERVER_GRPC_PORT": "{other_port}",
            "MLSERVER_METRICS_PORT": "{third_port}",
            "MLSERVER_PARALLEL_WORKERS": "{workers}",
            **(together if batching else {}),
        },
        models=models,
        usual=not batching,
    )


def _litserve(name: str, *, batch: int = 1) -> Server:
    return Server(
        name=name,
        kind="peer",
        environment=".venv-bench/litserve",
        command=("{bin}/python", "{services}/litserve_service.py"),
        path="/predict",
        packages=("litserve", "scikit-learn"),
        variables={**_FOR_SERVICES, "BENCHMARK_BATCH": str(batch)},
        usual=batch == 1,
    )


_ALL = (
    _ours("ours"),
    _ours("ours-onnx", "--engine", "onnx", needs="--engine", at=("churn-1x16", "telco-1x16")),
    _ours("ours-native", "--engine", "native", needs="--engine", at=("churn-1x64",)),
    _ours("ours-single", "--engine", "native", "--batch-rows", "1", needs="--batch-rows", at=("churn-1x64",)),
    _ours("ours-arrow", protocol="arrow", at=("churn-5000x4",)),
    Server(
        name="mlflow",
        kind="peer",
        environment=".venv-mlflow3",
        command=(
            *("{bin}/mlflow", "models", "serve", "-m", "{model}/mlflow", "--env-manager", "local"),
            *("-h", "127.0.0.1", "-p", "{port}", "-w", "{workers}"),
        ),
        path="/invocations",
        packages=("mlflow", "scikit-learn"),
    ),
    _mlserver("mlserver", "v2-columns", models=("churn", "telco")),
    _mlserver("mlserver-tensor", "v2-tensor", models=("churn",)),
    _mlserver("mlserver-batching", "v2-tensor", models=("churn",), batching=True),
    Server(
        name="bentoml",
        kind="peer",
        environment=".venv-bench/bentoml",
        command=(
            *("{bin}/bentoml", "serve", "bentoml_service:Scorer", "--working-dir", "{services}"),
            *("--host", "127.0.0.1", "--port", "{port}"),
        ),
        path="/predict",
        packages=("bentoml", "scikit-learn"),
        variables={**_FOR_SERVICES, "BENTOML_HOME": "{folder}", "BENTOML_DO_NOT_TRACK": "True"},
    ),
    _litserve("litserve"),
    _litserve("litserve-batching", batch=64),
    Server(
        name="ray",
        kind="peer",
        environment=".venv-bench/ray",
        command=("{bin}/python", "{services}/ray_service.py"),
        path="/",
        packages=("ray", "scikit-learn"),
        variables={
            **_FOR_SERVICES,
            "RAY_USAGE_STATS_ENABLED": "0",
            # What it is named after needs no cluster, and then Ray keeps to the loopback address. It means
            # nothing else on Linux; without it every part of Ray listens on all addresses.
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        },
    ),
    _limit("bare", "graph", "onnxruntime", "orjson"),
    _limit("empty", "nothing"),
)

SERVERS = {server.name: server for server in _ALL}
