"""What real MLflow wrote and answered: a corpus for each version, made once a run."""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

import modelpack
from modelpack.schema import Signature
from modelpack.trust import Trust
from tests.compat.reading import plain
from tests.compat.real_mlflow import ENVIRONMENTS, require_mlflow, run_in_mlflow

FLAVORS = ("sklearn", "xgboost", "lightgbm", "catboost", "onnx", "statsmodels", "python")


@dataclass(frozen=True, eq=False)
class Model:
    """One model of a corpus: the folder *place*, and what its MLflow said of it.

    *form* is how it is written, *kind* that of its signature, *needs* the words of trust that it takes.
    Without *predicts* MLflow itself has nothing to call, and *answer* is that of the native object.
    """

    version: str
    name: str
    place: Path
    flavor: str
    form: str
    kind: str
    example: str
    needs: tuple[str, ...]
    predicts: bool
    told: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.name} of {self.version}"

    @cached_property
    def data(self) -> Any:
        """What MLflow was asked: a frame, an array, arrays by name, or a plain value."""
        return plain.decode(self.told["data"])

    @cached_property
    def params(self) -> Any:
        """The params that it was asked with, or None."""
        return plain.decode(self.told["params"])

    @property
    def answer(self) -> Any:
        """What MLflow answered, in its plain form."""
        return self.told["answer"]

    @property
    def answers(self) -> list[Any]:
        """What MLflow answered, as nested lists."""
        made: list[Any] = np.asarray(plain.decode(self.answer)).tolist()
        return made

    @property
    def trust(self) -> Trust:
        """As much as it takes."""
        return Trust().and_also(*self.needs)

    @cached_property
    def signature(self) -> Signature | None:
        """As we read it."""
        return modelpack.open_model(self.place).signature


@dataclass(frozen=True)
class Corpus:
    """The models that one *version* wrote into *folder*; *marks* are what running them leaves behind."""

    version: str
    folder: Path
    marks: tuple[str, ...]
    models: Mapping[str, Model]

    @classmethod
    def read(cls, version: str, folder: Path) -> "Corpus":
        """What the script ``write_corpus.py`` left in *folder*."""
        told = json.loads((folder / "corpus.json").read_text())
        assert told["version"].startswith(f"{version}.")
        keys = ("flavor", "form", "kind", "example", "predicts")
        models = {
            name: Model(
                version,
                name,
                folder / name,
                needs=tuple(one["needs"]),
                told=one,
                **{key: one[key] for key in keys},
            )
            for name, one in told["models"].items()
        }
        return cls(version, folder, tuple(told["marks"]), models)

    def of(self, flavor: str) -> Iterator[Model]:
        """The models of *flavor*."""
        return (one for one in self.models.values() if one.flavor == flavor)

    def marked(self) -> list[str]:
        """The marks that are there now."""
        return sorted(path.name for path in (self.folder / "marks").iterdir())


def write(folder: Path) -> dict[str, Corpus]:
    """The corpora of all versions, written below *folder* now, at the same time."""
    for version in ENVIRONMENTS:
        require_mlflow(version)

    def one(version: str) -> Corpus:
        place = folder / version
        place.mkdir()
        run_in_mlflow("write_corpus.py", place, work=place, version=version)
        return Corpus.read(version, place)

    with ThreadPoolExecutor(len(ENVIRONMENTS)) as pool:
        return dict(zip(ENVIRONMENTS, pool.map(one, ENVIRONMENTS), strict=True))
