"""A reference, step by step, to a directory."""

from pathlib import Path

import pytest

from modelpack import resolve
from modelpack.errors import InvalidUri, NotFound
from modelpack.plugins import Table
from modelpack.resolve import locate
from modelpack.uris import ModelRef


class Steps:
    """Leads from each rest to the next, and from the last to a folder."""

    def __init__(self, steps: dict[str, str]) -> None:
        self.steps = steps

    def resolve(self, ref: ModelRef) -> ModelRef:
        return ModelRef.parse(self.steps[ref.rest])


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> "Table[resolve.Resolver]":
    made: Table[resolve.Resolver] = Table(
        "kind of reference", group="none", builtins={"file": "modelpack.resolve:FILES"}
    )
    monkeypatch.setattr(resolve, "RESOLVERS", made)
    return made


@pytest.mark.parametrize(
    "write", [str, Path, lambda path: f"file://{path}", lambda path: ModelRef("file", str(path))]
)
def test_a_path_in_any_form_is_its_folder(tmp_path: Path, write: object) -> None:
    assert callable(write)
    assert locate(write(tmp_path)) == tmp_path


def test_a_link_leads_to_the_folder_itself(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert locate(tmp_path / "link") == tmp_path / "real"


def test_a_folder_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no model directory"):
        locate(tmp_path / "absent")


def test_a_reference_may_lead_to_another(tmp_path: Path, table: "Table[resolve.Resolver]") -> None:
    table.register("step", Steps({"a": "step:b", "b": "step:c", "c": str(tmp_path)}))
    assert locate("step:a") == tmp_path


def test_a_loop_is_an_error(table: "Table[resolve.Resolver]") -> None:
    table.register("step", Steps({"a": "step:b", "b": "step:a"}))
    with pytest.raises(InvalidUri, match="it is a loop"):
        locate("step:a")


def test_too_many_steps_are_a_loop_too(tmp_path: Path, table: "Table[resolve.Resolver]") -> None:
    table.register("step", Steps({"a": "step:b", "b": "step:c", "c": str(tmp_path)}))
    assert locate("step:a", hops=3) == tmp_path
    with pytest.raises(InvalidUri, match="loop"):
        locate("step:a", hops=2)


def test_an_unknown_kind_says_which_there_are(table: "Table[resolve.Resolver]") -> None:
    with pytest.raises(NotFound, match="no kind of reference 'ftp'; there is file"):
        locate("ftp://host/model")


def test_the_registry_is_entered_by_name() -> None:
    assert {"file", "models", "runs", "s3", "gs", "abfss", "mlflow-artifacts"} <= set(resolve.RESOLVERS)


@pytest.mark.parametrize("ref", ["http://host/model.tar.gz", "https://user:c4nary@host/model.zip?c4nary"])
def test_an_address_of_the_web_is_refused(ref: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELPACK_HOME", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(InvalidUri, match="fetch it yourself") as caught:
        locate(ref)
    assert "c4nary" not in str(caught.value)
