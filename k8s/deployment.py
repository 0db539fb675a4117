"""The Deployment: pods that a restricted namespace takes, and that leave in order."""

from k8s.workload import Object, Workload
from serving import contract

CONTAINER = "model"
PORT = "http"
USER = 65532
"""Neither root nor anyone that a node knows."""

STARTUP_PERIOD, STARTUP_TRIES = 2, 60
"""Two minutes for a model to load and warm; no other probe asks before."""


def deployment(work: Workload) -> Object:
    """The Deployment; it says no number of replicas where an autoscaler does."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": work.metadata(work.name),
        "spec": {
            **({} if work.max_replicas else {"replicas": work.replicas}),
            "minReadySeconds": 5,
            "progressDeadlineSeconds": 600,
            "revisionHistoryLimit": 5,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "selector": {"matchLabels": work.selector},
            "template": {
                "metadata": {"labels": work.labels, "annotations": work.annotations},
                "spec": pod(work, container=CONTAINER),
            },
        },
    }


def pod(work: Workload, *, container: str) -> Object:
    """The pod, its one container called *container*."""
    return {
        "serviceAccountName": work.name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "hostNetwork": False,
        "hostPID": False,
        "hostIPC": False,
        "terminationGracePeriodSeconds": work.stop,
        **({"priorityClassName": work.priority_class} if work.priority_class else {}),
        **({"imagePullSecrets": [{"name": work.pull_secret}]} if work.pull_secret else {}),
        "securityContext": _pod_security(work),
        "affinity": {
            "podAntiAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {
                        "weight": 100,
                        "podAffinityTerm": {
                            "topologyKey": "kubernetes.io/hostname",
                            "labelSelector": {"matchLabels": work.selector},
                        },
                    }
                ]
            }
        },
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "topology.kubernetes.io/zone",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": work.selector},
            }
        ],
        "containers": [_container(work, container)],
        "volumes": [
            {"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": work.scratch}},
            *(
                {"name": f"secret-{number}", "secret": {"secretName": name, "defaultMode": 0o440}}
                for number, name in enumerate(work.secrets)
            ),
        ],
    }


def _pod_security(work: Workload) -> Object:
    # A group of files is of use only where a volume brings some.
    group = {"fsGroup": USER, "fsGroupChangePolicy": "OnRootMismatch"} if work.secrets else {}
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        **group,
        "seccompProfile": {"type": "RuntimeDefault"},
        **({"appArmorProfile": {"type": "RuntimeDefault"}} if work.app_armor else {}),
    }


def _container(work: Workload, name: str) -> Object:
    return {
        "name": name,
        "image": str(work.image),
        "imagePullPolicy": work.pull_policy,
        # An image says the port in its entry; what stands behind that wins.
        **({} if work.port == contract.CONTAINER_PORT else {"args": ["--port", str(work.port)]}),
        "ports": [{"name": PORT, "containerPort": work.port, "protocol": "TCP"}],
        "envFrom": [{"configMapRef": {"name": work.config}}],
        **(
            {"env": [{"name": key, "value": literal(value)} for key, value in work.variables]}
            if work.variables
            else {}
        ),
        "resources": {
            "requests": {
                "cpu": work.cpu.request,
                "memory": work.memory.request,
                "ephemeral-storage": work.storage.request,
            },
            "limits": {
                "cpu": work.cpu.limit,
                "memory": work.memory.limit,
                "ephemeral-storage": work.storage.limit,
            },
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "startupProbe": _probe(contract.HEALTH, period=STARTUP_PERIOD, failures=STARTUP_TRIES, timeout=2),
        "livenessProbe": _probe(contract.HEALTH, period=10, failures=3, timeout=5),
        "readinessProbe": _probe(contract.READY, period=2, failures=1, timeout=2),
        "lifecycle": {"preStop": _wait(work)},
        "volumeMounts": [
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the pod's own
            *(
                {"name": f"secret-{number}", "mountPath": f"/run/secrets/{name}", "readOnly": True}
                for number, name in enumerate(work.secrets)
            ),
        ],
    }


def _probe(path: str, *, period: int, failures: int, timeout: int) -> Object:
    return {
        "httpGet": {"path": path, "port": PORT, "scheme": "HTTP"},
        "periodSeconds": period,
        "timeoutSeconds": timeout,
        "failureThreshold": failures,
    }


def _wait(work: Workload) -> Object:
    if work.version >= (1, 30):
        return {"sleep": {"seconds": work.sleep}}
    # An image may lack a shell and ``sleep``; it cannot lack the server's interpreter.
    return {"exec": {"command": ["python", "-c", f"import time; time.sleep({work.sleep})"]}}


def literal(text: str) -> str:
    """*text* for a kubelet, to which ``$(NAME)`` is a variable and ``$$`` a ``$``; it passes *text* on."""
    return text.replace("$", "$$") if "$(" in text or "$$" in text else text
