"""The InferenceService: the same pod, with KServe around it instead of Deployment, Service and Ingress."""

from k8s.deployment import pod
from k8s.workload import Object, Workload

CONTAINER = "kserve-container"
"""The name by which KServe finds the container that answers."""


def inference_service(work: Workload) -> Object:
    """The InferenceService, run as a plain Deployment: the other way refuses much of what the pod says."""
    most = {"maxReplicas": work.max_replicas} if work.max_replicas else {"maxReplicas": work.replicas}
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {
            **work.metadata(work.name),
            # KServe hands its annotations down to the pods.
            "annotations": {"serving.kserve.io/deploymentMode": "RawDeployment", **work.annotations},
        },
        "spec": {
            "predictor": {"minReplicas": work.replicas, **most, **pod(work, container=CONTAINER)},
        },
    }
