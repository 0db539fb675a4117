"""Images: from a model to a plan, from the plan to text and files, from these to an engine's effect."""
