"""The team server: MLflow's REST API over a registry's database and an artifact root."""
