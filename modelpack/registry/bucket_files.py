"""Files of versions in a bucket, which a team server over the same database keeps there too."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from modelpack.artifacts.buckets import BucketArtifacts, BucketPath
from modelpack.artifacts.cache import Cache
from modelpack.directory import ModelDirectory
from modelpack.registry.blobs import keep_in_bucket
from modelpack.registry.files import Brought, Locate, brought, require_kept
from modelpack.registry.records import ModelVersion
from modelpack.uris import ModelRef


class BucketFiles:
    """VersionFiles below *root*, ``s3://BUCKET/FOLDER``; what is asked for is fetched into the cache."""

    is_remote: ClassVar[bool] = False

    def __init__(self, root: str, environ: Mapping[str, str]) -> None:
        place = BucketPath.parse(ModelRef.parse(root))
        self._store, self._prefix = BucketArtifacts(place.root, environ), place.path
        self._cache = Cache.open(environ)

    def bring(self, ref: ModelRef, name: str, *, source: str, run_id: str, locate: Locate) -> Brought:
        """See VersionFiles. *ref* is a path or ``models:/…``."""

        def keep(directory: ModelDirectory) -> str:
            return keep_in_bucket(directory, self._store, self._prefix)

        return brought(ref, self.path, keep, source=source, run_id=run_id, locate=locate)

    def path(self, version: ModelVersion) -> Path:
        """See VersionFiles."""
        require_kept(version)
        place = f"{self._prefix}/{version.location}"
        return self._cache.fetch(self._store, place, f"{self._store.root}/{place}")

    def close(self) -> None:
        """See VersionFiles."""
