from pathlib import Path

import pytest

from serving.images.errors import CannotLock, InvalidValue
from serving.images.lock import Lock, resolve
from serving.images.requirements import Wanted

HASH = f"--hash=sha256:{'a' * 64}"


def test_a_lock_says_names_and_versions() -> None:
    text = (
        "# made by hand\n\n"
        f"NumPy==2.4.6 \\\n    {HASH} \\\n    --hash=sha256:{'b' * 64}\n"
        f'uvloop==0.22.1 ; sys_platform != "win32" \\\n    {HASH}\n    # via x\n'
        f"a.b_c==1.0+cpu {HASH}"
    )
    lock = Lock.parse(text)
    assert lock.pins == {"numpy": "2.4.6", "uvloop": "0.22.1", "a-b-c": "1.0+cpu"}
    assert lock.text == f"{text}\n"


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("numpy==2.4.6", id="no digest"),
        pytest.param(f"numpy>=2 {HASH}", id="a range"),
        pytest.param(f"numpy {HASH}", id="no version"),
        pytest.param(f"numpy==2.4.6 {HASH[:-1]}", id="a short digest"),
        pytest.param(f"numpy==2.4.6 --hash=md5:{'a' * 32}", id="another digest"),
        pytest.param("--index-url https://evil.example/", id="an index"),
        pytest.param(f"numpy==2.4.6 {HASH} --index-url https://evil.example/", id="an index behind"),
        pytest.param(f"numpy==2.4.6 --index-url=https://evil.example/ {HASH}", id="an index between"),
        pytest.param("-r /etc/passwd", id="another file"),
        pytest.param("-e .", id="a folder"),
        pytest.param(f"x @ https://evil.example/x.whl {HASH}", id="a place"),
        pytest.param(f"./x.whl {HASH}", id="a path"),
        pytest.param(f"numpy==2.4.6 {HASH}\nNumPy==2.4.5 {HASH}", id="one name twice"),
        pytest.param("$(id)", id="a substitution"),
    ],
)
def test_nothing_else_gets_through(line: str) -> None:
    with pytest.raises(InvalidValue, match="lock"):
        Lock.parse(f"click==8.1.8 {HASH}\n{line}\n")


def test_a_lock_must_hold_what_is_needed() -> None:
    lock = Lock.parse(f"numpy==2.4.6 {HASH}\nclick==8.3.0 {HASH}\n")
    lock.hold(Wanted("onnx", ("numpy>=1.26", "Click>=8.1.8"), ("numpy==2.4.6", "scipy==1.17.1")))
    with pytest.raises(CannotLock, match=r"numpy==2\.4\.5"):
        lock.hold(Wanted("onnx", ("numpy==2.4.5",)))
    with pytest.raises(CannotLock, match="nothing for onnxruntime"):
        lock.hold(Wanted("onnx", ("onnxruntime",)))


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_lock_that_cannot_be_read_is_said(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "x.lock").write_bytes(content)
    with pytest.raises(InvalidValue, match="--lock"):
        Lock.read(tmp_path / "x.lock")


def test_requirements_that_contradict_one_another_are_said_in_one_line() -> None:
    with pytest.raises(CannotLock, match="click") as caught:
        resolve(Wanted("native", ("click==8.1.8", "click==8.1.7")), python="3.11", platform="linux/amd64")
    assert "\n" not in str(caught.value)
    assert "--lock" in str(caught.value)
