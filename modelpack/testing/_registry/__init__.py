"""The parts of the contract of a registry store."""
