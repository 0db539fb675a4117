"""The checker of the restricted standard knows pods that pass, and pods that fail for one reason."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from k8s.bundle import bundle
from tests.k8s.making import workload
from tests.k8s.restricted import RULES, violations

Pod = dict[str, Any]
Change = Callable[[Pod], object]
APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/one"


def _context() -> dict[str, Any]:
    return {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def _base() -> Pod:
    """The least pod that passes: all that can stand at the pod stands there."""
    return {
        "metadata": {"name": "base"},
        "spec": {
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{"name": "one", "image": "r.io/m:1", "securityContext": _context()}],
            "initContainers": [{"name": "first", "image": "r.io/m:1", "securityContext": _context()}],
        },
    }


def _pod(pod: Pod, **given: Any) -> None:
    pod["spec"]["securityContext"].update(given)


def _container(pod: Pod, **given: Any) -> None:
    pod["spec"]["containers"][0].update(given)


def _one(pod: Pod, **given: Any) -> None:
    pod["spec"]["containers"][0]["securityContext"].update(given)


def _first(pod: Pod, **given: Any) -> None:
    pod["spec"]["initContainers"][0]["securityContext"].update(given)


def _volume(pod: Pod, **given: Any) -> None:
    pod["spec"]["volumes"] = [{"name": "v", **given}]


def _ephemeral(pod: Pod, **given: Any) -> None:
    context = {**_context(), **given}
    pod["spec"]["ephemeralContainers"] = [{"name": "debug", "image": "r.io/d:1", "securityContext": context}]


def _note(pod: Pod, profile: str) -> None:
    pod["metadata"]["annotations"] = {APP_ARMOR: profile}


def _at_containers_only(pod: Pod) -> None:
    pod["spec"].pop("securityContext")
    for change in (_one, _first):
        change(pod, runAsNonRoot=True, seccompProfile={"type": "RuntimeDefault"})


PASS: dict[str, Change] = {
    "as it is": lambda pod: None,
    "said by containers": _at_containers_only,
    "seccomp by file": lambda pod: _pod(pod, seccompProfile={"type": "Localhost", "localhostProfile": "a"}),
    "low port": lambda pod: _one(pod, capabilities={"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}),
    "user": lambda pod: _pod(pod, runAsUser=1000),
    "safe sysctl": lambda pod: _pod(pod, sysctls=[{"name": "net.ipv4.tcp_syncookies", "value": "1"}]),
    "SELinux type": lambda pod: _pod(pod, seLinuxOptions={"type": "container_t", "level": "s0"}),
    "AppArmor": lambda pod: _pod(pod, appArmorProfile={"type": "RuntimeDefault"}),
    "AppArmor by annotation": lambda pod: _note(pod, "localhost/mine"),
    "proc mount": lambda pod: _one(pod, procMount="Default"),
    "port": lambda pod: _container(pod, ports=[{"containerPort": 80}]),
    "debugging": _ephemeral,
    "probe": lambda pod: _container(pod, livenessProbe={"httpGet": {"path": "/", "port": 80}}),
    **{
        f"volume {kind}": partial(_volume, **{kind: {}})
        for kind in (
            "configMap",
            "csi",
            "downwardAPI",
            "emptyDir",
            "ephemeral",
            "persistentVolumeClaim",
            "projected",
            "secret",
        )
    },
}

FAIL: dict[str, tuple[str, Change]] = {
    "host network": ("host namespaces", lambda pod: pod["spec"].update(hostNetwork=True)),
    "host processes": ("host namespaces", lambda pod: pod["spec"].update(hostPID=True)),
    "host memory": ("host namespaces", lambda pod: pod["spec"].update(hostIPC=True)),
    "host process pod": ("host process", lambda pod: _pod(pod, windowsOptions={"hostProcess": True})),
    "host process": ("host process", lambda pod: _one(pod, windowsOptions={"hostProcess": True})),
    "privileged": ("privileged", lambda pod: _one(pod, privileged=True)),
    "privileged first": ("privileged", lambda pod: _first(pod, privileged=True)),
    "nothing dropped": ("capabilities", lambda pod: _one(pod, capabilities={})),
    "some dropped": ("capabilities", lambda pod: _first(pod, capabilities={"drop": ["NET_RAW"]})),
    "added": ("capabilities", lambda pod: _one(pod, capabilities={"drop": ["ALL"], "add": ["CHOWN"]})),
    "debugger adds": ("capabilities", lambda pod: _ephemeral(pod, capabilities={"add": ["SYS_PTRACE"]})),
    "host port": ("host ports", lambda pod: _container(pod, ports=[{"containerPort": 80, "hostPort": 80}])),
    "AppArmor off": ("AppArmor", lambda pod: _one(pod, appArmorProfile={"type": "Unconfined"})),
    "AppArmor off by annotation": ("AppArmor", lambda pod: _note(pod, "unconfined")),
    "SELinux type": ("SELinux", lambda pod: _pod(pod, seLinuxOptions={"type": "spc_t"})),
    "SELinux user": ("SELinux", lambda pod: _one(pod, seLinuxOptions={"user": "system_u"})),
    "SELinux role": ("SELinux", lambda pod: _first(pod, seLinuxOptions={"role": "sysadm_r"})),
    "all of proc": ("proc mount", lambda pod: _one(pod, procMount="Unmasked")),
    "sysctl": ("sysctls", lambda pod: _pod(pod, sysctls=[{"name": "kernel.msgmax", "value": "1"}])),
    **{
        f"volume {kind}": ("volumes", partial(_volume, **{kind: {}}))
        for kind in ("hostPath", "nfs", "iscsi", "gitRepo", "awsElasticBlockStore", "rbd", "fc", "glusterfs")
    },
    "escalation": ("escalation", lambda pod: _one(pod, allowPrivilegeEscalation=True)),
    "escalation unsaid": (
        "escalation",
        lambda pod: pod["spec"]["initContainers"][0]["securityContext"].pop("allowPrivilegeEscalation"),
    ),
    "perhaps root": ("non-root", lambda pod: pod["spec"]["securityContext"].pop("runAsNonRoot")),
    "root allowed": ("non-root", lambda pod: _one(pod, runAsNonRoot=False)),
    "root allowed to the pod": ("non-root", lambda pod: _pod(pod, runAsNonRoot=False)),
    "root": ("user", lambda pod: _pod(pod, runAsUser=0)),
    "first as root": ("user", lambda pod: _first(pod, runAsUser=0)),
    "no seccomp": ("seccomp", lambda pod: pod["spec"]["securityContext"].pop("seccompProfile")),
    "seccomp off": ("seccomp", lambda pod: _pod(pod, seccompProfile={"type": "Unconfined"})),
    "seccomp off in one": ("seccomp", lambda pod: _one(pod, seccompProfile={"type": "Unconfined"})),
    "probe of another host": (
        "probe hosts",
        lambda pod: _container(pod, livenessProbe={"httpGet": {"host": "10.0.0.1", "port": 80}}),
    ),
    "hook to another host": (
        "probe hosts",
        lambda pod: _container(pod, lifecycle={"preStop": {"tcpSocket": {"host": "a.b", "port": 80}}}),
    ),
}


@pytest.mark.parametrize("change", PASS.values(), ids=PASS)
def test_a_pod_within_the_standard_passes(change: Change) -> None:
    pod = _base()
    change(pod)
    assert violations(pod) == []


@pytest.mark.parametrize(("rule", "change"), FAIL.values(), ids=FAIL)
def test_a_pod_beyond_it_fails_for_that_reason_alone(rule: str, change: Change) -> None:
    pod = _base()
    change(pod)
    assert violations(pod) == [rule]


def test_every_rule_has_a_pod_that_fails_it() -> None:
    assert {rule for rule, _ in FAIL.values()} == set(RULES)


def test_the_pod_that_kserve_is_given_passes_too() -> None:
    service = bundle(workload(kserve=True))[-1]
    assert service["kind"] == "InferenceService"
    assert violations({"spec": service["spec"]["predictor"]}) == []
