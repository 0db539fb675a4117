"""The pages of the team server, over HTTP."""
