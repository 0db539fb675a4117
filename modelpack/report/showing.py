"""A page, shown to the person at this machine."""

import os
import sys
import webbrowser
from pathlib import Path

_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")


def show(page: Path) -> bool:
    """Open the file *page* in the browser; False where there is none, or nothing to show it on."""
    is_desktop = sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in _DISPLAYS)
    # Where there is no display a browser for terminals would take the terminal.
    return is_desktop and webbrowser.open(page.resolve().as_uri())
