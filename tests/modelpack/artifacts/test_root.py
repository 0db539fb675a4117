"""What a team server's names for places mean to who uses its database and its root without it."""

from pathlib import Path

import pytest

from modelpack.artifacts.root import ArtifactRoot
from modelpack.errors import InvalidUri
from modelpack.uris import ModelRef


def test_the_root_is_what_is_given_or_named_or_at_home(tmp_path: Path) -> None:
    environ = {"MODELPACK_HOME": str(tmp_path), "MODELPACK_ARTIFACT_ROOT": str(tmp_path / "named")}
    assert ArtifactRoot.read(environ, tmp_path / "given").folder == tmp_path / "given"
    assert ArtifactRoot.read(environ).folder == tmp_path / "named"
    assert ArtifactRoot.read({"MODELPACK_HOME": str(tmp_path)}).folder == tmp_path / "artifacts"
    assert ArtifactRoot("file:///srv/files").folder == Path("/srv/files")
    assert ArtifactRoot("/srv/a b:c").folder == Path("/srv/a b:c")
    assert ArtifactRoot("ab:c").folder == Path.cwd() / "ab:c"


@pytest.mark.parametrize(
    ("root", "told", "meant"),
    [
        ("/srv/files", "mlflow-artifacts:/runs/0/a", "/srv/files/runs/0/a"),
        ("/srv/files", "mlflow-artifacts:/runs/0/a/", "/srv/files/runs/0/a"),
        ("s3://bucket/team", "mlflow-artifacts:/runs/0/a", "s3://bucket/team/runs/0/a"),
        ("s3://bucket/team/", "mlflow-artifacts:/runs/0/a", "s3://bucket/team/runs/0/a"),
        ("/srv/files", "mlflow-artifacts://host:5000/runs/0/a", "mlflow-artifacts://host:5000/runs/0/a"),
        ("/srv/files", "s3://bucket/x", "s3://bucket/x"),
        ("/srv/files", "/elsewhere", "/elsewhere"),
    ],
)
def test_a_servers_name_is_followed_below_the_root_and_others_are_left_alone(
    root: str, told: str, meant: str
) -> None:
    assert str(ArtifactRoot(root).follow(ModelRef.parse(told))) == meant


@pytest.mark.parametrize("root", ["ROOT", "s3://bucket/team"])
@pytest.mark.parametrize("path", ["../x", "a/../../x", "", "a\\b", "a\nb"])
def test_a_name_that_leads_outside_is_refused(root: str, path: str, tmp_path: Path) -> None:
    place = ArtifactRoot(root.replace("ROOT", str(tmp_path)))
    with pytest.raises(InvalidUri):
        place.follow(ModelRef("mlflow-artifacts", f"/{path}"))


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc")
    with pytest.raises(InvalidUri):
        ArtifactRoot(str(tmp_path)).follow(ModelRef.parse("mlflow-artifacts:/link/passwd"))


def test_new_runs_are_put_below_the_root(tmp_path: Path) -> None:
    assert ArtifactRoot(str(tmp_path)).uri("runs") == (tmp_path / "runs").as_uri()
    assert ArtifactRoot("s3://bucket/team").uri("runs") == "s3://bucket/team/runs"
