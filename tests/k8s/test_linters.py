"""The manifests pass the linters' default checks; each of many damages is caught by the check for it."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from k8s.bundle import bundle
from k8s.names import Image
from tests.k8s.linters import RULES, Objects, broken
from tests.k8s.making import workload
from tests.k8s.restricted import violations
from tests.k8s.test_schemas import FULL

Damage = Callable[["Good"], object]

SHORT_OF_NEWER_FIELDS = {"unhealthy eviction"}
"""The check that needs a field which Kubernetes 1.25 has not."""


class Good:
    """A good set of manifests, its objects by kind, to be damaged."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects

    def __getitem__(self, kind: str) -> dict[str, Any]:
        return next(one for one in self.objects if one["kind"] == kind)

    def remove(self, kind: str) -> None:
        self.objects.remove(self[kind])

    @property
    def template(self) -> dict[str, Any]:
        template: dict[str, Any] = self["Deployment"]["spec"]["template"]
        return template

    @property
    def pod(self) -> dict[str, Any]:
        pod: dict[str, Any] = self.template["spec"]
        return pod

    @property
    def container(self) -> dict[str, Any]:
        container: dict[str, Any] = self.pod["containers"][0]
        return container

    @property
    def context(self) -> dict[str, Any]:
        context: dict[str, Any] = self.container["securityContext"]
        return context


def good() -> Good:
    return Good(copy.deepcopy(bundle(workload(**FULL, version=(1, 30)))))


def test_the_manifests_break_no_rule() -> None:
    made = good()
    assert broken(made.objects) == []
    assert violations(made.template) == []


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({}, id="plain"),
        pytest.param({"host": "a.example", "tls_secret": "tls"}, id="ingress"),
        pytest.param({"host": "a.example", "gateway": "edge/public"}, id="route"),
        pytest.param({"image": Image.parse("r.io/m@sha256:" + "1" * 64)}, id="digest"),
        pytest.param({"max_replicas": 2, "replicas": 1}, id="autoscaler"),
        pytest.param({"secrets": ("one", "two"), "monitor": True}, id="secrets"),
    ],
)
def test_for_the_oldest_cluster_only_newer_fields_are_missed(given: dict[str, Any]) -> None:
    made = Good(bundle(workload(**given)))
    assert set(broken(made.objects)) <= SHORT_OF_NEWER_FIELDS
    assert violations(made.template) == []


def _volume(made: Good, path: str) -> None:
    made.pod["volumes"].append({"name": "host", "hostPath": {"path": path}})


def _drop_label(made: Good) -> None:
    del made["Service"]["metadata"]["labels"]["app.kubernetes.io/name"]


DAMAGES: dict[str, tuple[str, Damage]] = {
    "no cpu limit": ("cpu", lambda one: one.container["resources"]["limits"].pop("cpu")),
    "no cpu request": ("cpu", lambda one: one.container["resources"]["requests"].pop("cpu")),
    "no memory limit": ("memory", lambda one: one.container["resources"]["limits"].pop("memory")),
    "memory limit below request": (
        "memory",
        lambda one: one.container["resources"]["limits"].update(memory="1Mi"),
    ),
    "no storage limit": (
        "ephemeral storage",
        lambda one: one.container["resources"]["limits"].pop("ephemeral-storage"),
    ),
    "latest": ("image tag", lambda one: one.container.update(image="r.io/m:latest")),
    "no tag": ("image tag", lambda one: one.container.update(image="r.io:5000/m")),
    "lazy pull": ("pull policy", lambda one: one.container.update(imagePullPolicy="IfNotPresent")),
    "no policy": ("network policy", lambda one: one.remove("NetworkPolicy")),
    "policy of others": (
        "network policy",
        lambda one: one["NetworkPolicy"]["spec"]["podSelector"].update(matchLabels={"app": "other"}),
    ),
    "callers from anywhere": (
        "network policy open",
        lambda one: one["NetworkPolicy"]["spec"]["ingress"][0].pop("from"),
    ),
    "no egress policy": (
        "network policy open",
        lambda one: one["NetworkPolicy"]["spec"].update(policyTypes=["Ingress"]),
    ),
    "no startup probe": ("startup probe", lambda one: one.container.pop("startupProbe")),
    "no liveness probe": ("liveness probe", lambda one: one.container.pop("livenessProbe")),
    "no readiness probe": ("readiness probe", lambda one: one.container.pop("readinessProbe")),
    "one probe for both": (
        "probes identical",
        lambda one: one.container.update(readinessProbe=one.container["livenessProbe"]),
    ),
    "probe of another port": (
        "probe port",
        lambda one: one.container["livenessProbe"]["httpGet"].update(port="web"),
    ),
    "low user": ("user id", lambda one: one.context.update(runAsUser=1000)),
    "low group": ("group id", lambda one: one.context.update(runAsGroup=0)),
    "writable root": ("read-only root", lambda one: one.context.update(readOnlyRootFilesystem=False)),
    "privileged": ("privileged", lambda one: one.context.update(privileged=True)),
    "escalation": ("escalation", lambda one: one.context.pop("allowPrivilegeEscalation")),
    "maybe root": ("non-root", lambda one: one.context.update(runAsNonRoot=False)),
    "capabilities kept": ("capabilities", lambda one: one.context["capabilities"].update(drop=["NET_RAW"])),
    "capability added": ("capabilities", lambda one: one.context["capabilities"].update(add=["SYS_ADMIN"])),
    "no budget": ("disruption budget", lambda one: one.remove("PodDisruptionBudget")),
    "budget of none": (
        "disruption budget blocks",
        lambda one: one["PodDisruptionBudget"]["spec"].update(maxUnavailable=0),
    ),
    "unhealthy pods stay": (
        "unhealthy eviction",
        lambda one: one["PodDisruptionBudget"]["spec"].pop("unhealthyPodEvictionPolicy"),
    ),
    "no affinity": ("anti-affinity", lambda one: one.pod.pop("affinity")),
    "no spread": ("topology spread", lambda one: one.pod.pop("topologySpreadConstraints")),
    "autoscaler of nothing": (
        "autoscaler target",
        lambda one: one["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"].update(name="gone"),
    ),
    "autoscaler from one": (
        "autoscaler span",
        lambda one: one["HorizontalPodAutoscaler"]["spec"].update(minReplicas=1),
    ),
    "replicas and autoscaler": (
        "replicas beside autoscaler",
        lambda one: one["Deployment"]["spec"].update(replicas=3),
    ),
    "one replica": ("replicas", lambda one: one["Deployment"]["spec"].update(replicas=1)),
    "recreate": (
        "rolling update",
        lambda one: one["Deployment"]["spec"].update(strategy={"type": "Recreate"}),
    ),
    "service of nothing": (
        "service target",
        lambda one: one["Service"]["spec"].update(selector={"app": "other"}),
    ),
    "node port": ("service type", lambda one: one["Service"]["spec"].update(type="NodePort")),
    "port of nothing": (
        "service port",
        lambda one: one["Service"]["spec"]["ports"][0].update(targetPort=9090),
    ),
    "label with a space": (
        "label value",
        lambda one: one["Service"]["metadata"]["labels"].update(tier="a b"),
    ),
    "variable twice": (
        "variable twice",
        lambda one: one.container["env"].append(dict(one.container["env"][0])),
    ),
    "password as variable": (
        "secret variable",
        lambda one: one.container["env"].append({"name": "DB_PASSWORD", "value": "x"}),
    ),
    "engine's socket": ("docker socket", lambda one: _volume(one, "/var/run/docker.sock")),
    "the node's files": ("sensitive mount", lambda one: _volume(one, "/etc")),
    "ssh": ("ssh port", lambda one: one.container["ports"].append({"containerPort": 22})),
    "sysctl": (
        "sysctls",
        lambda one: one.pod["securityContext"].update(sysctls=[{"name": "kernel.msgmax", "value": "1"}]),
    ),
    "selector of nothing": (
        "selector",
        lambda one: one["Deployment"]["spec"]["selector"].update(matchLabels={"app": "other"}),
    ),
    "no account": ("service account", lambda one: one.remove("ServiceAccount")),
    "host network": ("host namespace", lambda one: one.pod.update(hostNetwork=True)),
    "host port": ("host port", lambda one: one.container["ports"][0].update(hostPort=80)),
    "token": ("service account token", lambda one: one.pod.pop("automountServiceAccountToken")),
    "token in config": ("secret in config", lambda one: one["ConfigMap"]["data"].update(API_TOKEN="x")),
    "rights": (
        "access rights",
        lambda one: one.objects.append(
            {"kind": "ClusterRoleBinding", "metadata": one["Service"]["metadata"]}
        ),
    ),
    "no tls": ("ingress tls", lambda one: one["Ingress"]["spec"].pop("tls")),
    "way to nothing": (
        "ingress backend",
        lambda one: one["Service"]["metadata"].update(name="other"),
    ),
    "object without a name's label": ("labels", _drop_label),
}


@pytest.mark.parametrize(("rule", "damage"), DAMAGES.values(), ids=DAMAGES)
def test_a_damage_is_caught_by_the_check_for_it(rule: str, damage: Damage) -> None:
    made = good()
    damage(made)
    assert rule in broken(made.objects)


def test_every_rule_is_proved_by_a_damage() -> None:
    assert {rule for rule, _ in DAMAGES.values()} == set(RULES)
    assert len(DAMAGES) >= 40
