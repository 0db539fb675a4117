"""References of the registry: ``models:/…`` in, the place of the files out."""

import importlib
from typing import Any

from modelpack import registry
from modelpack.uris import ModelRef, RegistryName


class RegistryResolver:
    """Resolves ``models:/…`` by the registry that the environment chooses. It never makes one."""

    def resolve(self, ref: ModelRef) -> ModelRef:
        """The folder of the version that *ref* means now, as a ``file`` reference.

        ``models:/m-ID`` is a model that the tracking server logged. Raises InvalidUri, NotFound,
        StoreUnavailable, and DamagedModel when another model lies there.
        """
        if ref.logged_model is not None:
            # By name: it brings what reaches other machines, which a registry on this disk does without.
            elsewhere: Any = importlib.import_module("modelpack.artifacts.resolver")
            found: ModelRef = elsewhere.PlaceResolver().resolve(ref)
            return found
        name = RegistryName.parse(ref)
        # By the face, which brings the database library when it is needed, and says so when it is missing.
        with registry.Registry(create=False) as opened:
            return ModelRef("file", str(opened.path(opened.locate(name))))
