"""The Service: one address for all pods that are ready."""

from k8s.deployment import PORT
from k8s.workload import Object, Workload

SERVICE_PORT = 80


def service(work: Workload) -> Object:
    """The Service, inside the cluster alone."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": work.metadata(work.service),
        "spec": {
            "type": "ClusterIP",
            "selector": work.selector,
            "ports": [{"name": PORT, "port": SERVICE_PORT, "targetPort": PORT, "protocol": "TCP"}],
        },
    }
