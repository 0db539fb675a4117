"""What to say where pyarrow is not installed."""

from modelpack.errors import MissingDependency
from serving import contract
from serving.errors import UnsupportedMedia


class ArrowMissing(UnsupportedMedia, MissingDependency):
    """A body, or an answer, of columns on a server without pyarrow."""

    accept = (contract.JSON, contract.CSV)

    def __init__(self) -> None:
        MissingDependency.__init__(self, "this kind of body", package="pyarrow", extra="arrow")
