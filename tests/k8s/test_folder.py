"""A folder for kustomize is written whole, again and again, and keeps what is somebody else's."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from k8s.bundle import bundle
from k8s.errors import Disagreement
from k8s.folder import KUSTOMIZATION, write
from tests.k8s.making import invalid, workload


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_each_object_has_a_file_and_the_list_is_in_order(tmp_path: Path) -> None:
    objects = bundle(workload(host="a.example", max_replicas=5))
    written = write(objects, tmp_path / "new" / "base")
    assert [_read(path) for path in written[:-1]] == objects
    assert written[-1].name == KUSTOMIZATION
    assert _read(written[-1])["resources"] == [path.name for path in written[:-1]]
    assert {path.name for path in (tmp_path / "new" / "base").iterdir()} == {path.name for path in written}


def test_the_same_words_write_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two", "two"):
        write(bundle(workload()), tmp_path / name)
    one, two = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two")
    )
    assert one == two


def test_what_is_no_longer_made_goes_and_what_others_wrote_stays(tmp_path: Path) -> None:
    write(bundle(workload(host="a.example", monitor=True)), tmp_path)
    (tmp_path / "mine.yaml").write_text("mine: true\n")
    (tmp_path / "servicemonitor.yaml").write_text("mine: too\n")
    write(bundle(workload()), tmp_path)
    assert not (tmp_path / "ingress.yaml").exists()
    assert (tmp_path / "mine.yaml").read_text() == "mine: true\n"
    assert (tmp_path / "servicemonitor.yaml").read_text() == "mine: too\n"


def test_a_list_that_names_files_elsewhere_takes_nothing_away(tmp_path: Path) -> None:
    base = tmp_path / "base"
    write(bundle(workload()), base)
    victim = tmp_path / "victim.yaml"
    shutil.copy(base / "service.yaml", victim)
    text = (base / KUSTOMIZATION).read_text()
    (base / KUSTOMIZATION).write_text(text + f"- ../victim.yaml\n- {victim}\n- 7\n")
    write(bundle(workload()), base)
    assert victim.exists()


@pytest.mark.parametrize("name", ["service.yaml", KUSTOMIZATION])
def test_a_file_of_somebody_else_is_never_replaced(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine: true\n")
    with pytest.raises(Disagreement, match="was not written by"):
        write(bundle(workload()), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine: true\n"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    base = tmp_path / "base"
    base.mkdir()
    (base / "service.yaml").symlink_to(other)
    with pytest.raises(Disagreement, match="was not written by"):
        write(bundle(workload()), base)
    assert not other.exists()


def test_a_place_that_cannot_be_a_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Disagreement, match="cannot be written"):
        write(bundle(workload()), tmp_path / "file" / "base")


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl, which has kustomize inside")
def test_kustomize_takes_the_folder_and_a_patch_over_it(tmp_path: Path) -> None:
    objects = bundle(workload(host="a.example", max_replicas=5, variables=(("A", "0o17"), ("B", "on"))))
    write(objects, tmp_path / "base")
    overlay = tmp_path / "overlay"
    overlay.mkdir()
    (overlay / KUSTOMIZATION).write_text(
        "resources: [../base]\npatches:\n- target: {kind: Deployment}\n  patch: |\n"
        "    - {op: add, path: /spec/template/spec/nodeSelector, value: {disktype: ssd}}\n"
    )
    done = subprocess.run(
        ["kubectl", "kustomize", str(overlay)], capture_output=True, text=True, check=True, timeout=60
    )
    built = list(yaml.safe_load_all(done.stdout))
    assert {one["kind"] for one in built} == {one["kind"] for one in objects}
    assert [invalid(one, "1.37") for one in built] == [[]] * len(objects)
    pod = next(one for one in built if one["kind"] == "Deployment")["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"disktype": "ssd"}
