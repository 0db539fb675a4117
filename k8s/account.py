"""The ServiceAccount: a name for the pods, and no key to the cluster."""

from k8s.workload import Object, Workload


def account(work: Workload) -> Object:
    """The account; no token of it is put into a pod."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": work.metadata(work.name),
        "automountServiceAccountToken": False,
    }
