"""``runs:/RUN_ID/PATH`` in, the place of that run's files out."""

import os

from modelpack.artifacts.resolver import PlaceResolver
from modelpack.artifacts.root import ArtifactRoot
from modelpack.remote.address import tracking_address
from modelpack.tracking.opening import open_tracking
from modelpack.uris import ModelRef, RunPath


class RunResolver:
    """Resolves by the tracking server that the environment names, else by the tracking database."""

    def resolve(self, ref: ModelRef) -> ModelRef:
        """The folder of the run's files. Raises NotFound."""
        if tracking_address(os.environ) is not None:
            return PlaceResolver().resolve(ref)
        asked = RunPath.parse(ref)
        tracking = open_tracking(None, os.environ)
        try:
            root = tracking.store.get_run(asked.run_id).info.artifact_uri
        finally:
            tracking.close()
        return ArtifactRoot.read(os.environ).follow(ModelRef.parse(f"{root}/{asked.path}"))
