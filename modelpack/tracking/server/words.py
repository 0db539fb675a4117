"""What MLflow's clients are told of registered models that are not there, in the words that they know."""

from collections.abc import Iterator
from contextlib import contextmanager

from modelpack.errors import InvalidName, ModelpackError, NotFound, shorten

_LONGEST_NAME = 120


class Missing(NotFound):
    """NotFound whose message is all that it says."""

    def __init__(self, message: str) -> None:
        self.kind, self.name, self.known = "", "", ()
        ModelpackError.__init__(self, message)


@contextmanager
def of_model(name: str) -> Iterator[None]:
    """Say of the model *name* that it is not there, if it is not."""
    try:
        yield
    except NotFound as error:
        raise Missing(f"Registered Model with name={shorten(name, _LONGEST_NAME)} not found") from error


@contextmanager
def of_version(name: str, version: int) -> Iterator[None]:
    """Say of version *version* of *name* that it is not there, if it or its model is not."""
    try:
        yield
    except NotFound as error:
        told = f"(name={shorten(name, _LONGEST_NAME)}, version={version})"
        raise Missing(f"Model Version {told} not found") from error


@contextmanager
def of_alias(name: str, alias: str) -> Iterator[None]:
    """Say of *alias* that nothing is called so; clients rely on it that this is no 404."""
    try:
        yield
    except NotFound as error:
        if error.kind == "registered model":
            raise Missing(f"Registered Model with name={shorten(name, _LONGEST_NAME)} not found") from error
        raise InvalidName(f"Registered model alias {shorten(alias, _LONGEST_NAME)} not found.") from error
