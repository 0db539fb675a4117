"""MlflowClient: tracking and the registry, under the names that people's scripts call."""

import os
from types import TracebackType
from typing import Self

from modelpack.registry import Registry
from modelpack.tracking.client_of_registry import RegistryCalls
from modelpack.tracking.client_of_runs import RunCalls
from modelpack.tracking.opening import VARIABLES, Tracking, open_tracking, tracking_uri

_REGISTRY: tuple[str, ...] = ("MODELPACK_REGISTRY_URI", "MLFLOW_REGISTRY_URI")


class MlflowClient(RunCalls, RegistryCalls):
    """What can be tracked, and what can be registered, with every call a transaction; a context manager.

    *tracking_uri* and *registry_uri* are ``sqlite:///FILE``, ``postgresql://…`` or ``http://…``; left out,
    ``MODELPACK_TRACKING_URI``, ``MLFLOW_TRACKING_URI`` or the database in ``$MODELPACK_HOME``, and for the
    registry its own variables, else the same place. Each is opened at the first call that needs it. Threads
    may share a client, and processes may fork while it is idle.

    The methods are MLflow 3.17's for tracking and registry, with its arguments and defaults.
    """

    def __init__(self, tracking_uri: str | None = None, registry_uri: str | None = None) -> None:
        self._tracking_uri, self._registry_uri = tracking_uri, registry_uri
        self._tracking: Tracking | None = None
        self._registry: Registry | None = None

    @property
    def tracking_uri(self) -> str:
        """Where runs are tracked."""
        return self._tracking_uri or tracking_uri(os.environ)[0]

    @property
    def tracking(self) -> Tracking:
        """The store of runs, opened at first use."""
        if self._tracking is None:
            self._tracking = open_tracking(self._tracking_uri, os.environ)
        return self._tracking

    @property
    def registry(self) -> Registry:
        """The registry, opened at first use."""
        if self._registry is None:
            self._registry = Registry(self._registry_uri or self._registry_of_tracking())
        return self._registry

    def close(self) -> None:
        """Let go of connections; the next call opens new ones."""
        if self._tracking is not None:
            self._tracking.close()
        if self._registry is not None:
            self._registry.close()
        self._tracking = self._registry = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _registry_of_tracking(self) -> str | None:
        """None where the registry's own variables, or its default, decide."""
        if any(os.environ.get(one) for one in _REGISTRY):
            return None
        if self._tracking_uri:
            return self._tracking_uri
        return next((os.environ[one] for one in VARIABLES if os.environ.get(one)), None)
