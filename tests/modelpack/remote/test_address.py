"""The address of a server is read, and what would be misread is refused."""

import pytest

from modelpack.errors import InvalidUri
from modelpack.remote.address import ServerAddress, is_server, tracking_address


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://localhost:5000", "http://localhost:5000"),
        ("http://localhost:5000/", "http://localhost:5000"),
        ("HTTPS://MLflow.example/prefix/", "https://mlflow.example/prefix"),
        ("http://[::1]:5000", "http://[::1]:5000"),
    ],
)
def test_an_address_is_kept_in_one_form(text: str, url: str) -> None:
    assert str(ServerAddress.parse(text)) == url


def test_a_name_and_a_password_are_kept_apart_and_not_shown() -> None:
    address = ServerAddress.parse("https://me:s%40fe@mlflow.example:8443/x")
    assert (address.url, address.username, address.password) == (
        "https://mlflow.example:8443/x",
        "me",
        "s@fe",
    )
    assert "s@fe" not in repr(address) + str(address)
    assert address.origin == ("https", "mlflow.example", 8443)


@pytest.mark.parametrize(
    "text",
    [
        "", "localhost:5000", "ftp://host", "http://", "http://:5000", "http://host:port", "http://host:99999",
        "http://host?x=1", "http://host#x", "http://ho st", "http://host\n", "http:\\\\host", "http://[::1",
        "file:///etc", "databricks",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(InvalidUri, match="SOME_VARIABLE") as caught:
        ServerAddress.parse(text, "SOME_VARIABLE")
    assert len(str(caught.value)) <= 300
    assert text in ("", "http://") or text not in str(caught.value)


def test_only_an_address_of_the_web_means_a_server() -> None:
    assert is_server("http://h")
    assert is_server("HTTPS://h")
    assert not is_server("sqlite:///x.db")
    assert not is_server("./http:")
    assert not is_server("")


def test_the_tracking_server_is_the_first_variable_that_names_one() -> None:
    environ = {"MLFLOW_TRACKING_URI": "sqlite:///x.db", "MLFLOW_REGISTRY_URI": "http://registry:1"}
    assert str(tracking_address(environ)) == "http://registry:1"
    assert str(tracking_address(environ | {"MLFLOW_TRACKING_URI": "http://runs:1"})) == "http://runs:1"
    assert tracking_address({"MLFLOW_TRACKING_URI": "./mlruns"}) is None
