"""What can be wrong with images, and with building them."""

from modelpack.errors import ModelpackError, shorten


class InvalidValue(ModelpackError, ValueError):
    """A value that no image can hold. *what* names it, *wanted* its grammar."""

    def __init__(self, what: str, got: object, wanted: str) -> None:
        self.what, self.got, self.wanted = what, got, wanted
        super().__init__(shorten(f"{what} {shorten(repr(got), 70)}: give {wanted}"))


class Disagreement(ModelpackError, ValueError):
    """Values that are each right, and contradict one another."""


class CannotLock(ModelpackError):
    """Requirements that together have no solution, or none that was found."""


class EngineUnavailable(ModelpackError, ConnectionError):
    """No container engine answered, or its client is not installed."""


class BuildFailed(ModelpackError):
    """The engine was there, and a step of the build, or of the push, failed."""
