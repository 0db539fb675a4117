"""The same data plane over gRPC."""
