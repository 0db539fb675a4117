"""What is saved here, in the hands of real MLflow."""
