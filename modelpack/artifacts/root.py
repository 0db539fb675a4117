"""The artifact root of our own database: where it is, and what ``mlflow-artifacts:/PATH`` means in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from modelpack import settings
from modelpack.artifacts.buckets import PACKAGES
from modelpack.errors import InvalidModel, InvalidUri, shorten
from modelpack.files import inside, relative
from modelpack.uris import ModelRef

VARIABLE: Final = "MODELPACK_ARTIFACT_ROOT"


@dataclass(frozen=True, slots=True)
class ArtifactRoot:
    """A folder of this machine, or ``s3://BUCKET/FOLDER`` and its like: *text* says which.

    A team server over the same database calls what lies below it ``mlflow-artifacts:/PATH``.
    """

    text: str

    @classmethod
    def read(cls, environ: Mapping[str, str], given: Path | str | None = None) -> "ArtifactRoot":
        """*given*, else ``MODELPACK_ARTIFACT_ROOT``, else a folder in ``$MODELPACK_HOME``."""
        return cls(str(given or environ.get(VARIABLE) or settings.home(environ) / "artifacts"))

    @property
    def is_bucket(self) -> bool:
        """Whether it is a bucket."""
        return self.text.partition("://")[0] in PACKAGES

    @property
    def folder(self) -> Path:
        """It, as a folder."""
        is_address = self.text.lower().startswith("file:")
        return (ModelRef.parse(self.text).path if is_address else Path(self.text)).absolute()

    def uri(self, path: str) -> str:
        """The address of *path* below it."""
        return f"{self.text.rstrip('/')}/{path}" if self.is_bucket else (self.folder / path).as_uri()

    def follow(self, ref: ModelRef) -> ModelRef:
        """The place that *ref* means, if it is a server's name for one below the root; else *ref*.

        Raises InvalidUri for one that leads outside, or through a link.
        """
        if ref.scheme != "mlflow-artifacts" or ref.rest.startswith("//"):
            return ref
        path = ref.rest.strip("/")
        try:
            if self.is_bucket:
                return ModelRef.parse(self.uri(relative(path).as_posix()))
            return ModelRef("file", str(inside(self.folder, path)))
        except InvalidModel as error:
            raise InvalidUri(f"{shorten(str(ref), 120)} leads out of the artifact root") from error
