"""What is registered with MLflow comes into a registry of ours: from a server, a folder, a database."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import modelpack
from modelpack.importing import Outcome, Source, copy_models, open_source
from modelpack.registry.client import Registry
from modelpack.registry.records import ModelVersion
from tests.compat.real_mlflow import NEWEST
from tests.modelpack.cli.conftest import Verb
from tests.modelpack.registry.directories import contents
from tests.remote.conftest import Enter, Written, written_by
from tests.remote.servers import OLDER, OLDEST

pytestmark = [pytest.mark.mlflow, pytest.mark.postgres]


SOURCES = [
    *((NEWEST, kind) for kind in ("server", "folder", "database", "file")),
    *(
        pytest.param((OLDER, kind), marks=pytest.mark.long)
        for kind in ("server", "folder", "database", "file")
    ),
    pytest.param((OLDEST, "folder"), marks=pytest.mark.long),
    pytest.param((OLDEST, "file"), marks=pytest.mark.long),
]


@pytest.fixture(params=SOURCES, ids=lambda one: " ".join(one))
def theirs(request: pytest.FixtureRequest, enter: Enter) -> tuple[str, Written]:
    """The address of each kind of source; who we are to the server is in the environment."""
    version, kind = request.param
    found = written_by(version, request)
    enter({name: value for name, value in found.environ.items() if name != "MLFLOW_TRACKING_URI"})
    address = {
        "server": found.server.url if found.server else "",
        "folder": str(found.folder / "mlruns"),
        "database": f"sqlite:///{found.folder}/data/mlflow.db",
        "file": str(found.folder / "data" / "mlflow.db"),
    }[kind]
    return address, found


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """An empty registry of ours."""
    with Registry(f"sqlite:///{tmp_path}/ours.db", artifacts=tmp_path / "ours", user="me") as opened:
        yield opened


def copied(address: str, registry: Registry) -> list[Outcome]:
    with closing(open_source(address)) as source:
        return list(copy_models(source, registry, names={"iris", "lost"}))


def test_everything_comes_under_its_number(theirs: tuple[str, Written], registry: Registry) -> None:
    address, found = theirs
    outcomes = copied(address, registry)
    assert [(one.name, one.version, one.result) for one in outcomes] == [
        ("iris", 1, "imported"),
        ("iris", 3, "imported"),
        ("lost", 1, "not imported"),
    ]
    assert "dbfs:/nowhere" in outcomes[2].reason
    model = registry.get_model("iris")
    assert (model.description, model.tags["team"], dict(model.aliases)) == (
        "flowers",
        "growth",
        {"champion": 1},
    )
    versions = list(registry.search_versions("name = 'iris'", order_by=["version_number"]))
    told = [(one.version, one.stage, one.tags["number"], one.description) for one in versions]
    assert told == [(1, "Production", "1", "the 1."), (3, "Staging", "3", "the 3.")]
    assert all(one.run_id in found.runs.values() for one in versions)
    for version in versions:
        path = registry.path(version)
        assert contents(path).items() >= contents(found.folder / "saved").items()
        assert list(modelpack.load(path, trust=found.trust).predict([[0.0], [3.0]])) == [0, 1]


def test_a_second_run_changes_nothing(theirs: tuple[str, Written], registry: Registry) -> None:
    address, _ = theirs
    copied(address, registry)
    registry.promote("iris", 1, "Archived")
    registry.delete_alias("iris", "champion")
    before = registry.search_versions("")
    again = copied(address, registry)
    assert [one.result for one in again] == ["here already", "here already", "not imported"]
    assert registry.search_versions("") == before
    assert registry.get_model("iris").aliases == {}


class Breaking:
    """A source that breaks off when it is asked for files the *last*-th time."""

    def __init__(self, source: Source, last: int) -> None:
        self._source, self._left = source, last
        self.name = source.name
        self.models, self.versions, self.close = source.models, source.versions, source.close

    def path(self, version: ModelVersion) -> Path:
        self._left -= 1
        if self._left == 0:
            raise KeyboardInterrupt
        return self._source.path(version)


@pytest.mark.parametrize("broken", ["files", "register", "stage"])
def test_a_run_that_is_broken_off_is_gone_on_with(
    broken: str, registry: Registry, written: Written, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter({})
    address = str(written.folder / "mlruns")
    with closing(open_source(address)) as source, monkeypatch.context() as patch:
        if broken == "register":
            # Between a number that is given and taken back.
            patch.setattr(Registry, "delete_version", _interrupt)
        if broken == "stage":
            patch.setattr(Registry, "promote", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            list(copy_models(Breaking(source, 2 if broken == "files" else 9), registry, names={"iris"}))
    assert [one.version for one in copied(address, registry) if one.name == "iris"] == [1, 3]
    versions = list(registry.search_versions("name = 'iris'", order_by=["version_number"]))
    assert [(one.version, one.stage) for one in versions] == [(1, "Production"), (3, "Staging")]
    assert not any("modelpack.import_begun" in one.tags for one in versions)


def _interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_what_is_here_already_is_not_touched(registry: Registry, written: Written, enter: Enter) -> None:
    enter({})
    registry.create_model("iris", description="ours", tags={"team": "risk"})
    registry.register(written.folder / "saved", "iris", tags={"mine": "yes"})
    outcomes = copied(str(written.folder / "mlruns"), registry)
    assert [(one.version, one.result) for one in outcomes[:2]] == [(1, "not imported"), (3, "imported")]
    assert "another version has this number" in outcomes[0].reason
    model = registry.get_model("iris")
    assert (model.description, model.tags["team"]) == ("ours", "risk")
    assert registry.get_version("iris", 1).tags == {"mine": "yes"}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("/etc", "outside"),
        ("file:///etc", "outside"),
        ("../../../../../../etc", "outside"),
        ("runs:/../../etc", "names no files of a run"),
        ("http://127.0.0.1:1/model.tar.gz", "cannot be followed"),
        ("mlflow-artifacts:/../../etc", "outside"),
        ("models:/m-" + "0" * 32, "no logged model"),
    ],
)
def test_a_database_cannot_make_us_read_what_is_not_its_own(
    source: str, said: str, registry: Registry, written: Written, enter: Enter, tmp_path: Path
) -> None:
    enter({})
    (tmp_path / "from").mkdir()
    file = tmp_path / "from" / "mlflow.db"
    with (
        closing(sqlite3.connect(written.folder / "data" / "mlflow.db")) as theirs,
        closing(sqlite3.connect(file)) as ours,
    ):
        theirs.backup(ours)
        ours.execute("UPDATE model_versions SET source = ?, storage_location = ?", (source, source))
        ours.commit()
    outcomes = copied(str(file), registry)
    assert {one.result for one in outcomes} == {"not imported"}
    assert all(said in one.reason for one in outcomes)
    assert list(registry.search_versions("")) == []


def test_the_verb_tells_what_came_and_what_could_not(
    written: Written, enter: Enter, verb: Verb, tmp_path: Path
) -> None:
    enter({})
    words = ("import-mlflow", written.folder / "mlruns", f"sqlite:///{tmp_path}/ours.db")
    first = verb(*words, "--json")
    assert first.code == 1
    assert [one["result"] for one in first.json] == ["imported", "imported", "not imported"]
    again = verb(*words, "--name", "iris")
    assert (again.code, again.out.count("here already")) == (0, 2)
