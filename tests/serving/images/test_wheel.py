import base64
import csv
import hashlib
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

from packaging.utils import parse_wheel_filename

import modelpack
from serving.images import wheel


def test_the_wheel_is_the_same_each_time() -> None:
    assert wheel.wheel() == wheel.wheel()


def test_its_name_says_what_it_is() -> None:
    name, version, _, tags = parse_wheel_filename(wheel.NAME)
    assert (name, str(version), {str(tag) for tag in tags}) == (
        "modelpack",
        modelpack.__version__,
        {"py3-none-any"},
    )


def test_its_record_is_right_to_the_byte() -> None:
    with zipfile.ZipFile(io.BytesIO(wheel.wheel())) as archive:
        names = archive.namelist()
        record = next(name for name in names if name.endswith("/RECORD"))
        rows = list(csv.reader(archive.read(record).decode().splitlines()))
        assert [row[0] for row in rows] == [*sorted(set(names) - {record}), record]
        for name, digest, size in rows[:-1]:
            content = archive.read(name)
            found = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            assert (digest, size) == (f"sha256={found}", str(len(content))), name


def test_it_holds_the_packages_and_nothing_compiled() -> None:
    with zipfile.ZipFile(io.BytesIO(wheel.wheel())) as archive:
        names = archive.namelist()
    assert {"modelpack/__init__.py", "serving/health.py", "k8s/commands.py", "serving/images/trim.py"} <= set(
        names
    )
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests/")]


def test_it_works_where_it_was_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(wheel.wheel())) as archive:
        archive.extractall(tmp_path)
    code = (
        "import modelpack, sys; from importlib.metadata import entry_points; "
        "print(modelpack.__file__); "
        "print([one.value for one in entry_points(name='serve', group='console_scripts')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.splitlines()[0] == str(tmp_path / "modelpack" / "__init__.py")
    assert "serving.cli:main" in done.stdout
