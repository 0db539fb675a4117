"""The team server with its database and bucket, for ``docker compose``: a value, then text, then files."""
