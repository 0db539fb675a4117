"""The NetworkPolicy: who may call the pods, and whom they may call."""

from k8s import names
from k8s.deployment import PORT
from k8s.workload import Object, Workload

_NAMESPACE = "kubernetes.io/metadata.name"
_NODE_LOCAL_DNS = "169.254.20.10/32"
_DNS = [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]


def policy(work: Workload) -> Object:
    """Callers are pods of the own namespace and of those named; the pods themselves ask for names alone.

    Probes come from the node, which no policy keeps out.
    """
    callers = [{"podSelector": {}}, *(_namespace(name) for name in work.callers)]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": work.metadata(work.name),
        "spec": {
            "podSelector": {"matchLabels": work.selector},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": callers, "ports": [{"protocol": "TCP", "port": PORT}]}],
            "egress": [
                {"to": [_namespace("kube-system"), {"ipBlock": {"cidr": _NODE_LOCAL_DNS}}], "ports": _DNS},
                *(_way_out(text) for text in work.allow_to),
            ],
        },
    }


def _namespace(name: str) -> Object:
    return {"namespaceSelector": {"matchLabels": {_NAMESPACE: name}}}


def _way_out(text: str) -> Object:
    block, port = names.network("network to allow", text)
    ports = {"ports": [{"protocol": "TCP", "port": port}]} if port is not None else {}
    return {"to": [{"ipBlock": {"cidr": block}}], **ports}
