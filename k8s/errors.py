"""What can be wrong with manifests, and with sending them."""

from modelpack.errors import ModelpackError, shorten


class InvalidValue(ModelpackError, ValueError):
    """A value that no manifest can hold. *what* names it, *wanted* its grammar."""

    def __init__(self, what: str, got: object, wanted: str) -> None:
        self.what, self.got, self.wanted = what, got, wanted
        super().__init__(shorten(f"{what} {shorten(repr(got), 70)}: give {wanted}"))


class Disagreement(ModelpackError, ValueError):
    """Values that are each right, and contradict one another."""


class ClusterUnavailable(ModelpackError, ConnectionError):
    """Neither ``kubectl`` nor a cluster answered as it should."""
