"""Flavors: what each writes, loads and refuses."""
