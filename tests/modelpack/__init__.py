"""Tests of the package modelpack."""
