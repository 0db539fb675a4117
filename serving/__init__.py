"""What happens to a request, and everything that runs a model."""
