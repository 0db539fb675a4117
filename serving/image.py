"""What an image says of itself: the model inside, the names it goes by, and how it is served."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from modelpack.errors import shorten
from serving.errors import InvalidSetting

VARIABLE = "MODELPACK_IMAGE"
"""Names the file, in an image; nowhere else is it set."""


class Image(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One image. *model* is what it serves unless told otherwise, *engine* by what.

    *name*, *version* and *digest* are those of the model that was looked at when the image was planned.
    *references* are what that model could be called then: each means the model inside, and needs no registry.
    There are none in an image that fetches its model at the start. *variables* are those whose values stand
    on several lines, which a Dockerfile cannot say.
    """

    model: str
    engine: str
    port: int
    name: str
    version: str
    digest: str
    references: tuple[str, ...] = ()
    variables: dict[str, str] = {}

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Image | None":
        """The image that this process runs in, None outside of one. Raises InvalidSetting."""
        place = environ.get(VARIABLE, "")
        if not place:
            return None
        try:
            return msgspec.json.decode(Path(place).read_bytes(), type=cls)
        except (OSError, msgspec.MsgspecError) as error:
            raise InvalidSetting(
                shorten(f"{VARIABLE}={place}: not what an image says of itself: {error}")
            ) from None

    def text(self) -> bytes:
        """The file, in one fixed form."""
        return msgspec.json.format(msgspec.json.encode(self, order="sorted"), indent=1) + b"\n"

    def defaults(self) -> dict[str, Any]:
        """Settings that hold here unless somebody says otherwise; a container is reached from outside."""
        return {
            "model": self.model,
            "engine": self.engine,
            "host": "0.0.0.0",  # noqa: S104 - the container's own network, which its owner publishes or not
            "port": self.port,
            "allow_remote": True,
        }

    def holds(self, reference: str) -> bool:
        """Whether *reference* means the model inside."""
        return reference in self.references
