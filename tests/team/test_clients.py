"""Real clients of MLflow, old and new, see of our server what they see of MLflow's own."""

from collections.abc import Mapping

import pytest

from tests.compat.real_mlflow import NEWEST, require_mlflow
from tests.team.clients import Seen, differences
from tests.team.conftest import Sessions, with_password
from tests.team.differences import OF_A_KNOWN_CALLER, OF_CLIENTS, OF_OUR_SERVER
from tests.team.servers import Team

pytestmark = [pytest.mark.mlflow, pytest.mark.postgres]

MIDDLE, OLD, OLDEST = "3.0", "2.22", "2.10"


@pytest.fixture(scope="module")
def all_sessions(sessions: Sessions, plain: Team, guarded: Team, request: pytest.FixtureRequest) -> Sessions:
    """The sessions that every run of the tests has, begun."""
    for version in (NEWEST, MIDDLE, OLDEST):
        require_mlflow(version)
    sessions.begin(NEWEST, "guarded", guarded.environ)
    sessions.begin(MIDDLE, "plain", plain.environ)
    sessions.begin(OLDEST, "guarded", with_password(guarded))
    # Meanwhile: it takes its time to start.
    sessions.begin(NEWEST, "real", request.getfixturevalue("real"))
    return sessions


@pytest.fixture(scope="module")
def expected(all_sessions: Sessions) -> Seen:
    """What the newest client saw of MLflow's own server."""
    return all_sessions.saw(NEWEST, "real")


def test_the_newest_client_sees_what_mlflows_server_shows(all_sessions: Sessions, expected: Seen) -> None:
    met = all_sessions.saw(NEWEST, "guarded")
    assert differences(expected, met, [*OF_OUR_SERVER, *OF_A_KNOWN_CALLER]) == {}
    assert len(expected) + len(expected["models by themselves"]) > 150


@pytest.mark.parametrize(("version", "where"), [(MIDDLE, "plain"), (OLDEST, "guarded")])
def test_older_clients_see_the_same_in_their_way(
    all_sessions: Sessions, expected: Seen, version: str, where: str
) -> None:
    met = all_sessions.saw(version, where)
    allowed = [*OF_OUR_SERVER, *OF_A_KNOWN_CALLER, *OF_CLIENTS[version]]
    assert differences(expected, met, allowed) == {}


def test_every_difference_is_still_one(all_sessions: Sessions, expected: Seen) -> None:
    of_server = (*OF_OUR_SERVER, *OF_A_KNOWN_CALLER)
    for where, version, listed, besides in (
        ("guarded", NEWEST, of_server, ()),
        ("plain", MIDDLE, OF_CLIENTS[MIDDLE], OF_OUR_SERVER),
        ("guarded", OLDEST, OF_CLIENTS[OLDEST], of_server),
    ):
        met = all_sessions.saw(version, where)
        for known in listed:
            others = [*besides, *(one for one in listed if one != known)]
            assert differences(expected, met, others), (version, known)


@pytest.mark.long
@pytest.mark.parametrize("version", [MIDDLE, OLD, OLDEST])
def test_an_older_client_sees_what_mlflows_server_shows_it(
    sessions: Sessions, plain: Team, real: Mapping[str, str], version: str
) -> None:
    require_mlflow(version)
    sessions.begin(version, "real", real)
    sessions.begin(version, "plain", plain.environ)
    expected, met = sessions.saw(version, "real"), sessions.saw(version, "plain")
    assert differences(expected, met, OF_OUR_SERVER) == {}
