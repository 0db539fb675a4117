"""What must be installed in an image: for the server, for its engine, for the model."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import distributions, packages_distributions, requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from modelpack.directory import ModelDirectory, environment
from modelpack.engines.choose import check
from modelpack.errors import Uncertified, shorten
from modelpack.flavors import FLAVORS, choose, served_method
from modelpack.onnx.files import native_digest, onnx_digest, read_report
from serving.images import names
from serving.settings import EngineName

DISTRIBUTION = "modelpack"

EXTRAS = ("arrow", "grpc", "otel")
"""What of this toolkit a server can do more, if its image brings what that takes."""

_LEFT_OUT = frozenset({DISTRIBUTION, "mlflow", "mlflow-skinny", "mlflow-tracing"})
"""Ours comes as a wheel of its own, and a model that MLflow saved is served without MLflow."""

_CALLED = {"sklearn": "scikit-learn", "PIL": "pillow", "cv2": "opencv-python-headless", "yaml": "pyyaml"}
"""Distributions that are not called as their modules, for what is not installed here."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """*lines* are to be installed; *limits* bind the versions of what that brings along."""

    engine: EngineName
    lines: tuple[str, ...]
    limits: tuple[str, ...] = ()


def wanted(
    directory: ModelDirectory,
    *,
    engine: EngineName,
    python: str,
    at_start: bool = False,
    extras: Iterable[str] = (),
    more: Iterable[str] = (),
) -> Wanted:
    """What an image needs that serves *directory* by *engine* on *python* (``3.11``).

    ``auto`` is both engines where a report certifies the served method, else the native one. The versions
    that the model was saved with stay. *extras* are some of EXTRAS. Raises Uncertified for ``onnx`` without a
    certificate, InvalidValue for a wrong line in *more*.
    """
    versions, why = _certificate(directory)
    if engine == "onnx" and why:
        raise Uncertified(shorten(f"no image of the ONNX form can be made: {why}; see modelpack certify"))
    chosen: EngineName = "native" if why and engine == "auto" else engine
    own_extras = {"", "serve", *(("registry", "postgres") if at_start else ()), *extras}
    lines = set(ours(own_extras, python))
    own = [one for one in _model(directory) if canonicalize_name(one.name) not in _LEFT_OUT]
    if chosen != "native":
        lines.add(f"onnxruntime=={version}" if (version := versions.get("onnxruntime")) else "onnxruntime")
    if chosen != "onnx":
        lines.update(str(one) for one in own)
        lines.update(_mentioned(directory))
    lines.update(str(names.requirement("--extra-requirements", line)) for line in more)
    limits = sorted(f"{one.name}{one.specifier}" for one in own if one.specifier) if chosen == "onnx" else []
    return Wanted(chosen, tuple(sorted(lines, key=str.lower)), tuple(limits))


def installed() -> tuple[str, ...]:
    """``name==version`` for all that is installed here: an image gets these versions where it can."""
    found = {canonicalize_name(one.metadata["Name"]): one.version for one in distributions()}
    return tuple(f"{name}=={version}" for name, version in sorted(found.items()) if name != DISTRIBUTION)


def _certificate(directory: ModelDirectory) -> tuple[dict[str, str], str]:
    """The versions that the served method was certified with, and why it was not, if so."""
    report = read_report(directory)
    why = check(
        "onnx",
        report,
        served_method(directory.document),
        native_digest=native_digest(directory),
        onnx_digest=onnx_digest(directory),
    )
    return dict(report.versions) if report else {}, why


def ours(extras: Iterable[str], python: str) -> Iterator[str]:
    """What this toolkit itself needs for *extras* on *python* under Linux; ``""`` is what it always needs."""
    for line in requires(DISTRIBUTION) or []:
        one = Requirement(line)
        there = {"python_version": python, "sys_platform": "linux", "platform_system": "Linux"}
        if one.marker is None or any(one.marker.evaluate({**there, "extra": extra}) for extra in extras):
            one.marker = None
            yield str(one)


def _model(directory: ModelDirectory) -> list[Requirement]:
    return [environment.check_requirement(line) for line in environment.read(directory.path).requirements]


def _mentioned(directory: ModelDirectory) -> Iterator[str]:
    """Distributions of the modules that the model's files name: its requirements may be too short."""
    owners = packages_distributions()
    for module in FLAVORS[choose(directory.document)].mentions(directory):
        top = module.partition(".")[0]
        name = _CALLED.get(top) or next(iter(owners.get(top, [])), None)
        if name is not None and canonicalize_name(name) not in _LEFT_OUT:
            yield canonicalize_name(name)
