"""Parameters of a prediction: their declaration, and callers held to it."""

import copy
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from modelpack.errors import InvalidSchema, SchemaMismatch, shorten
from modelpack.schema._cells import is_nothing, read_cell
from modelpack.schema._refusal import Refused, describe
from modelpack.schema._scalars import proper_text, read_scalar
from modelpack.schema.dtypes import DataType, Object, type_from_json, type_to_json
from modelpack.schema.rules import Coerce, Rules

logger = logging.getLogger(__name__)

_LIST = (-1,)


@dataclass(frozen=True, slots=True)
class ParamSpec:
    """A parameter with its default.

    *shape* is None for one value (or one object) and ``(-1,)`` for a list. The *default* is held to the type
    and kept as a Python value, as MLflow does; None is a default of every type. Raises InvalidSchema.
    """

    name: str
    type: DataType | Object
    default: Any
    shape: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        shape = None if self.shape is None else tuple(self.shape)
        called = f"the param {shorten(repr(self.name), 80)}"
        if self.type is DataType.binary:
            raise InvalidSchema(f"{called} is binary, which params cannot be; use text")
        if shape is not None and (shape != _LIST or isinstance(self.type, Object)):
            raise InvalidSchema(
                f"{called} has the shape {shorten(str(shape), 40)}; use none, or [-1] for a list"
            )
        object.__setattr__(self, "shape", shape)
        try:
            object.__setattr__(self, "default", read_param(self.default, self, coerce="lossless"))
        except SchemaMismatch as error:
            raise InvalidSchema(shorten(f"the default does not fit: {error}")) from None

    def to_json(self) -> dict[str, Any]:
        """As MLflow 3.17 writes it, keys in its order."""
        shape = None if self.shape is None else list(self.shape)
        return {"name": self.name, "default": _plain(self.default), "shape": shape, **type_to_json(self.type)}

    @classmethod
    def from_json(cls, document: object) -> "ParamSpec":
        """Read what any MLflow since 2.6 has written, the old key ``dtype`` too; raises InvalidSchema."""
        if not isinstance(document, Mapping) or "name" not in document or "default" not in document:
            raise InvalidSchema("a param is an object with name, default and type")
        type_ = type_from_json({**document, "type": document.get("type") or document.get("dtype")})
        if not isinstance(type_, DataType | Object):
            raise InvalidSchema(f"a param is a single value, a list or an object, not {type_}")
        shape = document.get("shape")
        if shape is not None and not isinstance(shape, list | tuple):
            raise InvalidSchema(f"the shape of a param is null or [-1], not {shorten(repr(shape), 60)}")
        return cls(str(document["name"]), type_, document["default"], None if shape is None else tuple(shape))


def enforce_params(
    given: Mapping[str, Any] | None, specs: Sequence[ParamSpec], *, coerce: Coerce = "lossless"
) -> dict[str, Any]:
    """A value for each of *specs*: the *given* one, held to its type, or its default.

    Values may be Python's or what a JSON parser gives; points in time may be ISO 8601 text. None stands for
    no value and fits every type. Raises SchemaMismatch for a value outside its type and, but for
    ``coerce="mlflow"``, for a name that the signature does not know; MLflow drops those.
    """
    known = {spec.name: spec for spec in specs}
    params = _named(given, lenient=coerce == "mlflow")
    unknown = [name for name in params if name not in known]
    if unknown and coerce != "mlflow":
        wanted = f"params named {', '.join(known)}" if known else "no params (the signature has none)"
        raise SchemaMismatch(
            f"param {shorten(repr(unknown[0]), 60)}", wanted=wanted, got="a name beside them"
        )
    if unknown:
        logger.warning("params ignored", extra={"params": [shorten(name, 60) for name in unknown[:20]]})
    return {
        name: read_param(params[name], spec, coerce=coerce) if name in params else copy.deepcopy(spec.default)
        for name, spec in known.items()
    }


def _named(given: object, *, lenient: bool) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise SchemaMismatch("params", wanted="an object of names and values", got=describe(given))
    for name in given:
        if not isinstance(name, str) and not lenient:
            raise SchemaMismatch("params", wanted="names that are text", got=describe(name))
    return {str(name): value for name, value in given.items()}


def read_param(value: Any, spec: ParamSpec, *, coerce: Coerce) -> Any:
    """*value* as *spec* declares it, in Python's own types; raises SchemaMismatch."""
    what = f"param {shorten(repr(spec.name), 60)}"
    try:
        if isinstance(spec.type, Object):
            # Held to the type, but handed on as it came, as MLflow does.
            read_cell(value, spec.type, required=False, rules=Rules("json", coerce))
            return copy.deepcopy(value)
        if spec.shape is None:
            return _scalar(value, spec.type)
        return [_scalar(one, spec.type) for one in _elements(value, spec.type)]
    except Refused as refusal:
        raise SchemaMismatch(what + refusal.inside, wanted=refusal.wanted, got=refusal.got) from None


def _elements(value: Any, type_: DataType) -> Sequence[Any]:
    if isinstance(value, np.ndarray) and value.ndim == 1:
        return list(value)
    if isinstance(value, list | tuple):
        return value
    raise Refused(f"a list of {type_}", describe(value))


def _scalar(value: Any, type_: DataType) -> Any:
    if value is None:
        return None
    return _READERS[type_](value)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise Refused(DataType.boolean, describe(value))


def _integer(value: Any) -> int:
    return int(read_scalar(value, DataType.integer, _STRICT))


def _long(value: Any) -> int:
    return int(read_scalar(value, DataType.long, _STRICT))


def _float(value: Any) -> float:
    # A parameter is a Python float: 0.1 stays 0.1, but must not be beyond what the type can hold.
    wide = _double(value)
    if np.isfinite(wide) and abs(wide) > float(np.finfo(np.float32).max):
        raise Refused(f"{DataType.float} (at most 3.4e38)", describe(value))
    return wide


def _double(value: Any) -> float:
    return float(read_scalar(value, DataType.double, _STRICT))


def _string(value: Any) -> str:
    if isinstance(value, str):
        return proper_text(value)
    raise Refused(DataType.string, describe(value))


def _datetime(value: Any) -> date:
    """A ``datetime`` without zone (UTC), or a ``date`` where only a day was given."""
    if is_nothing(value):
        raise Refused(DataType.datetime, describe(value))
    if isinstance(value, str):
        return _datetime_of_text(value)
    if isinstance(value, np.datetime64):
        # Units finer than a microsecond have no Python value, unless nothing stands behind it.
        moment = value.item() if isinstance(value.item(), date) else value.astype("datetime64[us]").item()
        if isinstance(moment, date) and np.datetime64(moment) == value:
            return moment
    if isinstance(value, datetime):
        plain = datetime.combine(value.date(), value.timetz())
        return plain if plain.tzinfo is None else plain.astimezone(UTC).replace(tzinfo=None)
    if isinstance(value, date):
        return value
    raise Refused(DataType.datetime, describe(value))


def _datetime_of_text(text: str) -> date:
    try:
        if len(text) == len("2024-01-31"):
            return date.fromisoformat(text)
        if text[4:5] == "-" and text[10:11] in ("T", " "):
            return _datetime(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        pass
    raise Refused("datetime (ISO 8601 text)", describe(text))


_STRICT = Rules("python")
_READERS: dict[DataType, Callable[[Any], Any]] = {
    DataType.boolean: _boolean,
    DataType.integer: _integer,
    DataType.long: _long,
    DataType.float: _float,
    DataType.double: _double,
    DataType.string: _string,
    DataType.datetime: _datetime,
}


def _plain(value: Any) -> Any:
    """*value* as JSON has it."""
    match value:
        case Mapping():
            return {name: _plain(one) for name, one in value.items()}
        case list() | tuple() | np.ndarray():
            return [_plain(one) for one in value]
        case date():
            return value.isoformat()
        case np.generic():
            return value.item()
    return value
