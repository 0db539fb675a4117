"""The *restricted* Pod Security Standard, as Kubernetes 1.37 reads it for Linux: a checker of pods."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Pod = Mapping[str, Any]

VOLUMES = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)
SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    }
)
SELINUX_TYPES = frozenset(
    {None, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
)
PROFILES = frozenset({"RuntimeDefault", "Localhost"})
_APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"


def violations(pod: Pod) -> list[str]:
    """The names of the rules that *pod* breaks, each once; *pod* has ``spec`` and perhaps ``metadata``."""
    return [name for name, breaks in RULES.items() if breaks(pod)]


def _containers(pod: Pod) -> Iterator[Mapping[str, Any]]:
    for kind in ("containers", "initContainers", "ephemeralContainers"):
        yield from pod["spec"].get(kind) or ()


def _contexts(pod: Pod) -> Iterator[Mapping[str, Any]]:
    """Every security context: the pod's, then each container's, empty where there is none."""
    yield pod["spec"].get("securityContext") or {}
    yield from _own(pod)


def _own(pod: Pod) -> list[Mapping[str, Any]]:
    return [one.get("securityContext") or {} for one in _containers(pod)]


def _host_namespaces(pod: Pod) -> bool:
    return any(pod["spec"].get(name) for name in ("hostNetwork", "hostPID", "hostIPC"))


def _host_process(pod: Pod) -> bool:
    return any((one.get("windowsOptions") or {}).get("hostProcess") for one in _contexts(pod))


def _capabilities(pod: Pod) -> bool:
    for one in _own(pod):
        asked = one.get("capabilities") or {}
        if "ALL" not in (asked.get("drop") or ()) or set(asked.get("add") or ()) - {"NET_BIND_SERVICE"}:
            return True
    return False


def _host_ports(pod: Pod) -> bool:
    return any(port.get("hostPort") for one in _containers(pod) for port in one.get("ports") or ())


def _app_armor(pod: Pod) -> bool:
    notes = (pod.get("metadata") or {}).get("annotations") or {}
    loose = any(
        key.startswith(_APP_ARMOR) and not re.fullmatch(r"(runtime/default|localhost/.*)?", value)
        for key, value in notes.items()
    )
    return loose or any(
        "appArmorProfile" in one and one["appArmorProfile"].get("type") not in PROFILES
        for one in _contexts(pod)
    )


def _selinux(pod: Pod) -> bool:
    options = [one.get("seLinuxOptions") or {} for one in _contexts(pod)]
    return any(one.get("type") not in SELINUX_TYPES or one.get("user") or one.get("role") for one in options)


def _proc_mount(pod: Pod) -> bool:
    return any(one.get("procMount", "Default") != "Default" for one in _own(pod))


def _sysctls(pod: Pod) -> bool:
    asked = (pod["spec"].get("securityContext") or {}).get("sysctls") or ()
    return any(one["name"] not in SYSCTLS for one in asked)


def _volumes(pod: Pod) -> bool:
    return any(set(one) - {"name"} - VOLUMES for one in pod["spec"].get("volumes") or ())


def _non_root(pod: Pod) -> bool:
    whole = (pod["spec"].get("securityContext") or {}).get("runAsNonRoot")
    return any(one.get("runAsNonRoot", whole) is not True for one in _own(pod)) or whole is False


def _seccomp(pod: Pod) -> bool:
    whole = (pod["spec"].get("securityContext") or {}).get("seccompProfile") or {}
    if whole and whole.get("type") not in PROFILES:
        return True
    return any((one.get("seccompProfile") or whole).get("type") not in PROFILES for one in _own(pod))


def _handlers(pod: Pod) -> Iterator[Mapping[str, Any]]:
    for one in _containers(pod):
        life = one.get("lifecycle") or {}
        for handler in (
            *(one.get(name) for name in ("livenessProbe", "readinessProbe", "startupProbe")),
            *(life.get(name) for name in ("postStart", "preStop")),
        ):
            yield handler or {}


def _probe_hosts(pod: Pod) -> bool:
    return any(
        (one.get(kind) or {}).get("host") for one in _handlers(pod) for kind in ("httpGet", "tcpSocket")
    )


RULES: Mapping[str, Callable[[Pod], bool]] = {
    "host namespaces": _host_namespaces,
    "host process": _host_process,
    "privileged": lambda pod: any(one.get("privileged") for one in _own(pod)),
    "capabilities": _capabilities,
    "host ports": _host_ports,
    "AppArmor": _app_armor,
    "SELinux": _selinux,
    "proc mount": _proc_mount,
    "sysctls": _sysctls,
    "volumes": _volumes,
    "escalation": lambda pod: any(one.get("allowPrivilegeEscalation") is not False for one in _own(pod)),
    "non-root": _non_root,
    "user": lambda pod: any(one.get("runAsUser") == 0 for one in _contexts(pod)),
    "seccomp": _seccomp,
    "probe hosts": _probe_hosts,
}
