"""Runners: one process on uvicorn, several under gunicorn; each of them one server of the same make."""
