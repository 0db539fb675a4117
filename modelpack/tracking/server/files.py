"""The artifact root of a server: a folder or a bucket, and what clients may call the places in it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from modelpack.artifacts import LocalArtifacts

PROXY: Final = "mlflow-artifacts:"


class ServerFiles:
    """Files below one root. Clients name them ``mlflow-artifacts:/PATH`` and nothing else."""

    runs_root = f"{PROXY}/runs"

    def __init__(self, store: LocalArtifacts) -> None:
        self.store = store

    @classmethod
    def open(cls, root: str, environ: Mapping[str, str]) -> "ServerFiles":
        """The files below *root*, a folder."""
        del environ
        return cls(LocalArtifacts(Path(root)))

    def close(self) -> None:
        """Let go of connections."""
