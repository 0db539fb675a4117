"""A lock that needs no package index: what is installed here, under digests that are made up."""

from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from serving.compose.image import EXTRAS
from serving.images.requirements import installed, ours


@pytest.fixture(scope="session")
def lock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that locks what the team server's image needs."""
    wanted = {canonicalize_name(Requirement(line).name) for line in ours(EXTRAS, "3.11")}
    pins = [one for one in installed() if one.partition("==")[0] in wanted]
    assert len(pins) > 10, pins
    file = tmp_path_factory.mktemp("lock") / "requirements.lock"
    file.write_text("".join(f"{pin} --hash=sha256:{'0' * 64}\n" for pin in pins))
    return file
