"""The models of the corpora, one module for each flavor. Run by the Python of each MLflow version."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import yaml

# MLflow reads each document several times, and takes the slow one of the two readers.
yaml.SafeLoader = yaml.CSafeLoader
# Where the tests lie, one module of which runs here too.
sys.path.append(str(Path(__file__).resolve().parents[4]))

VERSION = tuple(int(part) for part in mlflow.__version__.split(".")[:2])

QUICK = {"pip_requirements": ["numpy"]}
"""Spares MLflow the search for requirements, which starts a process for each model."""


@dataclass(frozen=True)
class Entry:
    """A model to save, and what to ask it.

    *kind* is that of its signature, *form* how the model is written, *example* the kind of its input example.
    *needs* are the words of trust. Without *predicts* MLflow's pyfunc has nothing to call.
    """

    name: str
    form: str
    kind: str
    save: Callable[[str], Any]
    data: Any
    params: Any = None
    example: str = "none"
    needs: tuple[str, ...] = ()
    predicts: bool = True

    @property
    def flavor(self) -> str:
        return self.name.partition("-")[0]
