"""References to files elsewhere: ``runs:/…``, ``s3://…`` and their like in, a verified copy out."""

import os

from modelpack.artifacts.memory import Memory
from modelpack.artifacts.places import Places
from modelpack.uris import ModelRef


class PlaceResolver:
    """Resolves by MLflow's variables, and the cloud's, in the environment."""

    def resolve(self, ref: ModelRef) -> ModelRef:
        """The copy of *ref* in the cache, as a ``file`` reference; raises what Places.fetch() does."""
        places = Places.read(os.environ)
        try:
            path = Memory(os.environ).path(str(ref), lambda: places.fetch(ref))
            return ModelRef("file", str(path))
        finally:
            places.close()
