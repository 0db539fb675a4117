"""Looks at pages: the four ways in which people see them, and what holds for every good one."""

import time
from typing import Final, Literal

import pytest

from tests.browser import DESKTOP, PHONE, Watched, axe

Scheme = Literal["light", "dark"]
Look = tuple[tuple[int, int], Scheme]

LOOKS: Final[dict[str, Look]] = {
    f"{size[0]}-{scheme}": (size, scheme) for size in (DESKTOP, PHONE) for scheme in ("light", "dark")
}
EACH_LOOK: Final = [pytest.param(look, id=name) for name, look in LOOKS.items()]
USUAL: Final = ("1280-light", "360-dark")
"""Looks of the usual run: both sizes, and both colors; the long run has the other two as well."""
TWO_LOOKS: Final = [
    pytest.param(look, id=name, marks=() if name in USUAL else pytest.mark.long)
    for name, look in LOOKS.items()
]
HEAVIEST: Final = 300_000

_DRAWN: Final = """() => [...document.querySelectorAll("figure.chart")].every(
  (one) => one.dataset.drawn || one.getBoundingClientRect().top > innerHeight + 200)"""


def is_light_and_whole(seen: Watched) -> None:
    """The page fits, weighs little, has asked nobody else, and nothing went wrong in it."""
    assert seen.elsewhere() == []
    assert seen.weight < HEAVIEST
    assert not seen.is_too_wide()
    assert seen.troubles == []


def keeps_nobody_out(seen: Watched) -> None:
    """Nothing on the page keeps anybody from reading or using it, also in small."""
    assert axe(seen.page, gravest=("moderate", "serious", "critical")) == []


def opens(seen: Watched, address: str, *, status: int = 200) -> None:
    """Open *address*, which answers with *status*; its charts are drawn."""
    seen.answers.clear()
    response = seen.page.goto(address)
    assert response is not None
    assert response.status == status
    if status >= 400:
        # The browser tells of the answer to the page itself as it does of a missing part.
        seen.troubles[:] = [one for one in seen.troubles if f"status of {status}" not in one]
    deadline = time.monotonic() + 10
    # Not by the browser's own waiting, which the pages' policy forbids as it forbids all made-up code.
    while not seen.page.evaluate(_DRAWN):
        assert time.monotonic() < deadline, f"charts are not drawn at {address}"
        time.sleep(0.02)
