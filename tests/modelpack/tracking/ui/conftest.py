"""A team server in this process, and what asks it as a browser would."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from modelpack.tracking.server.app import create_app
from modelpack.tracking.server.parts import Parts
from modelpack.tracking.server.settings import ServerSettings

ORIGIN = "http://127.0.0.1:5000"


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    opened = Parts.open(
        ServerSettings(
            backend_store_uri=f"sqlite:///{tmp_path}/team.db", artifact_root=str(tmp_path / "files")
        ),
        os.environ,
    )
    yield opened
    opened.close()


@pytest.fixture
def browser(parts: Parts) -> Iterator[TestClient]:
    with TestClient(create_app(parts), base_url=ORIGIN, follow_redirects=False) as client:
        yield client
