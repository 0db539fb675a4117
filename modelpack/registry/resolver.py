"""References of the registry: ``models:/…`` in, the place of the files out."""

from modelpack.registry.client import Registry
from modelpack.uris import ModelRef, RegistryName


class RegistryResolver:
    """Resolves ``models:/…`` by the registry that the environment chooses. It never makes one."""

    def resolve(self, ref: ModelRef) -> ModelRef:
        """The folder of the version that *ref* means now, as a ``file`` reference.

        Raises InvalidUri, NotFound, StoreUnavailable, and DamagedModel when another model lies there.
        """
        name = RegistryName.parse(ref)
        with Registry(create=False) as registry:
            return ModelRef("file", str(registry.path(registry.locate(name))))
