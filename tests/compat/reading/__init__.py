"""What real MLflow wrote: read here, served here, and answered as by MLflow itself."""
