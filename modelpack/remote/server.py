"""What an MLflow server knows of runs and logged models, and any other call of its REST interface."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

import msgspec

from modelpack.errors import NotFound, StoreUnavailable, shorten
from modelpack.remote.address import ServerAddress
from modelpack.remote.answers import Refused
from modelpack.remote.http import Http
from modelpack.remote.patience import Again, Patience

Message = Mapping[str, Any]

MISSING: Final = "RESOURCE_DOES_NOT_EXIST"
TAKEN: Final = "RESOURCE_ALREADY_EXISTS"
INVALID: Final = "INVALID_PARAMETER_VALUE"

_API: Final = "/api/2.0/mlflow/"


class MlflowServer:
    """The server behind *http*. Raises StoreUnavailable, and Refused where it says no."""

    def __init__(self, http: Http) -> None:
        self.http = http

    @classmethod
    def open(
        cls, address: ServerAddress, environ: Mapping[str, str], *, patience: Patience | None = None
    ) -> "MlflowServer":
        """The server at *address*, asked as MLflow's variables in *environ* say; nothing is asked yet."""
        return cls(Http(address, environ, patience=patience))

    def get(self, method: str, **params: str | Sequence[str]) -> dict[str, Any]:
        """What answers GET for *method*, such as ``registered-models/get``. Empty *params* are left out.

        A *method* that begins with a slash is a whole path: MLflow's API is not all that servers have.
        """
        given = {key: value for key, value in params.items() if value}
        path = method if method.startswith("/") else _API + method
        return self._read(method, self.http.ask("GET", path, params=given))

    def call(self, verb: str, method: str, message: Message, *, again: Again | None = None) -> dict[str, Any]:
        """What answers *verb* for *method* with *message*; *again* as for Http.ask()."""
        answer = self.http.ask(verb, _API + method, message=message, again=again)
        return self._read(method, answer)

    def run(self, run_id: str) -> dict[str, Any]:
        """The ``info`` of a run: its ``artifact_uri``, ``experiment_id``, ``status``. Raises NotFound."""
        try:
            return _part(self.get("runs/get", run_id=run_id), "run", "info")
        except Refused as refused:
            raise _missing(refused, "run", run_id, self.http.address) from refused

    def logged_model(self, model_id: str) -> dict[str, Any]:
        """The ``info`` of a logged model (MLflow 3): its ``artifact_uri``, ``name``. Raises NotFound."""
        try:
            return _part(self.get(f"logged-models/{quote(model_id, safe='')}"), "model", "info")
        except Refused as refused:
            raise _missing(refused, "logged model", model_id, self.http.address) from refused

    def logged_by(self, run: Message, name: str) -> dict[str, Any] | None:
        """The newest logged model called *name* of a *run* (its ``info``); None where there is none.

        Since MLflow 3 a run's ``log_model`` keeps the files there, and not among the run's own.
        """
        if "'" in name or "/" in name:
            return None
        message = {
            "experiment_ids": [run["experiment_id"]],
            "filter": f"name = '{name}' AND source_run_id = '{run['run_id']}'",
            "order_by": [{"field_name": "creation_timestamp", "ascending": False}],
            "max_results": 1,
        }
        try:
            found = self.call("POST", "logged-models/search", message).get("models")
        except Refused as refused:
            # MLflow 2 has no such call.
            if refused.status in (404, 405, 501):
                return None
            raise
        return _part(found[0], "info") if isinstance(found, list) and found else None

    def close(self) -> None:
        """Let go of the connections."""
        self.http.close()

    def _read(self, method: str, body: bytes) -> dict[str, Any]:
        try:
            told = msgspec.json.decode(body or b"{}")
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            told = None
        if not isinstance(told, dict):
            raise StoreUnavailable(
                f"{self.http.address} answers {method} with no JSON; is it an MLflow server?"
            )
        return told


def _part(told: Any, *names: str) -> dict[str, Any]:
    for name in names:
        told = told.get(name) if isinstance(told, dict) else None
    if not isinstance(told, dict):
        raise StoreUnavailable(f"the server's answer has no {'.'.join(names)}; is it an MLflow server?")
    return told


def _missing(refused: Refused, kind: str, name: str, server: object) -> Refused | NotFound:
    if refused.code == MISSING or refused.status == 404:
        return NotFound(kind, name, hint=f"{shorten(str(server), 100)} was asked")
    return refused
