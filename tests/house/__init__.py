"""The house itself: layers, light imports, the public face, documents that run."""
