"""MLflow's variables say who we are, and none of it is shown."""

import base64
import ssl
from pathlib import Path

import pytest

from modelpack.errors import InvalidUri, StoreUnavailable
from modelpack.remote.address import ServerAddress
from modelpack.remote.credentials import Credentials

NAMED = {"MLFLOW_TRACKING_USERNAME": "me", "MLFLOW_TRACKING_PASSWORD": "s3cret"}


def test_nobody_sends_nothing() -> None:
    assert Credentials.read({}).header == ""
    assert Credentials.read({"MLFLOW_TRACKING_USERNAME": "me"}).header == ""


def test_a_name_and_a_password_make_a_basic_header() -> None:
    scheme, _, pair = Credentials.read(NAMED).header.partition(" ")
    assert (scheme, base64.b64decode(pair)) == ("Basic", b"me:s3cret")


def test_a_token_is_a_bearer_token_and_a_name_goes_before_it() -> None:
    assert Credentials.read({"MLFLOW_TRACKING_TOKEN": "t0ken"}).header == "Bearer t0ken"
    assert Credentials.read(NAMED | {"MLFLOW_TRACKING_TOKEN": "t0ken"}).header.startswith("Basic ")


def test_what_stands_in_the_address_goes_before_the_variables() -> None:
    address = ServerAddress.parse("http://other:hidden@h")
    _, _, pair = Credentials.read(NAMED, address).header.partition(" ")
    assert base64.b64decode(pair) == b"other:hidden"


def test_no_secret_is_shown() -> None:
    shown = repr(Credentials.read(NAMED | {"MLFLOW_TRACKING_TOKEN": "t0ken"}))
    assert "s3cret" not in shown
    assert "t0ken" not in shown


def test_trusting_anyone_and_trusting_one_contradict_each_other() -> None:
    environ = {"MLFLOW_TRACKING_INSECURE_TLS": "true", "MLFLOW_TRACKING_SERVER_CERT_PATH": "/x.pem"}
    with pytest.raises(InvalidUri, match="contradict"):
        Credentials.read(environ)


def test_the_systems_own_way_is_kept_unless_something_is_said() -> None:
    assert Credentials.read({"MLFLOW_TRACKING_INSECURE_TLS": "false"}).tls() is True
    context = Credentials.read({"MLFLOW_TRACKING_INSECURE_TLS": "TRUE"}).tls()
    assert isinstance(context, ssl.SSLContext)
    assert context.verify_mode == ssl.CERT_NONE


@pytest.mark.parametrize("variable", ["SERVER_CERT_PATH", "CLIENT_CERT_PATH"])
@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_a_certificate_that_cannot_be_read_names_its_variable(
    variable: str, content: bytes | None, tmp_path: Path
) -> None:
    file = tmp_path / "x.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(StoreUnavailable, match=variable):
        Credentials.read({f"MLFLOW_TRACKING_{variable}": str(file)}).tls()
