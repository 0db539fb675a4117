"""Boosted trees of other libraries than scikit-learn, each written as its library computes."""

from collections.abc import Iterator
from contextlib import contextmanager

from modelpack.errors import NotConvertible, shorten


@contextmanager
def reading(library: str) -> Iterator[None]:
    """Around what reads the trees of *library*: raises NotConvertible for all that another release raises."""
    try:
        yield
    except NotConvertible:
        raise
    except Exception as error:
        what = shorten(f"{type(error).__name__}: {error}", 150)
        raise NotConvertible(f"this release of {library} tells its trees in another form ({what})") from error
