"""What only a server has to say no to: beside the errors of modelpack.errors, and as ignorant of HTTP."""

from modelpack.errors import InvalidName, ModelpackError, StoreUnavailable


class Immutable(ModelpackError):
    """Files that never change: those of a registered version."""


class Forbidden(ModelpackError):
    """Something that this caller, though known, may not do."""


class TooLarge(ModelpackError):
    """A file or a body over the limit that the operator set."""


class StoreFull(StoreUnavailable):
    """An artifact root without room; what was being kept has left nothing behind."""


class NotImplementedHere(ModelpackError):
    """Something that MLflow's API knows, and this artifact root cannot do; clients know another way."""


class IsFolder(InvalidName):
    """A folder, where a file was asked for."""
