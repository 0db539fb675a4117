"""The HorizontalPodAutoscaler: more pods when they work, fewer when they have rested."""

from k8s.workload import Object, Workload

REST = 300
"""Seconds of less work before a pod is taken away."""


def autoscaler(work: Workload) -> Object:
    """The autoscaler of *work*, which has a greatest number of replicas."""
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": work.metadata(work.name),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": work.name},
            # One pod cannot be replaced without a gap.
            "minReplicas": max(2, work.replicas),
            "maxReplicas": work.max_replicas,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {
                        "name": "cpu",
                        "target": {"type": "Utilization", "averageUtilization": work.cpu_target},
                    },
                }
            ],
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": REST}},
        },
    }
