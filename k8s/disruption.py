"""The PodDisruptionBudget: those who empty a node take one pod at a time."""

from k8s.workload import Object, Workload


def budget(work: Workload) -> Object:
    """The budget; it always lets one go, so that a node can be emptied."""
    # A pod that is not well is in nobody's way to be moved.
    policy = {"unhealthyPodEvictionPolicy": "AlwaysAllow"} if work.version >= (1, 27) else {}
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": work.metadata(work.name),
        "spec": {"maxUnavailable": 1, **policy, "selector": {"matchLabels": work.selector}},
    }
