"""The services of a team: as they should be, to the byte and for compose itself."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from serving.compose.plan import SECRETS, Team, services
from serving.compose.write import text
from serving.images.errors import InvalidValue

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "compose" / "docker-compose.yaml"


def found(**words: Any) -> Any:
    return services(Team(**words))["services"]


def test_the_document_is_the_golden_one() -> None:
    assert text(Team()) == GOLDEN.read_text(encoding="utf-8")


def test_only_the_server_can_be_reached_from_outside_and_only_from_this_machine() -> None:
    published = {name: one.get("ports") for name, one in found().items() if one.get("ports")}
    assert published == {"server": ["127.0.0.1:5000:5000"]}
    assert services(Team())["networks"]["inside"] == {"internal": True}
    assert found()["postgres"]["networks"] == found()["s3"]["networks"] == ["inside"]


def test_the_server_waits_for_a_healthy_database_and_for_its_bucket() -> None:
    assert found()["server"]["depends_on"] == {
        "postgres": {"condition": "service_healthy"},
        "bucket": {"condition": "service_completed_successfully"},
    }
    assert found()["bucket"]["depends_on"] == {"s3": {"condition": "service_healthy"}}
    assert all("test" in found()[name]["healthcheck"] for name in ("postgres", "s3", "server"))


def test_callers_need_a_token() -> None:
    assert "--require-auth" in found()["server"]["command"]


def test_no_secret_stands_in_the_document() -> None:
    document = yaml.safe_load(text(Team()))
    told = {
        value
        for one in document["services"].values()
        for key, value in one.get("environment", {}).items()
        if "PASSWORD" in key or "KEY" in key
    }
    assert len(told) == len(SECRETS)
    assert all(value.startswith("${") and ":?" in value for value in told)


def test_other_names_and_ports_are_taken_over() -> None:
    server = found(host="0.0.0.0", port=8443, workers=4, allowed_hosts=("models.example.org",))["server"]
    assert server["ports"] == ["0.0.0.0:8443:5000"]
    assert server["command"][-1] == "localhost,127.0.0.1,models.example.org"
    assert server["command"][server["command"].index("--workers") + 1] == "4"


@pytest.mark.parametrize(
    "words",
    [
        pytest.param({"port": 0}, id="port 0"),
        pytest.param({"workers": 0}, id="no worker"),
        pytest.param({"host": "0.0.0.0:80\n  privileged: true"}, id="a host with more in it"),
        pytest.param({"host": "localhost"}, id="a host that is no address"),
        pytest.param({"allowed_hosts": ("a,b",)}, id="two names in one"),
        pytest.param({"allowed_hosts": ("${HOME}",)}, id="a variable as a name"),
        pytest.param({"s3_image": "s3:latest"}, id="an image that changes by itself"),
        pytest.param({"postgres_image": "postgres:17 --privileged"}, id="an image with an option"),
    ],
)
def test_values_outside_their_grammar_are_refused(words: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue):
        Team(**words)


def test_compose_itself_takes_the_document_and_asks_for_its_secrets(tmp_path: Path) -> None:
    program = shutil.which("docker-compose")
    if program is None:
        reason = "docker-compose is not installed: scripts/system-parts.sh"
        if os.environ.get("MODELPACK_TEST_REQUIRE_ALL") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    file = tmp_path / "docker-compose.yaml"
    file.write_text(text(Team()), encoding="utf-8")
    (tmp_path / "image").mkdir()

    def config(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, "-f", file, "config", *words],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    without = config("-q")
    assert without.returncode != 0
    assert "POSTGRES_PASSWORD" in without.stderr
    (tmp_path / ".env").write_text("".join(f"{name}=of-a-test\n" for name in SECRETS))
    told = config()
    assert told.returncode == 0, told.stderr
    assert set(yaml.safe_load(told.stdout)["services"]) == {"postgres", "s3", "bucket", "server"}
    file.write_text(text(Team()).replace("healthcheck:", "healthchecks:"), encoding="utf-8")
    assert config("-q").returncode != 0, "a misspelt key must not pass"
