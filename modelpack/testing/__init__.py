"""Contract suites: what every flavor, store and codec must pass, whoever wrote it."""
