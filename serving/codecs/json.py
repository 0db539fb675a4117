"""``application/json``: MLflow's four ways to write a table or a tensor."""

from collections.abc import Callable
from typing import Any, ClassVar

from modelpack.errors import shorten
from modelpack.schema import Schema, Signature, enforce_params, wire
from serving import contract
from serving.codecs import Payload, _strict, count_rows
from serving.codecs._encode import encode
from serving.codecs._fast import FastJson
from serving.errors import InvalidRequest
from serving.settings import Coerce

_Reader = Callable[[Any, Schema | None, Coerce], Any]


class JsonCodec:
    """A JSON object with one of ``dataframe_split``, ``dataframe_records``, ``instances``, ``inputs``.

    ``params`` may stand beside it; other keys are ignored, as MLflow 3.17 does (``signature_name``).
    """

    media_types: ClassVar[tuple[str, ...]] = (contract.JSON,)

    def __init__(self, *, coerce: Coerce, depth_limit: int) -> None:
        self._coerce = coerce
        self._depth_limit = depth_limit

        self._fast: FastJson | None = None

    def decode(self, body: bytes, signature: Signature) -> Payload:
        """Read *body* and hold it to *signature*; raises InvalidRequest or SchemaMismatch.

        What the last signature needed is kept: a server's requests are for one model after another, at most.
        """
        fast = self._fast
        if fast is None or fast.signature is not signature:
            fast = self._fast = FastJson(
                signature,
                coerce=self._coerce,
                depth_limit=self._depth_limit,
                exact=lambda body: self.decode_exactly(body, signature),
            )
        return fast.decode(body)

    def decode_exactly(self, body: bytes, signature: Signature) -> Payload:
        """As ``decode``, which comes here with all that is not quite ordinary."""
        request = _strict.parse(body, depth_limit=self._depth_limit)
        if not isinstance(request, dict):
            raise InvalidRequest(f"the body must be a JSON object with one of {_NAMES}")
        given = [name for name in _READERS if name in request]
        if len(given) != 1:
            met = f"has {' and '.join(given)}" if given else "has none"
            raise InvalidRequest(f"the body must have exactly one of {_NAMES}; it {met}")
        data = _READERS[given[0]](request[given[0]], signature.inputs, self._coerce)
        params = enforce_params(_params(request), signature.params, coerce=self._coerce)
        return Payload(data, params, count_rows(data))

    def encode(self, result: Any) -> bytes:
        """``{"predictions": …}``; raises UnencodableResult."""
        return encode(result)


def _params(request: dict[str, Any]) -> dict[str, Any] | None:
    params = request.get("params")
    if params is not None and not isinstance(params, dict):
        raise InvalidRequest(f"params must be a JSON object, not {_kind(params)}")
    return params


def _read_split(split: Any, schema: Schema | None, coerce: Coerce) -> Any:
    if not isinstance(split, dict):
        raise InvalidRequest(f"dataframe_split must be an object with data and columns, not {_kind(split)}")
    foreign = [key for key in split if key not in {"data", "columns", "index"}]
    if foreign:
        met = shorten(repr(foreign[0]), 60)
        raise InvalidRequest(f"dataframe_split has data, columns and index only; it has {met}")
    rows = split.get("data")
    if not isinstance(rows, list):
        raise InvalidRequest("dataframe_split must have data: a list of rows")
    names = split.get("columns")
    if names is not None and not isinstance(names, list):
        raise InvalidRequest("columns of dataframe_split must be a list of names")
    _check_index(split.get("index"), len(rows))
    return wire.table_from_rows(rows, names, schema, coerce=coerce)


def _check_index(index: Any, rows: int) -> None:
    """The labels of the rows go nowhere; but labels that do not fit are a sign of a broken sender."""
    if index is None:
        return
    if not isinstance(index, list) or any(isinstance(label, dict | list) for label in index):
        raise InvalidRequest("index of dataframe_split must be a list of labels")
    if len(index) != rows:
        raise InvalidRequest(f"index of dataframe_split has {len(index)} labels for {rows} rows")


def _read_records(records: Any, schema: Schema | None, coerce: Coerce) -> Any:
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise InvalidRequest("dataframe_records must be a list of objects, one for each row")
    return wire.table_from_records(records, schema, coerce=coerce)


def _read_instances(instances: Any, schema: Schema | None, coerce: Coerce) -> Any:
    return wire.instances_from_json(instances, schema, coerce=coerce)


def _read_inputs(inputs: Any, schema: Schema | None, coerce: Coerce) -> Any:
    return wire.inputs_from_json(inputs, schema, coerce=coerce)


_READERS: dict[str, _Reader] = {
    "dataframe_split": _read_split,
    "dataframe_records": _read_records,
    "instances": _read_instances,
    "inputs": _read_inputs,
}
_NAMES = ", ".join(_READERS)


def _kind(value: Any) -> str:
    kinds = {bool: "true or false", str: "text", list: "a list", dict: "an object", type(None): "null"}
    return kinds.get(type(value), "a number")
