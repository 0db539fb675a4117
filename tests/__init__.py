"""The proof: mirrors the packages."""
