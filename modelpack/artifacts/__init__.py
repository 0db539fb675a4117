"""Places that keep files: what such a place can do, and the one on this disk."""

from modelpack.artifacts.local import LocalArtifacts
from modelpack.artifacts.store import ArtifactStore, Entry

__all__ = ["ArtifactStore", "Entry", "LocalArtifacts"]
