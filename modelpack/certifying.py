"""Gives a model directory that exists already an ONNX form, and the report of how it compares."""

import logging
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelpack.directory import ModelDirectory, example, layout, open_directory
from modelpack.directory.manifest import Manifest
from modelpack.errors import InvalidModel, InvalidUri
from modelpack.files import exchanged
from modelpack.flavors import choose, served_method
from modelpack.loading import load
from modelpack.onnx.files import read_report
from modelpack.onnx.report import Report
from modelpack.proof import Effort, usual_methods, with_profile, with_proof
from modelpack.resolve import locate
from modelpack.trust import Trust
from modelpack.uris import ModelRef, RegistryName

if TYPE_CHECKING:
    from modelpack.registry import ModelVersion, Registry

logger = logging.getLogger(__name__)


def certify(
    ref: str | Path | ModelRef,
    *,
    methods: Sequence[str] | None = None,
    reference_data: Any = None,
    effort: Effort | None = None,
    trust: Trust | None = None,
) -> Report:
    """Compare the model directory *ref* with an ONNX form, and put form and report into it.

    *methods* are by default the one that is served, ``predict``, and a classifier's ``predict_proba``. The
    native model is loaded, as far as *trust* allows. The directory changes in one step, or not at all.

    Raises what ``load`` raises, and InvalidUri for a registered version, whose files never change:
    ``certify_version`` makes a new one.
    """
    ref = ModelRef.parse(ref)
    if ref.scheme != "file":
        raise InvalidUri(
            f"{ref} is registered, and its files never change; certify the directory before you register it, "
            "or make a new version with --register"
        )
    path = locate(ref)
    open_directory(path).check()
    with exchanged(path) as copy:
        return _certify(open_directory(copy), methods, reference_data, effort or Effort(), trust)


def certify_version(
    registry: "Registry",
    ref: str | ModelRef,
    *,
    methods: Sequence[str] | None = None,
    reference_data: Any = None,
    effort: Effort | None = None,
    trust: Trust | None = None,
) -> tuple[Report, "ModelVersion"]:
    """As ``certify``, for the registered version *ref*: makes a new version, with its tags and description.

    The old one stays as it is, and keeps its aliases and its stage.
    """
    version = registry.locate(RegistryName.parse(ModelRef.parse(ref)))
    with _copied(registry.path(version)) as copy:
        report = _certify(open_directory(copy), methods, reference_data, effort or Effort(), trust)
        made = registry.register(
            copy,
            version.name,
            source=f"models:/{version.name}/{version.version}",
            run_id=version.run_id,
            description=version.description,
            tags=version.tags,
        )
    return report, made


def _certify(
    view: ModelDirectory,
    methods: Sequence[str] | None,
    reference_data: Any,
    effort: Effort,
    trust: Trust | None,
) -> Report:
    model = load(view.path, trust=trust)
    had_manifest = view.has_manifest
    asked = tuple(methods or _asked(view, model))
    if not asked:
        raise InvalidModel(f"the model at {view.path} has neither predict nor transform; name its --method")
    if reference_data is not None:
        view = with_profile(view, reference_data)
    given = view.example()
    data = None if given is None else example.split(given)[0]
    proved = with_proof(
        view,
        choose(view.document),
        model,
        example=data,
        reference=reference_data,
        methods=asked,
        effort=effort,
    )
    report = read_report(proved)
    if report is None:
        raise InvalidModel(
            "nothing here writes this model in another form; a scikit-learn model needs "
            'pip install "modelpack[onnx]"'
        )
    (view.path / layout.DOCUMENT).write_text(proved.document.text(), encoding="utf-8")
    if had_manifest:
        Manifest.of(view.path).write(view.path)
    # What is about to be seen is whole.
    open_directory(view.path).check()
    logger.info("model certified", extra={"methods": ", ".join(report.certified) or "none"})
    return report


def _asked(view: ModelDirectory, model: Any) -> tuple[str, ...]:
    """What is served, and what is usually asked."""
    served = (served_method(view.document),) if view.document.python_function else ()
    return tuple(dict.fromkeys((*served, *usual_methods(model))))


@contextmanager
def _copied(path: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="modelpack-certify-") as scratch:
        yield Path(shutil.copytree(path, Path(scratch) / "model", symlinks=True))
