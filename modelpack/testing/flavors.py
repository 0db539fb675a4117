"""What every flavor must pass; shipped, so that flavors of other distributions can pass it too."""

# ruff: noqa: S101 - these are tests: they assert

import inspect
from abc import abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelpack import loading, saving
from modelpack.directory import ModelDirectory, open_directory
from modelpack.errors import AlreadyExists, DamagedModel, ModelpackError, Untrusted
from modelpack.flavors import FLAVORS, Flavor, choose, detect
from modelpack.trust import Trust


class FlavorContract:
    """Subclass it in a test module, give the flavor's *name*, a fitted *model* and *data* to ask it.

    *trust* is what loading takes; the policy that allows nothing, when the flavor's own format needs none.
    """

    name: str
    trust: Trust = Trust()

    @abstractmethod
    def model(self) -> Any:
        """A fitted model of the flavor's framework."""

    @abstractmethod
    def data(self) -> Any:
        """What the model can be asked: a DataFrame or an array of some rows."""

    def expected(self) -> Any:
        """What the framework itself answers for ``data``."""
        return self.model().predict(self.data())

    @pytest.fixture
    def saved(self, tmp_path: Path) -> ModelDirectory:
        """The model in a directory, with ``data`` as its example."""
        return saving.save(self.model(), tmp_path / "model", input_example=self.data(), requirements=[])

    def test_it_has_the_verbs(self) -> None:
        assert isinstance(FLAVORS[self.name], Flavor)

    def test_it_is_detected_by_its_own_model(self) -> None:
        assert detect(self.model()) == self.name

    def test_it_is_chosen_by_its_own_document(self, saved: ModelDirectory) -> None:
        assert choose(saved.document) == self.name
        assert saved.document.python_function["loader_module"] == FLAVORS[self.name].loader_module

    def test_the_predictor_answers_as_the_framework_does(self, saved: ModelDirectory) -> None:
        predictor = loading.load_predictor(saved.path, trust=self.trust)
        assert predictor.flavor == self.name
        np.testing.assert_array_equal(np.asarray(predictor.predict(self.data())), np.asarray(self.expected()))

    def test_the_native_model_comes_back(self, saved: ModelDirectory) -> None:
        assert type(loading.load(saved.path, trust=self.trust)).__name__ == type(self.model()).__name__

    def test_its_files_are_named_in_the_document_and_lie_inside(self, saved: ModelDirectory) -> None:
        named = {
            value
            for entries in saved.document.flavors.values()
            for value in entries.values()
            if isinstance(value, str) and (saved.path / value).is_file()
        }
        assert named, "no entry of the flavor names a file"
        assert all(saved.file(name).is_relative_to(saved.path) for name in named)

    def test_what_it_needs_is_told_and_is_what_it_asks_for(self, saved: ModelDirectory) -> None:
        needs = FLAVORS[self.name].needs(saved)
        if not needs:
            loading.load(saved.path, trust=Trust())
            return
        with pytest.raises(Untrusted) as met:
            loading.load(saved.path, trust=Trust())
        assert any(word in met.value.allow for word in needs)
        loading.load(saved.path, trust=Trust().and_also(*needs))

    def test_telling_what_it_names_imports_no_code_of_the_model(self, saved: ModelDirectory) -> None:
        assert all(isinstance(module, str) for module in FLAVORS[self.name].mentions(saved))

    def test_damage_is_found_before_anything_is_loaded(self, saved: ModelDirectory) -> None:
        for path in sorted(one for one in saved.path.rglob("*") if one.is_file()):
            content = path.read_bytes()
            path.write_bytes(content + b"\n")
            try:
                with pytest.raises(DamagedModel) as met:
                    loading.load(saved.path, trust=self.trust)
                name = path.relative_to(saved.path).as_posix()
                assert name in {found for _, found in met.value.findings}
            finally:
                path.write_bytes(content)

    def test_a_place_that_is_taken_is_left_alone(self, saved: ModelDirectory) -> None:
        with pytest.raises(AlreadyExists):
            saving.save(self.model(), saved.path)
        assert open_directory(saved.path).findings() == []

    def test_an_unknown_format_is_refused_and_leaves_nothing(self, tmp_path: Path) -> None:
        with pytest.raises(ModelpackError):
            saving.save(self.model(), tmp_path / "other", format="no-such-format")
        assert not (tmp_path / "other").exists()

    def test_its_module_imports_no_framework_at_the_top(self) -> None:
        names = vars(inspect.getmodule(type(FLAVORS[self.name]))).values()
        tops = {one.__name__.partition(".")[0] for one in names if inspect.ismodule(one)}
        assert not tops & set(FLAVORS[self.name].packages)
