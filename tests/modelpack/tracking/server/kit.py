"""A server's application in this process, and questions to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from modelpack.tracking.server.app import create_app
from modelpack.tracking.server.parts import Parts
from modelpack.tracking.server.settings import ServerSettings

API = "/api/2.0/mlflow/"


@contextmanager
def served(folder: Path, *, environ: dict[str, str] | None = None, **settings: Any) -> Iterator[TestClient]:
    """An application over a fresh database and an empty root in *folder*; keywords of create_app go along."""
    given = {
        name: settings.pop(name) for name in ("check", "counts", "lines", "is_leaving") if name in settings
    }
    chosen = ServerSettings(
        backend_store_uri=f"sqlite:///{folder / 'server.db'}",
        artifact_root=str(folder / "files"),
        **{"pages": False, **settings},
    )
    parts = Parts.open(chosen, environ or {})
    try:
        with TestClient(create_app(parts, **given), base_url="http://localhost:5000") as client:
            yield client
    finally:
        parts.close()


class Asking:
    """Asks *client*, and insists on what the answer is like."""

    def __init__(self, client: TestClient) -> None:
        self.client = client

    def get(self, path: str, **given: Any) -> Any:
        """What a GET is answered with; it must be 200."""
        return self._good(self.client.get(_place(path), params=given))

    def post(self, path: str, **given: Any) -> Any:
        """What a POST is answered with; it must be 200."""
        return self._good(self.client.post(_place(path), json=given))

    def refused(self, path: str, **given: Any) -> tuple[int, str, str]:
        """Status, code and words of a POST that is not answered with 200."""
        return refusal(self.client.post(_place(path), json=given))

    def refused_get(self, path: str, **given: Any) -> tuple[int, str, str]:
        """Status, code and words of a GET that is not answered with 200."""
        return refusal(self.client.get(_place(path), params=given))

    def run(self, **given: Any) -> str:
        """The id of a fresh run."""
        return str(self.post("runs/create", start_time=1, **given)["run"]["info"]["run_id"])

    @staticmethod
    def _good(response: Any) -> Any:
        assert response.status_code == 200, response.text
        assert response.headers["content-type"] == "application/json"
        return response.json()


def refusal(response: Any) -> tuple[int, str, str]:
    """Status, code and words of a no, which has nothing else in it."""
    assert response.status_code >= 400, response.text
    assert response.headers["content-type"] == "application/json"
    told = response.json()
    assert set(told) == {"error_code", "message"}
    assert len(told["message"]) <= 400
    assert "Traceback" not in told["message"]
    return response.status_code, told["error_code"], told["message"]


def _place(path: str) -> str:
    return path if path.startswith("/") else API + path
