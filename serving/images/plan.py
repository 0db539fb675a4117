"""The plan of an image: everything that is decided about it, as one value."""

from dataclasses import dataclass, field

from serving.contract import CONTAINER_MODEL, CONTAINER_PORT
from serving.image import Image
from serving.images import names
from serving.images.errors import Disagreement
from serving.images.lock import Lock
from serving.settings import EngineName

PIP_CONFIG, NETRC = "pip.conf", "netrc"
SECRETS = (PIP_CONFIG, NETRC)
"""Files that a build may read and no layer holds."""

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePlan:
    """One image that serves one model. Every value has been held to its grammar: raises InvalidValue.

    *base* is the image it builds on, with *python* in it. *reference* is what the registry was asked for
    (nothing for a model that came by a path), *name* and *version* what it calls the model, *known* all
    references that mean it now. With *at_start* the model is not inside: a container fetches what
    *reference* means then. *build_arguments* and the indexes are for
    the installer, *secrets* are the names of those files that it may read. *created* is when the model was
    saved, in ISO 8601.
    """

    base: str
    python: str
    platform: str
    engine: EngineName
    reference: str
    name: str
    version: str
    digest: str
    lock: Lock
    known: tuple[str, ...] = ()
    created: str = ""
    at_start: bool = False
    port: int = CONTAINER_PORT
    variables: Pairs = ()
    labels: Pairs = ()
    system_packages: tuple[str, ...] = ()
    build_arguments: Pairs = ()
    index: str | None = None
    more_indexes: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    sbom: bool = False
    own_labels: Pairs = field(init=False)

    def __post_init__(self) -> None:
        if self.at_start and not self.reference:
            raise Disagreement(
                "--model-at-start needs a reference that means something there: models:/NAME/STAGE or such"
            )
        names.base("--base", self.base)
        names.python("--python", self.python)
        names.platform("--platform", self.platform)
        names.port("--port", self.port)
        for flag, pairs in (("--env", self.variables), ("--build-arg", self.build_arguments)):
            _once(flag, pairs)
            for name, value in pairs:
                names.variable(flag, name)
                names.value(f"{flag} {name}", value)
        _once("--label", self.labels)
        for key, _ in self.labels:
            names.label("--label", key)
        for name, value in self.build_arguments:
            names.line(f"--build-arg {name}", value)
        for package in self.system_packages:
            names.system_package("--system-package", package)
        for url in (*([self.index] if self.index else []), *self.more_indexes):
            names.index("--index-url", url)
        object.__setattr__(self, "own_labels", tuple(_labels(self).items()))
        for key, value in (*self.own_labels, *self.labels):
            names.line(f"--label {key}", value)

    @property
    def image(self) -> Image:
        """What the image says of itself."""
        return Image(
            model=self.reference if self.at_start else CONTAINER_MODEL,
            engine=self.engine,
            port=self.port,
            name=self.name,
            version=self.version,
            digest=self.digest,
            references=() if self.at_start else tuple(sorted({CONTAINER_MODEL, *self.known})),
            variables={name: value for name, value in self.variables if not value.isprintable()},
        )

    @property
    def lines(self) -> Pairs:
        """The variables that a Dockerfile can say."""
        return tuple((name, value) for name, value in self.variables if value.isprintable())


def _labels(plan: ImagePlan) -> dict[str, str]:
    own = {
        "org.opencontainers.image.title": plan.name,
        "org.opencontainers.image.version": plan.version,
        "org.opencontainers.image.created": plan.created,
        "org.opencontainers.image.base.name": plan.base.partition("@")[0],
        "org.opencontainers.image.base.digest": names.digest_of(plan.base) or "",
        "modelpack.model.reference": plan.reference,
        "modelpack.model.digest": plan.digest,
        "modelpack.engine": plan.engine,
    }
    given = dict(plan.labels)
    return {key: value for key, value in own.items() if value and key not in given}


def _once(flag: str, pairs: Pairs) -> None:
    seen = [name for name, _ in pairs]
    for name in seen:
        if seen.count(name) > 1:
            raise Disagreement(f"{flag} {name[:60]!r} is given twice: say it once")
