"""The ConfigMap: what the server is told, so that it agrees with probes and stop."""

from k8s.workload import Object, Workload


def config(work: Workload) -> Object:
    """The server's settings as variables; the pods carry their digest, and are renewed when one changes."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": work.metadata(work.config),
        "data": dict(work.settings),
    }
