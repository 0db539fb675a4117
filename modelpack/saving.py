"""A model and what is known of it, written into a directory: whole, or not at all."""

import os
import sys
import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from modelpack import rehearsal
from modelpack._version import __version__
from modelpack.directory import (
    Document,
    ModelDirectory,
    code,
    environment,
    example,
    layout,
    open_directory,
)
from modelpack.directory.artifacts import copy as copy_artifacts
from modelpack.directory.document import OWN, plain
from modelpack.directory.manifest import Manifest
from modelpack.directory.requirements import infer
from modelpack.errors import InvalidModel, NotFound
from modelpack.files import inside, staged, walk
from modelpack.flavors import FLAVORS, SaveOptions, detect
from modelpack.flavors.pickles import CODE_INSIDE
from modelpack.predictor import Predictor
from modelpack.proof import Effort, usual_methods, with_profile, with_proof
from modelpack.resolve import locate
from modelpack.schema import Signature, enforce, enforce_params, infer_signature
from modelpack.trust import Trust
from modelpack.uris import ModelRef


def save(
    model: Any,
    path: Path | str,
    *,
    signature: Signature | None = None,
    input_example: Any = None,
    metadata: Mapping[str, Any] | None = None,
    requirements: Sequence[str] | None = None,
    code_paths: Iterable[Path | str] = (),
    artifacts: Mapping[str, Path | str] | None = None,
    model_config: Mapping[str, Any] | None = None,
    format: str | None = None,  # noqa: A002 - the word that MLflow's users know
    reference_data: Any = None,
    methods: Sequence[str] | None = None,
    certify: bool | Mapping[str, int] = True,
    batch: bool = True,
) -> ModelDirectory:
    """Write *model* to the new directory *path*, in MLflow's format, and answer the view of it.

    *model* is an estimator of scikit-learn, XGBoost, LightGBM or CatBoost, a booster, a ``Module`` of torch,
    results of statsmodels, a ``ModelProto`` of ONNX, a function, an object with ``predict``, or the path of a
    script (``.py``) that names one by ``modelpack.set_model``. *signature* is what it takes and gives;
    without one it is inferred from *input_example*, a DataFrame, array, dict, list, sparse matrix or scalar,
    or ``(data, params)``, and from what the model answers for it. *metadata* is kept under its name in
    MLmodel. *requirements* replace what is found out: PEP 508 lines without URLs. *code_paths* are modules
    and packages to bring along. *format* is one that the flavor knows (flavors/README.md), such as ``skops``,
    ``ubj``, ``pt2`` or ``cloudpickle``; loading a pickle takes the operator's trust.

    For functions, objects and scripts, *artifacts* maps names to files or folders, each a path or a
    reference, which are copied; ``load_context(context)`` finds them in ``context.artifacts``, and
    *model_config*, which is plain data, in ``context.model_config``.

    Estimators, boosted trees and modules get an ONNX form beside their own, if the two answer alike: for
    *methods*, by default ``predict`` and a classifier's ``predict_proba``. *certify* may be a mapping with
    the number of ``rows`` that are compared and the ``seed`` that draws them, or False for no other form.
    *reference_data* is what the model was trained on: a profile of it is kept, and rows are drawn like it.

    The directory appears complete and synced to the disk, or not at all. Raises AlreadyExists for a *path*
    that is taken, SchemaMismatch for an example that the signature refuses, PredictionFailed for one that
    the model refuses, InvalidModel for what cannot be written.
    """
    name = detect(model)
    effort = Effort.read(certify, os.environ)
    known = _metadata(metadata, batch)
    lines = (
        None if requirements is None else [str(environment.check_requirement(line)) for line in requirements]
    )
    with staged(Path(path)) as folder, ExitStack() as stack:
        brought = code.copy(code_paths, folder)
        stack.enter_context(code.lend(folder, brought))
        context = _context(name, artifacts or {}, model_config, folder)
        options = _options(input_example, signature, format=format, code=brought, context=context)
        flavors = FLAVORS[name].save(model, folder, options)
        view = ModelDirectory(folder, Document(flavors=flavors, signature=signature, metadata=known))
        model = _answering(view, name, model)
        if input_example is not None:
            view = _with_example(view, name, model, input_example)
        if reference_data is not None:
            view = with_profile(view, reference_data)
        if effort is not None:
            data = None if input_example is None else example.split(input_example)[0]
            asked = usual_methods(model) if methods is None else tuple(methods)
            view = with_proof(
                view,
                name,
                model,
                example=data,
                reference=reference_data,
                methods=asked,
                effort=effort,
            )
        view = replace(view, document=_dated(view.document, folder))
        (folder / layout.DOCUMENT).write_text(view.document.text(), encoding="utf-8")
        environment.write(folder, _requirements(view, name) if lines is None else lines)
        # Last: it vouches for all the others.
        Manifest.of(folder).write(folder)
    return open_directory(Path(path))


def _metadata(given: Mapping[str, Any] | None, batch: bool) -> dict[str, Any]:
    metadata: dict[str, Any] = plain(dict(given or {}))
    if OWN in metadata:
        raise InvalidModel(f"the key {OWN!r} of the metadata is taken; choose another")
    own: dict[str, Any] = {"version": __version__}
    return metadata | {OWN: own if batch else own | {"batch": False}}


def _options(given: Any, signature: Signature | None, **known: Any) -> SaveOptions:
    """What the flavor is told: *known*, what the model takes, and the example *given* as it takes it."""
    inputs = signature.inputs if signature else None
    if given is None:
        return SaveOptions(inputs=inputs, **known)
    data = example.split(given)[0]
    inputs = inputs or infer_signature(data).inputs
    return SaveOptions(example=enforce(data, inputs), inputs=inputs, **known)


def _context(
    name: str, artifacts: Mapping[str, Path | str], settings: Mapping[str, Any] | None, folder: Path
) -> dict[str, Any]:
    """The entries of MLmodel for what the model is told when it is loaded; the artifacts are copied."""
    if (artifacts and name not in _TOLD) or (settings and name not in (*_TOLD, "pytorch")):
        raise InvalidModel(
            f"artifacts and model_config are for functions, objects and scripts; a model of {name} reads none"
        )
    given = {key: _fetched(place) for key, place in artifacts.items()}
    return {
        **({"artifacts": copy_artifacts(given, folder)} if given else {}),
        **({"config": plain(dict(settings), "model_config")} if settings else {}),
    }


_TOLD = ("python", "script")
"""Flavors whose models are told a context."""


def _fetched(place: Path | str) -> tuple[Path, str]:
    """Where what *place* means lies on this disk, and the reference, or the bare name of a path."""
    ref = ModelRef.parse(place)
    if ref.scheme == "file":
        path = ref.path.expanduser()
        return path, path.name
    try:
        return locate(ref), str(ref)
    except NotFound:
        # A reference leads to a folder: a file is found in the one that it lies in.
        folder, slash, name = ref.rest.rpartition("/")
        if not (slash and name):
            raise
        found = inside(locate(ModelRef(ref.scheme, folder)), name)
        if not found.is_file():
            raise
        return found, str(ref)


def _answering(view: ModelDirectory, name: str, model: Any) -> Any:
    """What answers for *model*: itself, or what was saved, where that is made, or told more, by loading."""
    if isinstance(model, str | Path) or callable(getattr(model, "load_context", None)):
        return FLAVORS[name].load(view, Trust(pickle=True, code=True))
    return model


def _with_example(view: ModelDirectory, name: str, model: Any, given: Any) -> ModelDirectory:
    """*view* with the example's files written, held to the signature, or the signature inferred from it."""
    written = example.encode(given)
    data, params = example.split(given)
    promised = view.signature or infer_signature(data, params=params)
    enforced = enforce(data, promised.inputs), enforce_params(params, promised.params)
    if view.document.python_function:
        predict = FLAVORS[name].predictor(model, view)
        answer = Predictor(view, flavor=name, model=model, predict=predict).run(*enforced)
        if view.signature is None:
            promised = replace(promised, outputs=infer_signature(None, answer).outputs)
    written.write(view.path)
    return replace(
        view,
        document=replace(view.document, signature=promised, saved_input_example_info=written.info),
    )


def _dated(document: Document, folder: Path) -> Document:
    return replace(
        document,
        model_size_bytes=sum(path.stat().st_size for path in walk(folder)),
        model_uuid=uuid.uuid4().hex,
        mlflow_version=layout.FORMAT_VERSION,
        # Without a zone, as MLflow writes and reads it.
        utc_time_created=datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"),
    )


def _requirements(view: ModelDirectory, name: str) -> list[str]:
    """What the saved model imports; found out in a process of its own when the model has code of its own."""
    mentioned = FLAVORS[name].mentions(view)
    has_code = "code" in FLAVORS[name].needs(view) or CODE_INSIDE in mentioned
    if (
        has_code
        and (seen := rehearsal.rehearse(view.path, timeout=rehearsal.timeout_of(os.environ))) is not None
    ):
        return infer(mentioned | seen.direct, seen.imported)
    # Of what the file names, all that this process has imported: it made the model, or just asked it.
    return infer(mentioned, list(sys.modules))
