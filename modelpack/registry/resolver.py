"""References of the registry: ``models:/…`` in, the place of the files out."""

from modelpack import registry
from modelpack.uris import ModelRef, RegistryName


class RegistryResolver:
    """Resolves ``models:/…`` by the registry that the environment chooses. It never makes one."""

    def resolve(self, ref: ModelRef) -> ModelRef:
        """The folder of the version that *ref* means now, as a ``file`` reference.

        Raises InvalidUri, NotFound, StoreUnavailable, and DamagedModel when another model lies there.
        """
        name = RegistryName.parse(ref)
        # By the face, which brings the database library when it is needed, and says so when it is missing.
        with registry.Registry(create=False) as opened:
            return ModelRef("file", str(opened.path(opened.locate(name))))
