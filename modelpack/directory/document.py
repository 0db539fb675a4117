"""The ``MLmodel`` document as a frozen value: text in, text out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from pathlib import Path
from typing import Any

from modelpack.directory import layout, strictyaml
from modelpack.errors import InvalidModel, InvalidSchema, shorten
from modelpack.schema import Signature

PYTHON_FUNCTION = "python_function"
"""The entry that MLflow serves; the others tell how to get the native model back."""

OWN = "modelpack"
"""The key of ``metadata`` that is ours."""

_TEXTS = ("artifact_path", "mlflow_version", "model_id", "model_uuid", "run_id", "utc_time_created")
_FLAGS = ("is_signature_from_type_hint", "type_hint_from_example")
_MAPPINGS = ("metadata", "saved_input_example_info")


@dataclass(frozen=True, kw_only=True)
class Document:
    """What ``MLmodel`` says, in the keys of MLflow 3.17; forms down to MLflow 1.x are read.

    *flavors* maps a flavor to its entries. *extra* keeps the keys that this version does not know.
    """

    flavors: Mapping[str, Mapping[str, Any]]
    signature: Signature | None = None
    metadata: Mapping[str, Any] | None = None
    saved_input_example_info: Mapping[str, Any] | None = None
    artifact_path: str | None = None
    run_id: str | None = None
    model_id: str | None = None
    model_uuid: str | None = None
    model_size_bytes: int | None = None
    mlflow_version: str | None = None
    utc_time_created: str | None = None
    is_signature_from_type_hint: bool = False
    type_hint_from_example: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "Document":
        """Read the file *path*; raises InvalidModel. Nothing that it names is imported or opened."""
        if not path.is_file():
            raise InvalidModel(f"{path.parent} holds no {layout.DOCUMENT}; a model directory has one")
        values = strictyaml.read(path)
        known = {one.name for one in fields(cls)} - {"extra"}
        extra = {key: value for key, value in values.items() if key not in known}
        given = {key: value for key, value in values.items() if key in known and value is not None}
        given["flavors"] = _flavors(values.get("flavors"))
        given |= {key: _text(given[key], key) for key in _TEXTS if key in given}
        for keys, type_, wanted in (
            (_MAPPINGS, dict, "a mapping"),
            (_FLAGS, bool, "true or false"),
            (("model_size_bytes",), int, "a whole number"),
        ):
            for key in keys:
                if key in given and type(given[key]) is not type_:
                    raise _wrong(key, wanted)
        if "signature" in given:
            given["signature"] = _signature(given["signature"])
        return cls(**given, extra=extra)

    def text(self) -> str:
        """The YAML that MLflow 3.17 would write: sorted keys, block style, no key that holds nothing."""
        values: dict[str, Any] = {
            **self.extra,
            "flavors": {name: dict(one) for name, one in self.flavors.items()},
        }
        for key in (*_TEXTS, *_MAPPINGS, "model_size_bytes"):
            if (value := getattr(self, key)) is not None:
                values[key] = value
        # MLflow 3 writes these two though they are empty.
        values.setdefault("model_id", None)
        values.setdefault("prompts", None)
        if self.signature is not None:
            values["signature"] = self.signature.to_dict()
            values |= {key: getattr(self, key) for key in _FLAGS}
        return strictyaml.write(values)

    @property
    def python_function(self) -> Mapping[str, Any]:
        """The entries of the flavor that MLflow serves; empty where there is none."""
        return self.flavors.get(PYTHON_FUNCTION, {})

    @property
    def writer(self) -> str | None:
        """The version of modelpack that wrote this, or None when something else did."""
        own = (self.metadata or {}).get(OWN)
        version = own.get("version") if isinstance(own, dict) else None
        return version if isinstance(version, str) else None


def plain(value: object, where: str = "metadata", depth: int = 0) -> Any:
    """*value* as YAML can hold it: text, numbers, booleans, None, dates, lists and mappings with text keys.

    Raises InvalidModel, naming the place as *where*, for anything else.
    """
    if value is None or type(value) in (bool, datetime, date):
        return value
    for type_ in (str, int, float):
        # A subclass, numpy's float64 for one, becomes what it is a kind of.
        if isinstance(value, type_):
            return type_(value)
    if depth > strictyaml.DEEPEST // 2:
        raise InvalidModel(f"{shorten(where, 120)} is nested too deep for {layout.DOCUMENT}")
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise InvalidModel(f"{shorten(where, 120)} has a key that is not text; write it as text")
        return {str(key): plain(one, f"{where}.{key}", depth + 1) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one, f"{where}[{place}]", depth + 1) for place, one in enumerate(value)]
    raise InvalidModel(
        f"{shorten(where, 120)} is a {type(value).__name__}; {layout.DOCUMENT} holds text, numbers, dates, "
        "lists and mappings"
    )


def _flavors(value: object) -> dict[str, dict[str, Any]]:
    if not isinstance(value, dict) or not value:
        raise _wrong("flavors", "a mapping of flavors to their entries")
    for name, entries in value.items():
        if not isinstance(name, str) or not isinstance(entries, dict):
            raise _wrong(f"flavors.{name}", "a mapping of names to values")
        if not all(isinstance(key, str) for key in entries):
            raise _wrong(f"flavors.{name}", "a mapping of names to values")
    return value


def _text(value: object, key: str) -> str:
    # Unquoted, a moment or a version is a date or a number to YAML.
    if isinstance(value, bool) or not isinstance(value, str | int | float | date):
        raise _wrong(key, "text")
    return str(value)


def _signature(value: object) -> Signature:
    if not isinstance(value, str | dict):
        raise _wrong("signature", "a mapping or JSON text")
    try:
        return Signature.from_dict(value)
    except InvalidSchema as error:
        raise InvalidModel(shorten(f"the signature in {layout.DOCUMENT} cannot be read: {error}")) from None


def _wrong(key: str, wanted: str) -> InvalidModel:
    return InvalidModel(f"{shorten(repr(key), 80)} in {layout.DOCUMENT} must be {wanted}")
