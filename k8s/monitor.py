"""The ServiceMonitor: where a Prometheus operator finds the server's figures."""

from k8s.deployment import PORT
from k8s.workload import Object, Workload

METRICS = "/metrics"


def monitor(work: Workload) -> Object:
    """The ServiceMonitor; a cluster without that operator does not know the kind."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": work.metadata(work.name),
        "spec": {
            "selector": {"matchLabels": work.selector},
            "endpoints": [{"port": PORT, "path": METRICS, "interval": "30s", "scrapeTimeout": "10s"}],
        },
    }
