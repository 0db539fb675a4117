"""Crafted skops files, and models whose numbers lie."""
