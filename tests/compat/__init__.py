"""Directories, documents and answers held against real MLflow."""
