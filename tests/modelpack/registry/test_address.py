"""Whether a registry is a server is told by the first variable that is set."""

import pytest

from modelpack.errors import InvalidUri
from modelpack.registry.address import server_of


def test_the_first_that_is_set_decides() -> None:
    environ = {"MLFLOW_TRACKING_URI": "http://tracking:1"}
    assert str(server_of(None, environ)) == "http://tracking:1"
    environ["MLFLOW_REGISTRY_URI"] = "https://registry"
    assert str(server_of(None, environ)) == "https://registry"
    environ["MODELPACK_REGISTRY_URI"] = "sqlite:///ours.db"
    assert server_of(None, environ) is None
    assert str(server_of("http://given", environ)) == "http://given"
    assert server_of("sqlite:///given.db", {"MLFLOW_TRACKING_URI": "http://tracking:1"}) is None
    assert server_of(None, {}) is None


def test_an_address_that_cannot_be_read_names_its_variable() -> None:
    with pytest.raises(InvalidUri, match="MLFLOW_TRACKING_URI") as caught:
        server_of(None, {"MLFLOW_TRACKING_URI": "http://me:c4nary@h:port"})
    assert "c4nary" not in str(caught.value)
