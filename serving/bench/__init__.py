"""A user's own model under load: each engine that may answer for it, in a server of its own."""
