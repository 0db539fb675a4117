"""The files of a run or a logged model: folders to walk through, and of a file what is safe to show."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from modelpack.errors import NotFound
from modelpack.tracking.records import Experiment
from modelpack.tracking.server.errors import IsFolder
from modelpack.tracking.sql_logged_models import SqlLoggedModels
from modelpack.tracking.ui import shelf
from modelpack.tracking.ui.asking import Ask
from modelpack.tracking.ui.pages import Page
from modelpack.tracking.ui.rendering import HEADERS, page
from modelpack.tracking.ui.telling import segment

ROWS: Final = 100
COLUMNS: Final = 40
LARGEST_IMAGE: Final = 20 << 20

_DELIMITERS: Final = {".csv": ",", ".tsv": "\t"}


@dataclass(frozen=True, slots=True)
class Preview:
    """What is shown of a file: one of *text*, *table* and *image*, or nothing; *is_cut* if there is more."""

    size: int
    text: str | None = None
    table: list[list[str]] | None = None
    image: bool = False
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose files they are: its *name* and *experiment*, its page's *address*, and the files' *location*."""

    name: str
    experiment: Experiment
    address: str
    location: str


def show(ask: Ask) -> Response:
    """A folder, or a file with what can be shown of it."""
    owner = _owner(ask)
    path = ask.path["path"].removesuffix("/")
    files = shelf.files_in(ask.parts, owner.location, path)
    preview = None
    if not files and path:
        try:
            preview = preview_of(path, shelf.peek(ask.parts, owner.location, path))
        except IsFolder:
            preview = None
    trail = list(_trail(path))
    return page("file.html", ask, owner=owner, path=path, trail=trail, files=files, preview=preview)


def send(ask: Ask) -> Response:
    """A file as it is: a picture to look at, anything else to be kept and never opened here."""
    location = _owner(ask).location
    path = ask.path["path"]
    if not path or path.endswith("/"):
        raise NotFound("file here", path)
    seen = shelf.peek(ask.parts, location, path)
    size, chunks = shelf.stream(ask.parts, location, path)
    kind = seen.image if size <= LARGEST_IMAGE else None
    headers = {
        **HEADERS,
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Content-Length": str(size),
        "Content-Disposition": "inline" if kind else attachment(path),
    }
    return StreamingResponse(chunks, headers=headers, media_type=kind or "application/octet-stream")


def _owner(ask: Ask) -> Owner:
    if model_id := ask.path.get("model"):
        model = SqlLoggedModels(ask.parts.database).get(model_id, deleted=True)
        within = ask.parts.tracking.get_experiment(model.experiment_id)
        return Owner(model.name, within, f"/logged-models/{segment(model.model_id)}", model.artifact_uri)
    info = ask.parts.tracking.get_run(ask.path["run"]).info
    within = ask.parts.tracking.get_experiment(info.experiment_id)
    return Owner(info.run_name, within, f"/runs/{segment(info.run_id)}", info.artifact_uri)


def preview_of(path: str, seen: shelf.Peek) -> Preview:
    """What is shown of the file *path*, which begins as was *seen*."""
    if seen.image:
        return Preview(seen.size, image=seen.size <= LARGEST_IMAGE)
    text = seen.text
    if text is None:
        return Preview(seen.size)
    delimiter = next((one for suffix, one in _DELIMITERS.items() if path.lower().endswith(suffix)), "")
    if delimiter and (table := _table(text, delimiter, is_whole=seen.is_whole)):
        return Preview(seen.size, table=table, is_cut=not seen.is_whole or len(table) > ROWS)
    return Preview(seen.size, text=text, is_cut=not seen.is_whole)


def _table(text: str, delimiter: str, *, is_whole: bool) -> list[list[str]]:
    """The first rows, the head among them; nothing for what is no table."""
    if not is_whole:
        # The last line may have been cut.
        text = text[: text.rfind("\n") + 1]
    try:
        rows = list(islice(csv.reader(io.StringIO(text), delimiter=delimiter), ROWS + 1))
    except csv.Error:
        return []
    return [row[:COLUMNS] for row in rows if row]


def attachment(path: str) -> str:
    """A header that lets a browser keep the file *path*, and not open it."""
    name = path.rpartition("/")[2]
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='', errors='replace')}"


def _trail(path: str) -> Iterator[tuple[str, str]]:
    """The name and the path of each folder down to *path*, and of itself."""
    names = path.split("/") if path else []
    for count, name in enumerate(names, 1):
        yield name, "/".join(names[:count])


PAGES: Final = (
    Page("GET", "/runs/{run}/files/{path:path}", show),
    Page("GET", "/runs/{run}/raw/{path:path}", send),
    Page("GET", "/logged-models/{model}/files/{path:path}", show),
    Page("GET", "/logged-models/{model}/raw/{path:path}", send),
)
