"""Tests of the scoring server's page in a real browser."""
