"""Workload: one served model on a cluster, as a value."""

import hashlib
import json
import re
import shlex
from dataclasses import dataclass, field
from typing import Any, Literal

from k8s import names
from k8s.errors import Disagreement, InvalidValue
from k8s.names import Amount, Image
from serving import contract

Object = dict[str, Any]
"""A manifest, or a part of one: mappings, lists, text, numbers and claims."""

MODEL_DIGEST = "modelpack/model-digest"
SETTINGS_DIGEST = "modelpack/settings-digest"
REFERENCE = "modelpack/model"
"""The annotations of pods, keys included: a new value makes new pods."""

LEEWAY = 5
"""Seconds between the last thing the server does and the kernel's SIGKILL."""

_CPU = Amount("500m", "1")
_MEMORY = Amount("1Gi", "1Gi")
_STORAGE = Amount("64Mi", "256Mi")

MONITORING = "monitoring"
NGINX = "nginx"

_OURS = {
    "MODELPACK_PORT": "--port",
    "MLFLOW_PORT": "--port",
    "MODELPACK_LINGER": "--linger",
    "MODELPACK_DRAIN": "--drain",
}
_OUR_ARGUMENTS = re.compile(r"(?:--(bind|graceful-timeout)(?:=.*)?|-b.*)", re.DOTALL)
_WORKERS = re.compile(r"(?:--workers(?:=.*)?|-w.*)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A model behind its server, and all that a cluster is told of it. Times are whole seconds.

    Every value is held to its grammar when the workload is made: raises InvalidValue for one that no manifest
    can hold, Disagreement for those that contradict one another.
    """

    name: str
    """Of the Deployment and of all that has no name of its own."""
    app: str
    """The label ``app``, and the stem of the names below."""
    namespace: str = "ml-serving"
    service: str = ""
    ingress: str = ""
    image: Image
    model: str
    """The reference that was opened."""
    digest: str
    """Of the model: ``sha256:…``."""
    version: tuple[int, int] = names.OLDEST
    """The oldest Kubernetes that these manifests are for."""

    replicas: int = 3
    max_replicas: int | None = None
    """More than *replicas* makes an autoscaler, for which *replicas* is the least."""
    cpu_target: int = 70
    """Percent of the requested processors at which the autoscaler adds a pod."""
    cpu: Amount = _CPU
    memory: Amount = _MEMORY
    storage: Amount = _STORAGE
    scratch: str = "64Mi"
    """The size of ``/tmp``, which is memory and counts as such."""

    port: int = contract.CONTAINER_PORT
    workers: int | None = None
    variables: tuple[tuple[str, str], ...] = ()
    linger: int = 1
    drain: int = 30
    sleep: int = 10
    """Before SIGTERM, for load balancers to look elsewhere."""
    grace: int | None = None
    """From the start of the stop to SIGKILL; None: a minute, or what the stop takes when that is more."""

    host: str | None = None
    tls_secret: str | None = None
    ingress_class: str | None = None
    ingress_annotations: tuple[tuple[str, str], ...] = ()
    gateway: str | None = None
    """``NAME`` or ``NAMESPACE/NAME`` of a Gateway, by which an HTTPRoute stands instead of the Ingress."""
    allow_from: tuple[str, ...] = ()
    """Namespaces whose pods may call, besides the own one."""
    allow_to: tuple[str, ...] = ()
    """Blocks of addresses that may be called, besides the names' service."""

    secrets: tuple[str, ...] = ()
    """Secrets whose keys are files below ``/run/secrets/NAME``."""
    pull_secret: str | None = None
    pull_policy: Literal["Always", "IfNotPresent"] = "Always"
    priority_class: str | None = None
    app_armor: bool = False
    monitor: bool = False
    kserve: bool = False

    settings: tuple[tuple[str, str], ...] = field(init=False)
    """What the server is told by the ConfigMap, so that it agrees with probes and stop."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "service", self.service or f"{self.app}-service")
        object.__setattr__(self, "ingress", self.ingress or f"{self.app}-ingress")
        object.__setattr__(self, "settings", _settings(self))
        _check_names(self)
        _check_numbers(self)
        _check_variables(self)
        _check_way_in(self)
        if self.app_armor and self.version < (1, 30):
            raise Disagreement(
                "--app-armor needs a field of Kubernetes 1.30; say --kubernetes-version 1.30 or newer"
            )

    @property
    def config(self) -> str:
        """The name of the ConfigMap."""
        return self.name

    @property
    def stop(self) -> int:
        """``terminationGracePeriodSeconds``."""
        return max(60, self._stopping) if self.grace is None else self.grace

    @property
    def _stopping(self) -> int:
        return self.sleep + self.linger + self.drain + LEEWAY

    @property
    def callers(self) -> tuple[str, ...]:
        """The namespaces whose pods may call: those named, the usual one of nginx, that of Prometheus."""
        usual = [
            *(["ingress-nginx"] if self.host and not self.gateway and self.ingress_class == NGINX else []),
            *([self.gateway.partition("/")[0]] if self.gateway and "/" in self.gateway else []),
            *([MONITORING] if self.monitor else []),
        ]
        return tuple(dict.fromkeys([*self.allow_from, *usual]))

    @property
    def selector(self) -> Object:
        """The labels that find the pods; a Deployment's may never change, so no version is among them."""
        return {
            "app": self.app,
            "app.kubernetes.io/name": self.app,
            "app.kubernetes.io/instance": self.name,
        }

    @property
    def labels(self) -> Object:
        """The labels of every object."""
        version = names.label_value(self.image.tag or "")
        return {
            **self.selector,
            **({"app.kubernetes.io/version": version} if version else {}),
            "app.kubernetes.io/component": "model-server",
            "app.kubernetes.io/managed-by": "modelpack",
        }

    @property
    def annotations(self) -> Object:
        """The annotations of pods: a new model, or new settings, make new pods."""
        told = json.dumps(self.settings).encode()
        return {
            REFERENCE: self.model,
            MODEL_DIGEST: self.digest,
            SETTINGS_DIGEST: f"sha256:{hashlib.sha256(told).hexdigest()}",
        }

    def metadata(self, name: str) -> Object:
        """The head of an object called *name*."""
        return {"name": name, "namespace": self.namespace, "labels": self.labels}


def _settings(work: Workload) -> tuple[tuple[str, str], ...]:
    told = {"MODELPACK_PORT": work.port, "MODELPACK_LINGER": work.linger, "MODELPACK_DRAIN": work.drain}
    if work.workers is not None:
        told["MODELPACK_WORKERS"] = work.workers
    return tuple((name, str(value)) for name, value in told.items())


def _check_names(work: Workload) -> None:
    names.label("name", work.name)
    names.label("app", work.app)
    names.label("namespace", work.namespace)
    names.service("service name", work.service)
    names.subdomain("ingress name", work.ingress)
    names.value("model", work.model)
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", work.digest):
        raise InvalidValue("digest", work.digest, "sha256: and 64 hexadecimal digits")
    for secret in work.secrets:
        names.label("secret", secret)
    _once("--secret", work.secrets)
    if work.pull_secret is not None:
        names.subdomain("pull secret", work.pull_secret)
    if work.priority_class is not None:
        names.subdomain("priority class", work.priority_class)
    for namespace in work.allow_from:
        names.label("namespace to allow", namespace)
    for block in work.allow_to:
        names.network("network to allow", block)


def _check_numbers(work: Workload) -> None:
    names.port("port", work.port)
    for what, number, lowest, highest in (
        ("replicas", work.replicas, 1, 10_000),
        ("CPU target", work.cpu_target, 1, 100),
        ("workers", work.workers, 1, 256),
        ("linger", work.linger, 0, 3600),
        ("drain", work.drain, 0, 86_400),
        ("sleep", work.sleep, 1, 3600),
    ):
        if number is not None and not lowest <= number <= highest:
            raise InvalidValue(what, number, f"a whole number from {lowest} to {highest}")
    if work.max_replicas is not None and not max(2, work.replicas) <= work.max_replicas <= 10_000:
        raise Disagreement(
            f"at most {work.max_replicas} replicas, at least {work.replicas}: "
            "give two or more, and no fewer than the least"
        )
    if names.memory("size of /tmp", work.scratch) >= names.memory("memory", work.memory.limit):
        raise Disagreement(
            f"the size of /tmp, {work.scratch}, is taken from {work.memory.limit} of memory: "
            "give more memory or a smaller /tmp"
        )
    if work.grace is not None and not work._stopping <= work.grace <= 100_000:  # noqa: SLF001 - its own file
        raise Disagreement(
            f"a stop takes {work.sleep} s of sleep, {work.linger} s of linger, {work.drain} s of drain and "
            f"{LEEWAY} s of leeway; a grace period of {work.grace} s is too short, or beyond a day"
        )


def _check_variables(work: Workload) -> None:
    for name, value in work.variables:
        names.variable("variable", name)
        names.value(f"the value of {name}", value)
        if name in _OURS:
            raise Disagreement(f"{name} must agree with the manifests: say {_OURS[name]} instead")
        if name == "MODELPACK_ALLOWED_HOSTS":
            raise Disagreement(
                f"{name} would turn the probes away, which come by the pod's address: leave it out"
            )
    _once("--env", [name for name, _ in work.variables])
    given = dict(work.variables)
    text = given.get(contract.GUNICORN_VARIABLE, "")
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise InvalidValue(contract.GUNICORN_VARIABLE, text, f"arguments ({error})") from None
    if any(_OUR_ARGUMENTS.fullmatch(word) for word in words):
        raise Disagreement(
            f"{contract.GUNICORN_VARIABLE} binds or stops the server, which must agree with the manifests: "
            "say --port or --drain instead"
        )
    twice: list[str] = [name for name in ("MODELPACK_WORKERS", "MLFLOW_MODELS_WORKERS") if name in given]
    twice += [contract.GUNICORN_VARIABLE] * any(_WORKERS.fullmatch(word) for word in words)
    if work.workers is not None and twice:
        raise Disagreement(f"--workers, and {twice[0]}: say one of them")


def _check_way_in(work: Workload) -> None:
    for what, given in (
        ("--tls-secret", work.tls_secret),
        ("--ingress-class", work.ingress_class),
        ("--ingress-annotation", work.ingress_annotations),
        ("--gateway", work.gateway),
    ):
        if given and work.host is None:
            raise Disagreement(f"{what} without --host: there is no way in for it to be about")
        if given and work.gateway and what != "--gateway":
            raise Disagreement(f"{what} and --gateway: an HTTPRoute leaves that to its Gateway")
    if work.kserve and (work.host or work.monitor):
        raise Disagreement("KServe makes its own way in and its own Service: leave out --host and --monitor")
    if work.host is not None:
        names.host("host", work.host)
    if work.tls_secret is not None:
        names.subdomain("TLS secret", work.tls_secret)
    if work.ingress_class is not None:
        names.subdomain("ingress class", work.ingress_class)
    for key, value in work.ingress_annotations:
        names.annotation("annotation", key)
        names.value(f"the value of {key}", value)
    _once("--ingress-annotation", [key for key, _ in work.ingress_annotations])
    if work.gateway is not None:
        namespace, slash, gateway = work.gateway.rpartition("/")
        names.subdomain("gateway", gateway)
        if slash:
            names.label("namespace of the gateway", namespace)


def _once(what: str, given: tuple[str, ...] | list[str]) -> None:
    twice = [one for one in given if given.count(one) > 1]
    if twice:
        raise Disagreement(f"{what} {twice[0]} is given twice")
