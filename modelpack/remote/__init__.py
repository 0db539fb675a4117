"""Other machines over HTTP: an MLflow server's address, who we are to it, what it answers, and patience."""
