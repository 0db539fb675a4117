"""Against real servers: MLflow with SQLite and PostgreSQL behind it, and buckets that check who asks."""
