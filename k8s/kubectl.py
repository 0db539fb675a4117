"""The one place that speaks to a cluster: ``kubectl``, fed on its standard input."""

import shutil
import subprocess

from k8s.errors import ClusterUnavailable
from modelpack.errors import shorten

_WAIT = "--request-timeout=30s"
_NO_ANSWER = ("connection refused", "no such host", "i/o timeout", "Unable to connect", "deadline exceeded")


def apply(text: str, *, context: str | None = None) -> str:
    """Let the cluster take *text*, server-side; answers what ``kubectl`` said. Raises ClusterUnavailable."""
    done = _kubectl(["apply", "--server-side", "-f", "-"], text, context)
    if done.returncode:
        raise _failure("applied nothing, or not all", done)
    return done.stdout


def diff(text: str, *, context: str | None = None) -> str:
    """What *text* would change in the cluster, "" for nothing. Raises ClusterUnavailable."""
    done = _kubectl(["diff", "--server-side", "-f", "-"], text, context)
    # Code 1 with nothing to show is no difference: kubectl uses it for a cluster that is not there, too.
    if done.returncode > 1 or (done.returncode and not done.stdout):
        raise _failure("could not compare", done)
    return done.stdout


def _kubectl(verb: list[str], text: str, context: str | None) -> subprocess.CompletedProcess[str]:
    program = shutil.which("kubectl")
    if program is None:
        raise ClusterUnavailable(
            "kubectl is not on PATH: install it, or write the manifests with -o and apply them elsewhere"
        )
    where = [] if context is None else [f"--context={context}"]
    try:
        return subprocess.run(  # noqa: S603 - a list of words, no shell; the text goes in as data
            [program, *where, *verb, _WAIT],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            encoding="utf-8",
        )
    except OSError as error:
        raise ClusterUnavailable(shorten(f"{program} does not run: {error.strerror}")) from error


def _failure(what: str, done: subprocess.CompletedProcess[str]) -> ClusterUnavailable:
    said = [line for line in done.stderr.splitlines() if line.strip()]
    last = shorten(said[-1] if said else f"code {done.returncode}", 180)
    if any(sign in done.stderr for sign in _NO_ANSWER):
        return ClusterUnavailable(
            f"kubectl reaches no cluster; see that `kubectl get namespaces` answers ({last})"
        )
    return ClusterUnavailable(f"kubectl {what}: {last}")
