"""What a cluster is told: the manifests of one served model."""
