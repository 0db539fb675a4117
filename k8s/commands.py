"""``modelpack k8s``: manifests of one served model, printed, written, compared or applied."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from k8s import folder, kubectl, names
from k8s.bundle import KINDS, bundle
from k8s.errors import Disagreement
from k8s.names import Amount, Image
from k8s.text import stream
from k8s.workload import Workload
from modelpack.errors import InvalidUri
from modelpack.loading import open_model
from modelpack.uris import ModelRef, RegistryName

DIFFERENT = 3
"""The exit code of ``--diff`` when the cluster holds something else."""


def _option(*flags: str, help: str, **how: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:  # noqa: A002
    """An option for the field of Workload of its name; not given, the field's default holds."""
    return click.option(*flags, default=None, help=help, **how)


def _several(*flags: str, help: str, **how: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:  # noqa: A002
    return click.option(*flags, multiple=True, help=f"{help} May be given again.", **how)


@click.command(short_help="Write the Kubernetes manifests of a served model.")
@click.option(
    "-m", "--model-uri", "reference", required=True, help="The model: models:/NAME/VERSION or a path."
)
@click.option("--image", required=True, help="REGISTRY/NAME:TAG[@sha256:…] that serves it; not just latest.")
@_option("--name", help="The Deployment; by default the registered name, else the image's.")
@_option("--app", help="The label app, and the stem of the next two; by default the image's short name.")
@_option("--namespace", help="Default: ml-serving; it must exist.")
@_option("--service-name", "service", help="Default: APP-service.")
@_option("--ingress-name", "ingress", help="Default: APP-ingress.")
@_option("--replicas", type=int, help="Pods; default: 3.")
@_option("--min-replicas", type=int, help="Fewest pods of an autoscaler; default: 3.")
@_option("--max-replicas", type=int, help="Most pods: makes an autoscaler.")
@_option("--cpu-target", type=int, help="Percent of the requested CPU at which it adds a pod; default: 70.")
@_option("--cpu", help="REQUEST[:LIMIT]; default: 500m:1.")
@_option("--memory", help="REQUEST[:LIMIT]; default: 1Gi.")
@_option("--storage", help="Ephemeral storage, REQUEST[:LIMIT]; default: 64Mi:256Mi.")
@_option("--tmp-size", "scratch", help="Of /tmp, the one place to write, which is memory; default: 64Mi.")
@_option("--port", type=int, help="Where the server listens in its container; default: 8080.")
@_option("--workers", type=int, help="Processes in a pod; default: what the image says.")
@_several("--env", "variables", metavar="KEY=VALUE", help="A variable of the server; no secrets.")
@_several("--secret", "secrets", metavar="NAME", help="A Secret to mount below /run/secrets/NAME.")
@_option("--linger", type=int, help="Seconds the server still answers all after SIGTERM; default: 1.")
@_option("--drain", type=int, help="Seconds running requests have after that; default: 30.")
@_option("--stop-delay", "sleep", type=int, help="Seconds before SIGTERM, for load balancers; default: 10.")
@_option("--grace", type=int, help="Seconds until SIGKILL; default: 60, or what the above takes.")
@_option("--host", help="The DNS name for callers outside: makes an Ingress.")
@_option("--tls-secret", help="The Secret with the host's certificate.")
@_option("--ingress-class", help="Such as nginx, for which body size and timeout are said, too.")
@_several("--ingress-annotation", "ingress_annotations", metavar="KEY=VALUE", help="One for the Ingress.")
@_option("--gateway", metavar="[NAMESPACE/]NAME", help="Makes an HTTPRoute instead of the Ingress.")
@_several("--allow-from", metavar="NAMESPACE", help="Whose pods may call, besides the own namespace's.")
@_several("--allow-to", metavar="CIDR[:PORT]", help="Whom the pods may call, besides DNS.")
@_option("--pull-secret", help="The Secret for a private registry.")
@_option("--pull-policy", type=click.Choice(["Always", "IfNotPresent"]), help="Default: Always.")
@_option("--priority-class", help="A PriorityClass that exists.")
@click.option("--app-armor", is_flag=True, help="Ask for AppArmor; nodes without it refuse the pods.")
@click.option("--monitor", is_flag=True, help="Add a ServiceMonitor for the Prometheus operator.")
@click.option("--kserve", is_flag=True, help="An InferenceService instead of Deployment and Service.")
@click.option(
    "--kubernetes-version",
    "version",
    default="1.25",
    show_default=True,
    help="The oldest cluster they are for: 1.25 to 1.37. Newer fields are used where it has them.",
)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice(list(KINDS), case_sensitive=False),
    help="Only these. May be given again.",
)
@click.option(
    "-o", "--output", "target", default="-", help="A folder for kustomize; - for one stream (default)."
)
@click.option("--apply", is_flag=True, help="Have the cluster take them: kubectl apply --server-side.")
@click.option("--diff", is_flag=True, help=f"Show what that would change; exit code {DIFFERENT} if anything.")
@click.option("--context", help="The cluster, by the name in kubectl's configuration.")
def k8s(
    reference: str,
    image: str,
    *,
    kinds: tuple[str, ...],
    target: str,
    apply: bool,
    diff: bool,
    context: str | None,
    **given: Any,
) -> int:
    """Write what a Kubernetes cluster is told to serve the model.

    The model is opened, never loaded: its digest stands in the pods, so that another model makes new ones.
    """
    if apply + diff + (target != "-") > 1:
        raise click.UsageError("say one of -o, --apply and --diff")
    if context is not None and not (apply or diff):
        raise click.UsageError("--context is for --apply and --diff")
    objects = bundle(workload(reference, image, given), kinds=kinds)
    if diff:
        found = kubectl.diff(stream(objects), context=context)
        click.echo(found, nl=False)
        return DIFFERENT if found else 0
    if apply:
        click.echo(kubectl.apply(stream(objects), context=context), nl=False)
    elif target == "-":
        click.echo(stream(objects), nl=False)
    else:
        for path in folder.write(objects, Path(target)):
            click.echo(path)
    return 0


def workload(reference: str, image: str, given: dict[str, Any]) -> Workload:
    """The workload that the command line's words mean; raises what Workload and ``open_model`` raise."""
    words = {name: value for name, value in given.items() if value not in (None, ())}
    parsed = Image.parse(image)
    app: str = words.pop("app", None) or names.as_label(parsed.short) or parsed.short
    name: str = words.pop("name", None) or _registered(reference) or app
    for resource in ("cpu", "memory", "storage"):
        if resource in words:
            words[resource] = Amount.parse(resource, words[resource])
    for pairs, flag in (("variables", "--env"), ("ingress_annotations", "--ingress-annotation")):
        if pairs in words:
            words[pairs] = tuple(_pair(flag, text) for text in words[pairs])
    words["version"] = names.version("--kubernetes-version", words["version"])
    return Workload(
        name=name,
        app=app,
        image=parsed,
        model=reference,
        digest=open_model(reference).digest,
        **_least(words),
    )


def _least(words: dict[str, Any]) -> dict[str, Any]:
    """The same words, where ``--min-replicas`` is what the autoscaler begins with."""
    least = words.pop("min_replicas", None)
    if least is None:
        return words
    if "replicas" in words:
        raise Disagreement("--replicas is a fixed number, --min-replicas an autoscaler's: say one of them")
    if "max_replicas" not in words:
        raise Disagreement("--min-replicas without --max-replicas: say both, or --replicas")
    return {**words, "replicas": least}


def _registered(reference: str) -> str | None:
    try:
        return names.as_label(RegistryName.parse(ModelRef.parse(reference)).name)
    except InvalidUri:
        return None


def _pair(flag: str, text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise Disagreement(f"{flag} {key[:60]!r} has no value: write {flag} KEY=VALUE")
    return key, value
