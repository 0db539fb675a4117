"""What a page is: a place, who may open it, and the function that makes it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from starlette.responses import Response

from modelpack.tracking.server.call import Scope
from modelpack.tracking.ui.asking import Ask

Handler = Callable[[Ask], Response]


@dataclass(frozen=True, slots=True)
class Page:
    """What *handle* answers at *path*; it runs in a thread, and may wait.

    *scope* is what its caller must be allowed to do; None is for those who are not known yet.
    """

    method: Literal["GET", "POST"]
    path: str
    handle: Handler
    scope: Scope | None = "read"
