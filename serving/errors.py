"""What a server refuses; none of it knows HTTP."""

from modelpack.errors import ModelpackError


class ServingError(ModelpackError):
    """Any failure that belongs to the server, not to the model's files."""


class InvalidSetting(ServingError, ValueError):
    """A setting outside its grammar; the message names where it was given."""


class CannotLoad(ServingError):
    """A model whose loading failed in a way that nobody foresaw."""


class InvalidRequest(ServingError, ValueError):
    """Bytes that are not what their media type says, or not of the shape that this protocol asks for."""


class UnsupportedMedia(ServingError):
    """A body of a kind that is not read here; *accept* has the media types that are, where they are few."""

    accept: tuple[str, ...] = ()

    def __init__(self, message: str, *, accept: tuple[str, ...] = ()) -> None:
        self.accept = accept
        super().__init__(message)


class UnsupportedEncoding(ServingError):
    """A body packed in a way that is not undone here."""


class BodyTooLarge(ServingError):
    """A body over the limit, as declared, as received or when unpacked."""


class BodyTooSlow(ServingError):
    """A body that did not arrive in its time."""


class ClientGone(ServingError):
    """The caller hung up; nobody is left to answer."""


class UnknownModel(ServingError, LookupError):
    """A model, or a version of it, that is not served here."""


class HostRefused(ServingError):
    """A host name that this server does not answer to."""


class Unavailable(ServingError):
    """Not now. *retry_after* is in seconds."""

    def __init__(self, message: str, *, retry_after: int = 1) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class NoModel(Unavailable):
    """No model is loaded."""


class Overloaded(Unavailable):
    """As many calls as the server takes are being worked on."""


class Leaving(Unavailable):
    """The server is on its way out."""


class DeadlinePassed(ServingError):
    """The model took longer than a request may."""


class UnencodableResult(ServingError):
    """The model answered with something that has no form in JSON."""


class PartFailed(ServingError):
    """A part of a file that the model did not answer; the message says which rows these are."""


class NothingToAsk(ServingError):
    """A model without an input example that could be made into requests."""


class BenchmarkFailed(ServingError):
    """A server that did not start, or did not answer as the model does."""
