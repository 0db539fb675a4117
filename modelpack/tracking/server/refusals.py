"""What is said no to before a request reaches its handler."""

from modelpack.errors import ModelpackError


class BadRequest(ModelpackError, ValueError):
    """A request that is none of this API's."""


class UnsupportedMedia(ModelpackError):
    """A body of a kind that is not read here."""


class TooSlow(ModelpackError):
    """A body that did not arrive in its time."""


class Elsewhere(ModelpackError):
    """A host name that this server does not answer to, or a page of another site that asks."""


class Unauthenticated(ModelpackError):
    """A request without a token, or with one that is not known."""


class TooManyAttempts(ModelpackError):
    """Too many wrong tokens from one address; *seconds* from now there may be another."""

    def __init__(self, message: str, *, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(message)


class Leaving(ModelpackError):
    """A server on its way out, which gave up waiting for an answer."""


class CallerGone(ModelpackError):
    """Nobody is left to answer."""
