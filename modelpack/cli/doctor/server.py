"""The MLflow server that the environment names: whether it answers, and lets us in."""

import importlib
import time
from collections.abc import Iterator
from typing import Any

from modelpack.cli.doctor.finding import Finding, Patient
from modelpack.cli.doctor.waiting import within
from modelpack.errors import ModelpackError
from modelpack.registry.address import server_of
from modelpack.remote.address import ServerAddress, tracking_address
from modelpack.remote.patience import Patience


def look(patient: Patient) -> Iterator[Finding]:
    """One finding for each server, asked for one registered model."""
    tracking, registry = tracking_address(patient.environ), server_of(None, patient.environ)
    for address in dict.fromkeys(one for one in (tracking, registry) if one is not None):
        roles = [
            role
            for role, one in (("of runs", tracking), ("of registered models", registry))
            if one == address
        ]
        yield _of(address, " and ".join(roles), patient)


def _of(address: ServerAddress, roles: str, patient: Patient) -> Finding:
    def ask() -> None:
        # By name: an HTTP library is for those who have a server.
        remote: Any = importlib.import_module("modelpack.remote.server")
        patience = Patience(total=max(0.0, patient.deadline - 1))
        server = remote.MlflowServer.open(address, patient.environ, patience=patience)
        try:
            server.get("registered-models/search", max_results="1")
        finally:
            server.close()

    began = time.monotonic()
    try:
        within(patient.deadline, ask, str(address))
    except ModelpackError as error:
        return Finding(
            "server", "problem", str(error), "look at the address, the network, and MLFLOW_TRACKING_*"
        )
    return Finding("server", "ok", f"{address} ({roles}) answered in {time.monotonic() - began:.2f} s")
