"""Tracking and registry beside MLflow, by both Python clients: ``python -m tests.benchmarks.tracking``."""
