"""The manifests of one Workload, in the order to apply them."""

from collections.abc import Iterable

from k8s.account import account
from k8s.autoscaler import autoscaler
from k8s.config import config
from k8s.deployment import deployment
from k8s.disruption import budget
from k8s.errors import Disagreement
from k8s.ingress import ingress, route
from k8s.kserve import inference_service
from k8s.monitor import monitor
from k8s.network import policy
from k8s.service import service
from k8s.workload import Object, Workload

KINDS = {
    "ServiceAccount": "always",
    "ConfigMap": "always",
    "NetworkPolicy": "always",
    "PodDisruptionBudget": "always",
    "Deployment": "without --kserve",
    "InferenceService": "with --kserve",
    "Service": "without --kserve",
    "HorizontalPodAutoscaler": "with --max-replicas",
    "Ingress": "with --host",
    "HTTPRoute": "with --host and --gateway",
    "ServiceMonitor": "with --monitor",
}
"""Every kind in the order to apply it, and when it is made."""


def bundle(work: Workload, *, kinds: Iterable[str] = ()) -> list[Object]:
    """The objects of *work*; of them only *kinds*, when any is named.

    What a pod needs comes before the pod, and who may call it before there is anything to call. Raises
    Disagreement for a kind that the options do not make.
    """
    made = {one["kind"]: one for one in _objects(work)}
    wanted = list(kinds) or list(made)
    for kind in wanted:
        if kind not in made:
            raise Disagreement(f"no {kind} here: it is made {KINDS[kind]}")
    return [made[kind] for kind in KINDS if kind in wanted]


def _objects(work: Workload) -> list[Object]:
    common = [account(work), config(work), policy(work), budget(work)]
    if work.kserve:
        return [*common, inference_service(work)]
    return [
        *common,
        deployment(work),
        service(work),
        *([autoscaler(work)] if work.max_replicas else []),
        *([route(work) if work.gateway else ingress(work)] if work.host else []),
        *([monitor(work)] if work.monitor else []),
    ]
