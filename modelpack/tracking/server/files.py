"""The artifact root of a server, and what clients may call the places in it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from modelpack.artifacts.buckets import PACKAGES
from modelpack.errors import InvalidName, InvalidUri, shorten
from modelpack.tracking.server.bucket_root import BucketPlace, BucketRoot
from modelpack.tracking.server.errors import Immutable
from modelpack.tracking.server.folder_root import FolderRoot
from modelpack.tracking.server.paths import is_kept, require_path
from modelpack.tracking.server.roots import Arrival
from modelpack.uris import ModelRef

PROXY: Final = "mlflow-artifacts:"


class ServerFiles:
    """Files below one root. Clients name them ``mlflow-artifacts:/PATH`` and nothing else."""

    runs_root: Final = f"{PROXY}/runs"

    def __init__(self, root: FolderRoot | BucketRoot) -> None:
        self.root = root

    @classmethod
    def open(cls, root: str, environ: Mapping[str, str]) -> "ServerFiles":
        """The files below *root*: a folder, or ``s3://BUCKET/FOLDER`` as *environ* says how to reach it.

        Raises InvalidUri for what is neither.
        """
        scheme = root.partition("://")[0] if "://" in root else ""
        if scheme in PACKAGES:
            return cls(BucketRoot(BucketPlace.parse(root), environ))
        if scheme not in ("", "file"):
            known = ", ".join(f"{one}://" for one in PACKAGES)
            raise InvalidUri(f"an artifact root is a folder, or one in a bucket ({known}), not {scheme}://")
        return cls(FolderRoot(ModelRef.parse(root).path if scheme else Path(root)))

    def writable(self, path: str) -> str:
        """*path*, if clients may write there. Raises InvalidName; Immutable for a registered version's."""
        require_path(path)
        if is_kept(path):
            raise Immutable(
                "the files of registered versions never change; log the model again, and register that"
            )
        return path

    def receive(self, path: str) -> Arrival:
        """A file that is to be *path*. Raises what writable() and Root do."""
        return self.root.receive(self.writable(path))

    def place(self, location: str) -> str:
        """The path below the root of what the database says is at *location*; empty for the root itself.

        Raises InvalidUri for a place elsewhere, which is never looked at for a caller.
        """
        path = self.below(location)
        if path is None:
            raise InvalidUri(
                f"these files are not below this server's artifact root, but at {shorten(location, 100)}; "
                "this server does not read them: ask there, with credentials of your own"
            )
        return require_path(path) if path else ""

    def tell(self, location: str) -> str:
        """What clients are told of *location*: the proxy, wherever below the root it is."""
        path = self.below(location)
        return location if path is None else f"{PROXY}/{path}"

    def close(self) -> None:
        """Let go of connections."""
        self.root.close()

    def below(self, location: str) -> str | None:
        """The path below the root of *location*: empty for the root itself, None for what is elsewhere."""
        if location.startswith(f"{PROXY}/"):
            return location.removeprefix(PROXY).strip("/")
        if isinstance(self.root, BucketRoot):
            bucket = self.root.place
            whole = "/".join(part for part in (bucket.root, bucket.prefix) if part)
            return _after(whole, location.rstrip("/"))
        try:
            ref = ModelRef.parse(location)
        except InvalidUri:
            return None
        if ref.scheme != "file":
            return None
        place, root = str(ref.path).rstrip("/"), self.root.root
        found = _after(str(root), place)
        # The root may be a link, and who logged without the server may have followed it.
        return _after(str(root.resolve()), place) if found is None else found


def _after(root: str, place: str) -> str | None:
    """What *place* has after *root*, if it lies there and does not climb."""
    if place == root:
        return ""
    path = place.removeprefix(f"{root}/")
    if path == place:
        return None
    try:
        return require_path(path)
    except InvalidName:
        return None
