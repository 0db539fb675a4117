"""Alembic's folder: the steps by which the tables came to be."""
