"""The way in from outside: an Ingress, or an HTTPRoute of a Gateway."""

from k8s.service import SERVICE_PORT
from k8s.workload import NGINX, Object, Workload

_NGINX = {
    # What the server takes by default: bodies of 64 MiB, a minute for an answer.
    "nginx.ingress.kubernetes.io/proxy-body-size": "64m",
    "nginx.ingress.kubernetes.io/proxy-read-timeout": "65",
}


def ingress(work: Workload) -> Object:
    """The Ingress of *work*, which has a host. No path is rewritten: the server answers at the root."""
    usual = _NGINX if work.ingress_class == NGINX else {}
    annotations = {**usual, **dict(work.ingress_annotations)}
    backend = {"service": {"name": work.service, "port": {"number": SERVICE_PORT}}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {
            **work.metadata(work.ingress),
            **({"annotations": annotations} if annotations else {}),
        },
        "spec": {
            **({"ingressClassName": work.ingress_class} if work.ingress_class else {}),
            **({"tls": [{"hosts": [work.host], "secretName": work.tls_secret}]} if work.tls_secret else {}),
            "rules": [
                {
                    "host": work.host,
                    "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]},
                }
            ],
        },
    }


def route(work: Workload) -> Object:
    """The HTTPRoute of *work*, which has a host and a Gateway; TLS is the Gateway's matter."""
    namespace, _, gateway = (work.gateway or "").rpartition("/")
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": work.metadata(work.ingress),
        "spec": {
            "parentRefs": [{"name": gateway, **({"namespace": namespace} if namespace else {})}],
            "hostnames": [work.host],
            "rules": [
                {
                    "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                    "backendRefs": [{"name": work.service, "port": SERVICE_PORT}],
                }
            ],
        },
    }
