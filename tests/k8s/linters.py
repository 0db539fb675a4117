"""The default checks of kube-score, kube-linter and Polaris, as one table of rules over a list of objects.

Each rule says whether the objects break it. Where two of the linters ask for the same, it stands once.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.k8s.making import found

Objects = list[dict[str, Any]]

_SECRET_NAME = re.compile(r"(?i)(secret|passw|token|api_?key|access_?key|private_?key|credential)")
_SECRET_TEXT = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----|AKIA[0-9A-Z]{16}|://[^/\s:]*:[^/\s@]+@")
_SENSITIVE = ("/", "/boot", "/dev", "/etc", "/lib", "/proc", "/sys", "/usr")
_DANGEROUS = {"NET_RAW", "NET_ADMIN", "SYS_ADMIN", "ALL"}
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_UNITS = {"": 1, "m": 0.001, "k": 1e3, "M": 1e6, "G": 1e9, "Ki": 1024, "Mi": 1024**2, "Gi": 1024**3}


def broken(objects: Objects) -> list[str]:
    """The names of the rules that *objects* break."""
    return [name for name, breaks in RULES.items() if breaks(objects)]


def _of(objects: Objects, kind: str) -> Iterator[dict[str, Any]]:
    return (one for one in objects if one["kind"] == kind)


def _templates(objects: Objects) -> Iterator[dict[str, Any]]:
    return (one["spec"]["template"] for one in _of(objects, "Deployment"))


def _pods(objects: Objects) -> Iterator[dict[str, Any]]:
    return (template["spec"] for template in _templates(objects))


def _containers(objects: Objects) -> Iterator[dict[str, Any]]:
    for pod in _pods(objects):
        yield from pod["containers"]
        yield from pod.get("initContainers", ())


def _context(objects: Objects) -> Iterator[dict[str, Any]]:
    return (one.get("securityContext", {}) for one in _containers(objects))


def _labels(template: Mapping[str, Any]) -> dict[str, str]:
    labels: dict[str, str] = template["metadata"].get("labels", {})
    return labels


def _selects(selector: Mapping[str, str] | None, template: Mapping[str, Any]) -> bool:
    return bool(selector) and (selector or {}).items() <= _labels(template).items()


def _every_template(objects: Objects, kind: str, *path: str) -> bool:
    """Whether each template is selected by some *kind*, whose selector is at *path*."""
    selectors = []
    for one in _of(objects, kind):
        selector: Any = one["spec"]
        for key in path:
            selector = selector.get(key, {})
        selectors.append(selector)
    return all(
        any(_selects(selector, template) for selector in selectors) for template in _templates(objects)
    )


def _amount(text: str) -> float:
    match = re.fullmatch(r"([0-9.]+)(m|k|M|G|Ki|Mi|Gi)?", text)
    assert match is not None, text
    return float(match[1]) * _UNITS[match[2] or ""]


def _no_resources(objects: Objects, resource: str) -> bool:
    for one in _containers(objects):
        asked = one.get("resources", {})
        request, limit = (asked.get(part, {}).get(resource) for part in ("requests", "limits"))
        if request is None or limit is None or _amount(request) > _amount(limit):
            return True
    return False


def _tag(objects: Objects) -> bool:
    for one in _containers(objects):
        name, at, _ = one["image"].partition("@")
        tag = name.rpartition("/")[2].partition(":")[2]
        if tag == "latest" or not (tag or at):
            return True
    return False


def _probe_port(objects: Objects) -> bool:
    for one in _containers(objects):
        ports = {port["containerPort"] for port in one.get("ports", ())}
        ports |= {port.get("name") for port in one.get("ports", ())}
        for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
            if kind in one and one[kind].get("httpGet", {}).get("port") not in ports:
                return True
    return False


def _target_port(objects: Objects) -> bool:
    ports = {port for one in found(list(_containers(objects)), "ports") for port in _both_names(one)}
    targets = {
        port.get("targetPort", port["port"])
        for one in _of(objects, "Service")
        for port in one["spec"]["ports"]
    }
    return not targets <= ports


def _both_names(ports: list[dict[str, Any]]) -> Iterator[object]:
    for port in ports:
        yield port["containerPort"]
        yield port.get("name")


def _dangling(objects: Objects) -> bool:
    services = list(_of(objects, "Service"))
    return any(
        not any(_selects(one["spec"].get("selector"), template) for template in _templates(objects))
        for one in services
    )


def _ingress_backend(objects: Objects) -> bool:
    known = {
        (one["metadata"]["name"], port["port"])
        for one in _of(objects, "Service")
        for port in one["spec"]["ports"]
    }
    wanted = {
        (service["name"], service["port"]["number"])
        for one in _of(objects, "Ingress")
        for service in found(one["spec"], "service")
    }
    return not wanted <= known


def _ingress_tls(objects: Objects) -> bool:
    for one in _of(objects, "Ingress"):
        covered = {host for part in one["spec"].get("tls", ()) for host in part.get("hosts", ())}
        if not {rule.get("host") for rule in one["spec"]["rules"]} <= covered:
            return True
    return False


def _scaler(objects: Objects) -> bool:
    names = {one["metadata"]["name"] for one in _of(objects, "Deployment")}
    return any(
        one["spec"]["scaleTargetRef"]["name"] not in names
        or one["spec"]["scaleTargetRef"]["apiVersion"] != "apps/v1"
        for one in _of(objects, "HorizontalPodAutoscaler")
    )


def _scaler_span(objects: Objects) -> bool:
    spans = [one["spec"] for one in _of(objects, "HorizontalPodAutoscaler")]
    return any(one.get("minReplicas", 1) < 2 or one["minReplicas"] > one["maxReplicas"] for one in spans)


def _replicas_beside_scaler(objects: Objects) -> bool:
    scaled = {one["spec"]["scaleTargetRef"]["name"] for one in _of(objects, "HorizontalPodAutoscaler")}
    return any(
        "replicas" in one["spec"] and one["metadata"]["name"] in scaled for one in _of(objects, "Deployment")
    )


def _budget_blocks(objects: Objects) -> bool:
    for one in _of(objects, "PodDisruptionBudget"):
        most = str(one["spec"].get("maxUnavailable", "1"))
        least = str(one["spec"].get("minAvailable", "0"))
        if most in {"0", "0%"} or least == "100%":
            return True
    return False


def _affinity(objects: Objects) -> bool:
    for template in _templates(objects):
        rules = template["spec"].get("affinity", {}).get("podAntiAffinity", {})
        terms = [
            one["podAffinityTerm"] for one in rules.get("preferredDuringSchedulingIgnoredDuringExecution", ())
        ] + list(rules.get("requiredDuringSchedulingIgnoredDuringExecution", ()))
        if not any(
            term["topologyKey"] == "kubernetes.io/hostname"
            and _selects(term["labelSelector"]["matchLabels"], template)
            for term in terms
        ):
            return True
    return False


def _spread(objects: Objects) -> bool:
    return not all(
        any(
            _selects(one["labelSelector"]["matchLabels"], template)
            for one in template["spec"].get("topologySpreadConstraints", ())
        )
        for template in _templates(objects)
    )


def _account(objects: Objects) -> bool:
    accounts = {one["metadata"]["name"] for one in _of(objects, "ServiceAccount")}
    return any(pod.get("serviceAccountName") not in accounts for pod in _pods(objects))


def _secret_variables(objects: Objects) -> bool:
    pairs = [(one["name"], one.get("value")) for many in found(objects, "env") for one in many]
    return any(
        value is not None and (_SECRET_NAME.search(name) or _SECRET_TEXT.search(value))
        for name, value in pairs
    )


def _secret_config(objects: Objects) -> bool:
    pairs = [pair for one in _of(objects, "ConfigMap") for pair in one.get("data", {}).items()]
    return any(_SECRET_NAME.search(key) or _SECRET_TEXT.search(value) for key, value in pairs)


def _same_variable_twice(objects: Objects) -> bool:
    return any(len({one["name"] for one in many}) < len(many) for many in found(objects, "env"))


def _selector(objects: Objects) -> bool:
    return any(
        not _selects(one["spec"]["selector"]["matchLabels"], one["spec"]["template"])
        for one in _of(objects, "Deployment")
    )


def _bad_labels(objects: Objects) -> bool:
    return any(
        not _LABEL_VALUE.fullmatch(value) for many in found(objects, "labels") for value in many.values()
    )


def _unlabelled(objects: Objects) -> bool:
    wanted = {"app.kubernetes.io/name", "app.kubernetes.io/instance"}
    return any(not wanted <= set(one["metadata"].get("labels", {})) for one in objects) or any(
        not wanted <= set(_labels(template)) for template in _templates(objects)
    )


def _policy_open(objects: Objects) -> bool:
    for one in _of(objects, "NetworkPolicy"):
        rules = one["spec"].get("ingress", []) + one["spec"].get("egress", [])
        if set(one["spec"].get("policyTypes", ())) != {"Ingress", "Egress"}:
            return True
        if any(not (rule.get("from") or rule.get("to")) for rule in rules):
            return True
    return False


def _context_lacks(name: str, wanted: object) -> Callable[[Objects], bool]:
    return lambda objects: any(one.get(name) != wanted for one in _context(objects))


def _low_id(name: str) -> Callable[[Objects], bool]:
    return lambda objects: any((one.get(name) or 0) <= 10_000 for one in _context(objects))


def _probe_absent(name: str) -> Callable[[Objects], bool]:
    return lambda objects: any(name not in one for one in _containers(objects))


def _paths(objects: Objects) -> Iterator[str]:
    return (one["path"] for one in found(objects, "hostPath"))


RULES: Mapping[str, Callable[[Objects], bool]] = {
    # kube-score and kube-linter
    "cpu": lambda objects: _no_resources(objects, "cpu"),
    "memory": lambda objects: _no_resources(objects, "memory"),
    "ephemeral storage": lambda objects: _no_resources(objects, "ephemeral-storage"),
    "image tag": _tag,
    "pull policy": lambda objects: any(
        one.get("imagePullPolicy") != "Always" for one in _containers(objects)
    ),
    "network policy": lambda objects: (
        not _every_template(objects, "NetworkPolicy", "podSelector", "matchLabels")
    ),
    "network policy open": _policy_open,
    "startup probe": _probe_absent("startupProbe"),
    "liveness probe": _probe_absent("livenessProbe"),
    "readiness probe": _probe_absent("readinessProbe"),
    "probes identical": lambda objects: any(
        one.get("readinessProbe", {}).get("httpGet")
        == one.get("livenessProbe", {"httpGet": 0}).get("httpGet")
        for one in _containers(objects)
    ),
    "probe port": _probe_port,
    "user id": _low_id("runAsUser"),
    "group id": _low_id("runAsGroup"),
    "read-only root": _context_lacks("readOnlyRootFilesystem", True),
    "privileged": _context_lacks("privileged", False),
    "escalation": _context_lacks("allowPrivilegeEscalation", False),
    "non-root": _context_lacks("runAsNonRoot", True),
    "capabilities": lambda objects: any(
        one.get("capabilities", {}).get("drop") != ["ALL"]
        or set(one["capabilities"].get("add", ())) & _DANGEROUS
        for one in _context(objects)
    ),
    "disruption budget": lambda objects: (
        not _every_template(objects, "PodDisruptionBudget", "selector", "matchLabels")
    ),
    "disruption budget blocks": _budget_blocks,
    "unhealthy eviction": lambda objects: any(
        one["spec"].get("unhealthyPodEvictionPolicy") != "AlwaysAllow"
        for one in _of(objects, "PodDisruptionBudget")
    ),
    "anti-affinity": _affinity,
    "topology spread": _spread,
    "autoscaler target": _scaler,
    "autoscaler span": _scaler_span,
    "replicas beside autoscaler": _replicas_beside_scaler,
    "replicas": lambda objects: any(one["spec"].get("replicas", 3) < 2 for one in _of(objects, "Deployment")),
    "rolling update": lambda objects: any(
        one["spec"].get("strategy", {}).get("type") != "RollingUpdate" for one in _of(objects, "Deployment")
    ),
    "service target": _dangling,
    "service type": lambda objects: any(
        one["spec"].get("type") != "ClusterIP" for one in _of(objects, "Service")
    ),
    "service port": _target_port,
    "label value": _bad_labels,
    "variable twice": _same_variable_twice,
    "secret variable": _secret_variables,
    "docker socket": lambda objects: any("docker.sock" in path for path in _paths(objects)),
    "sensitive mount": lambda objects: any(path in _SENSITIVE for path in _paths(objects)),
    "ssh port": lambda objects: any(port == 22 for port in found(objects, "containerPort")),
    "sysctls": lambda objects: any(True for _ in found(objects, "sysctls")),
    "selector": _selector,
    "service account": _account,
    # Polaris
    "host namespace": lambda objects: any(
        pod.get(name) for pod in _pods(objects) for name in ("hostNetwork", "hostPID", "hostIPC")
    ),
    "host port": lambda objects: any(True for _ in found(objects, "hostPort")),
    "service account token": lambda objects: any(
        pod.get("automountServiceAccountToken") is not False for pod in _pods(objects)
    ),
    "secret in config": _secret_config,
    "access rights": lambda objects: any(
        one["kind"] in {"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"} for one in objects
    ),
    "ingress tls": _ingress_tls,
    "ingress backend": _ingress_backend,
    "labels": _unlabelled,
}
