"""What the file system refuses, said in our words."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modelpack.errors import ModelpackError, StoreUnavailable, shorten


@contextmanager
def refusals(place: Path) -> Iterator[None]:
    """An OSError in the block becomes StoreUnavailable, which names *place*; errors of ours pass."""
    try:
        yield
    except ModelpackError:
        raise
    except OSError as error:
        what = error.strerror or type(error).__name__
        raise StoreUnavailable(f"cannot keep files in {shorten(str(place), 160)}: {what}") from error
