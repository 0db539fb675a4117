"""Where the database is: an argument or the environment in, a value out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from modelpack import settings
from modelpack.errors import InvalidUri, shorten

VARIABLES: Final = ("MODELPACK_REGISTRY_URI", "MLFLOW_REGISTRY_URI", "MLFLOW_TRACKING_URI")
"""Read in this order; the first that is set and not empty decides."""

_POSTGRESQL: Final = frozenset(
    {"postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2", "postgresql+psycopg3"}
)
_SQLITE: Final = frozenset({"sqlite", "sqlite+pysqlite"})
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")


@dataclass(frozen=True, slots=True)
class Address:
    """A database, and the *origin* of the choice: an argument, a variable's name, or the default."""

    url: URL
    origin: str

    @classmethod
    def find(cls, uri: str | None, *, environ: Mapping[str, str]) -> "Address":
        """The database of *uri*, else of the first of VARIABLES that is set, else of this person's folder.

        Raises InvalidUri for anything but ``sqlite:///FILE`` and ``postgresql://…``.
        """
        if uri is not None:
            return cls(_url(uri, "the registry URI"), "the registry URI")
        for variable in VARIABLES:
            if environ.get(variable):
                return cls(_url(environ[variable], variable), variable)
        file = settings.home(environ) / "registry.db"
        return cls(URL.create("sqlite", database=str(file)), "the default")

    @classmethod
    def of(cls, uri: str, origin: str) -> "Address":
        """The database of *uri*, which *origin* gave. Raises InvalidUri as find() does."""
        return cls(_url(uri, origin), origin)

    @property
    def dialect(self) -> Literal["sqlite", "postgresql"]:
        """Which of the two kinds of database it is."""
        return "sqlite" if self.url.drivername == "sqlite" else "postgresql"

    @property
    def file(self) -> Path | None:
        """The file of an embedded database."""
        return Path(self.url.database or "") if self.dialect == "sqlite" else None

    def __str__(self) -> str:
        # The query may hold a password, too: libpq takes it there.
        plain = self.url.set(query={})
        text = f"sqlite:///{self.file}" if self.file else plain.render_as_string(hide_password=True)
        return shorten(text, 120)


def _url(text: str, origin: str) -> URL:
    found = _SCHEME.match(text)
    scheme = found[1].lower() if found else ""
    if scheme in _SQLITE:
        return _sqlite(text, origin)
    if scheme in _POSTGRESQL:
        return _parsed(text, origin).set(drivername="postgresql+psycopg")
    if scheme in ("http", "https", "databricks", "databricks-uc"):
        raise InvalidUri(
            f"{origin} names a remote MLflow server ({scheme}:), and the registry must be a database; set "
            "MODELPACK_REGISTRY_URI to sqlite:///FILE or postgresql://…, which goes before MLflow's variables"
        )
    met = f"{scheme}:…" if found else shorten(text, 60)
    raise InvalidUri(
        f"{origin} is {met!r}, which is no database for a registry; set MODELPACK_REGISTRY_URI to "
        "sqlite:///FILE or postgresql://…"
    )


def _sqlite(text: str, origin: str) -> URL:
    # By hand: versions of SQLAlchemy differ in whether %20 is a blank. Here a file is named as it is.
    _, slashes, file = text.partition(":///")
    if not slashes or not file or file == ":memory:" or "?" in file or "\0" in file:
        raise InvalidUri(
            f"{origin} names no file; write sqlite:///registry.db, or sqlite:////srv/registry.db in full"
        )
    # Now, so that a later change of the working directory does not change what is meant.
    return URL.create("sqlite", database=str(Path(file).absolute()))


def _parsed(text: str, origin: str) -> URL:
    try:
        return make_url(text)
    except (ArgumentError, ValueError) as error:
        # The text may hold a password: it is not repeated.
        raise InvalidUri(
            f"{origin} is no database URL; write sqlite:///FILE or postgresql://USER@HOST/NAME"
        ) from error
