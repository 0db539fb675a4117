"""The facts of a saved model, found out without running any of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from modelpack.addresses import without_password
from modelpack.directory import ModelDirectory, environment, layout
from modelpack.directory.manifest import Manifest
from modelpack.engines.certificate import Certificate, certificate_of
from modelpack.errors import DamagedModel, InvalidModel, MissingDependency, ModelpackError, shorten
from modelpack.files import sha256
from modelpack.flavors import FLAVORS, choose
from modelpack.schema import Signature

_FORMATS = ("serialization_format", "model_format", "save_format")
_FILES = ("pickled_model", "python_model", "model_path", "data", "model_code_path", "model_data")
_OTHERS = ("python_version", "cloudpickle_version")
"""Versions of what is not the flavor's library."""


@dataclass
class File:
    """*size* in bytes and *sha256* as recorded; *state* is ``ok``, ``changed``, ``missing`` or ``extra``."""

    size: int
    sha256: str
    state: str = "ok"


@dataclass(frozen=True)
class FlavorEntry:
    """One of the document's flavors, and what its entries say of the *version* of its library and so on."""

    name: str
    version: str | None
    format: str | None
    file: str | None


@dataclass
class Facts:
    """What is known of a model: *needs* are words of trust that loading takes, *problems* what is wrong.

    *size* is that of all files. *certified* are the methods that the ONNX form may answer; None without a
    parity facts.
    """

    path: str
    digest: str = ""
    has_manifest: bool = False
    size: int = 0
    flavor: str | None = None
    needs: tuple[str, ...] | None = None
    certified: tuple[str, ...] | None = None
    certificate: Certificate | None = None
    python: str | None = None
    requirements: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    problems: list[str] = field(default_factory=list)
    flavors: list[FlavorEntry] = field(default_factory=list)
    files: dict[str, File] = field(default_factory=dict)
    signature: dict[str, Any] | None = None
    document: dict[str, Any] = field(default_factory=dict)


def examine(directory: ModelDirectory) -> Facts:
    """The facts of *directory*; what cannot be told, and why, is among the problems."""
    document = directory.document
    facts = Facts(
        path=str(directory.path),
        has_manifest=directory.has_manifest,
        flavors=[_flavor(name, entries) for name, entries in document.flavors.items()],
        document={
            "flavors": document.flavors,
            "metadata": document.metadata,
            "mlflow_version": document.mlflow_version,
            "model_id": document.model_id,
            "model_uuid": document.model_uuid,
            "run_id": document.run_id,
            "saved_input_example_info": document.saved_input_example_info,
            "utc_time_created": document.utc_time_created,
        },
    )
    for learn in (_learn_signature, _learn_files, _learn_environment, _learn_certificate, _learn_trust):
        try:
            learn(facts, directory)
        except ModelpackError as error:
            facts.problems.append(str(error))
    return facts


def _learn_signature(facts: Facts, directory: ModelDirectory) -> None:
    try:
        facts.signature = _parsed(directory.signature)
    except msgspec.DecodeError:
        # The one thing that Python reads of JSON, and nobody else.
        raise InvalidModel("the signature holds half a surrogate pair, which no request can name") from None


def _learn_files(facts: Facts, directory: ModelDirectory) -> None:
    recorded, found = _recorded(facts, directory), []
    if recorded is None:
        recorded = Manifest.of(directory.path)
    else:
        found = recorded.compare(directory.path)
    facts.digest = recorded.digest
    facts.files = {name: File(one.size, one.sha256) for name, one in recorded.files.items()}
    for what, name in found:
        if what == "extra":
            path = directory.file(name)
            facts.files[name] = File(path.stat().st_size, sha256(path))
        facts.files[name].state = what
    facts.size = sum(one.size for one in facts.files.values() if one.state != "missing")
    if found:
        raise DamagedModel(directory.path, found)


def _recorded(facts: Facts, directory: ModelDirectory) -> Manifest | None:
    """The manifest; that there is none where there was one, or no proper one, is a problem."""
    if not facts.has_manifest and directory.document.writer:
        facts.problems.append(str(DamagedModel(directory.path, [("missing", layout.MANIFEST)])))
    try:
        return directory.manifest
    except DamagedModel as error:
        facts.problems.append(str(error))
        facts.has_manifest = False
        return None


def _learn_environment(facts: Facts, directory: ModelDirectory) -> None:
    found = environment.read(directory.path, sources=True)
    facts.python, facts.requirements = found.python, found.requirements
    facts.constraints = found.constraints
    facts.sources = tuple(map(without_password, found.sources))
    if facts.sources:
        line = shorten(repr(facts.sources[0]), 100)
        facts.problems.append(
            f"the model says where packages come from, in {line}, which is the operator's to say"
        )


def _learn_certificate(facts: Facts, directory: ModelDirectory) -> None:
    facts.certificate = certificate_of(directory)
    if facts.certificate is not None:
        methods = facts.certificate.methods
        facts.certified = tuple(name for name, one in methods.items() if one.answers)


def _learn_trust(facts: Facts, directory: ModelDirectory) -> None:
    try:
        facts.flavor = choose(directory.document)
        facts.needs = FLAVORS[facts.flavor].needs(directory)
    except MissingDependency as error:
        facts.problems.append(f"what loading would have to trust is not known: {error}")


def _flavor(name: str, entries: Mapping[str, Any]) -> FlavorEntry:
    def said(keys: "tuple[str, ...]") -> str | None:
        found = next((entries[key] for key in keys if entries.get(key) is not None), None)
        return None if found is None else str(found)

    versions = tuple(key for key in entries if key.endswith("_version") and key not in _OTHERS)
    return FlavorEntry(name, said(versions), said(_FORMATS), said(_FILES))


def _parsed(signature: Signature | None) -> dict[str, Any] | None:
    if signature is None:
        return None
    return {
        name: None if text is None else msgspec.json.decode(text)
        for name, text in signature.to_dict().items()
    }
