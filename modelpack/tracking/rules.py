"""What may be logged: names, keys, values, how many at a time. MLflow 3.17's limits; nothing is cut short."""

import math
import numbers
import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from modelpack.errors import InvalidName, shorten
from modelpack.registry.names import is_storable
from modelpack.tracking.records import MODEL_STATUSES, STATUSES, DatasetInput, Metric, ModelStatus, Status

LONGEST_NAME: Final = 500
LONGEST_KEY: Final = 250
LONGEST_PARAM: Final = 6_000
LONGEST_TAG: Final = 8_000
LONGEST_EXPERIMENT_TAG: Final = 20_000
MOST_METRICS: Final = 1_000
MOST_PARAMS: Final = 100
MOST_TAGS: Final = 100
MOST_ENTITIES: Final = 1_000
"""Of all three kinds in one batch."""
LONGEST_MODEL_KEY: Final = 255
LONGEST_MODEL_VALUE: Final = 100_000
MOST_OF_MODEL: Final = 1_000
"""Params, or tags, of a logged model in one call."""
LONGEST_INPUT_TAG_KEY: Final = 255
LONGEST_INPUT_TAG: Final = 500
LONGEST_OF_DATASET: Final = {
    "name": 500,
    "digest": 36,
    "source_type": 36,
    "source": 65_535,
    "schema": 1_048_575,
    "profile": 16_777_215,
}
LARGEST_INTEGER: Final = 2**63 - 1

_KEY = re.compile(r"[\w./\-: ]+")
_BAD_IN_MODEL_NAME: Final = frozenset("/:.%\"'")
_RUN_ID = re.compile(r"[0-9a-zA-Z][\w\-]{0,255}", re.ASCII)


def require_experiment_name(name: str) -> str:
    """*name*, if an experiment may bear it."""
    _require_text("experiment name", name, LONGEST_NAME)
    if not name.strip():
        raise InvalidName("an experiment's name is blank; give it one that people will know it by")
    return name


def require_key(kind: str, key: str) -> str:
    """*key*, if a param, metric or tag (*kind*) may bear it: letters, digits, ``_ - . : / `` and blanks."""
    _require_text(f"{kind} key", key, LONGEST_KEY)
    if not _KEY.fullmatch(key):
        raise InvalidName(
            f"the {kind} key {shorten(repr(key), 80)} may hold letters, digits, '_', '-', '.', ':', '/' and "
            "blanks, and at least one"
        )
    if posixpath.normpath(key) != key or key.startswith(("/", "..")) or key == ".":
        raise InvalidName(f"the {kind} key {shorten(repr(key), 80)} reads as a path that leads elsewhere")
    return key


def require_params(params: Mapping[str, Any]) -> dict[str, str]:
    """*params* as text, if each may be logged."""
    _require_count("params", len(params), MOST_PARAMS)
    return {require_key("param", key): _text("param", key, value) for key, value in params.items()}


def require_tags(tags: Mapping[str, Any], *, longest: int = LONGEST_TAG) -> dict[str, str]:
    """*tags* as text, if each may be set."""
    _require_count("tags", len(tags), MOST_TAGS)
    return {require_key("tag", key): _text("tag", key, value, longest) for key, value in tags.items()}


def require_metrics(metrics: Iterable[Metric]) -> list[Metric]:
    """*metrics*, if each may be logged; values become floats."""
    found = [_metric(one) for one in metrics]
    _require_count("metrics", len(found), MOST_METRICS)
    return found


def require_batch(metrics: int, params: int, tags: int) -> None:
    """Refuse more than a batch may hold."""
    _require_count("metrics, params and tags", metrics + params + tags, MOST_ENTITIES)


def require_status(status: str) -> Status:
    """The status that *status* names."""
    for known in STATUSES:
        if status == known:
            return known
    raise InvalidName(f"{shorten(repr(status), 60)} is no status of a run; they are {', '.join(STATUSES)}")


def require_time(what: str, value: int) -> int:
    """*value*, if it is milliseconds since 1970."""
    return _whole(what, value, lowest=0)


def require_run_name(name: str) -> str:
    """*name*, if a run may bear it."""
    return _require_text("run name", name, LONGEST_TAG)


def require_model_name(name: str) -> str:
    """*name*, if a logged model may bear it: not blank, without ``/ : . % " '``."""
    _require_text("model name", name, LONGEST_NAME)
    if not name.strip() or _BAD_IN_MODEL_NAME & set(name):
        raise InvalidName(
            f"Invalid model name ({shorten(repr(name), 80)}) provided. Model name must be a non-empty string "
            "and cannot contain the following characters: ('/', ':', '.', '%', '\"', \"'\")"
        )
    return name


def require_model_texts(kind: str, given: Mapping[str, Any]) -> dict[str, str]:
    """*given*, params or tags of a logged model, as text; MLflow asks less of their keys than of a run's."""
    _require_count(f"{kind}s", len(given), MOST_OF_MODEL)
    found = {}
    for key, value in given.items():
        _require_text(f"{kind} key", key, LONGEST_MODEL_KEY)
        if not key.strip():
            raise InvalidName(f"a {kind}'s key is blank; give it a name")
        found[key] = _text(kind, key, value, LONGEST_MODEL_VALUE)
    return found


def require_model_status(status: str) -> ModelStatus:
    """The status of a logged model that *status* names, with or without ``LOGGED_MODEL_``."""
    found = model_status(status)
    if found is None:
        known = ", ".join(MODEL_STATUSES)
        raise InvalidName(f"{shorten(repr(status), 60)} is no status of a logged model; they are {known}")
    return found


def model_status(text: str) -> ModelStatus | None:
    """The status that *text* means: MLflow's clients also say READY, PENDING and FAILED."""
    whole = {"FAILED": "UPLOAD_FAILED"}.get(text, text)
    return next((one for one in MODEL_STATUSES if whole in (one, one.removeprefix("LOGGED_MODEL_"))), None)


def require_model_link(model_id: str, step: int) -> tuple[str, int]:
    """*model_id* and *step*, if a run may have used or made such a model."""
    if not is_run_id(model_id):
        raise InvalidName(f"{shorten(repr(model_id), 60)} is no id of a logged model")
    return model_id, _whole("step of a model", step, lowest=-LARGEST_INTEGER)


def require_short_text(what: str, text: str) -> str:
    """*text* of at most 500 characters."""
    return _require_text(what, text, LONGEST_NAME)


def require_dataset_input(given: DatasetInput) -> dict[str, str]:
    """The tags of *given* as text, if a run may have used such a dataset."""
    for name, longest in LONGEST_OF_DATASET.items():
        text = _require_text(f"{name} of a dataset", getattr(given.dataset, name), longest)
        if name in ("name", "digest") and not text:
            raise InvalidName(f"a dataset without a {name} cannot be told from others; give it one")
    _require_count("tags", len(given.tags), MOST_TAGS)
    tags = {}
    for key, value in given.tags.items():
        _require_text("key of an input tag", key, LONGEST_INPUT_TAG_KEY)
        tags[key] = _text("input tag", key, value, LONGEST_INPUT_TAG)
    return tags


def is_run_id(text: str) -> bool:
    """Whether *text* can be a run's id at all."""
    return _RUN_ID.fullmatch(text) is not None


def number(key: str, value: Any) -> float:
    """*value* as a float, exactly: a number, a numpy scalar, or an array of one element."""
    if isinstance(value, bool) or (not isinstance(value, numbers.Real) and not hasattr(value, "item")):
        raise _no_number(key, value)
    try:
        plain = value if isinstance(value, int | float) else value.item() if hasattr(value, "item") else value
        result = float(plain)
    except (TypeError, ValueError, OverflowError) as error:
        raise _no_number(key, value) from error
    if isinstance(plain, int) and not isinstance(plain, bool) and int(result) != plain:
        raise InvalidName(f"the metric {shorten(repr(key), 60)} is {plain}, which no float holds exactly")
    return result


def _metric(one: Metric) -> Metric:
    value = one.value if type(one.value) is float else number(one.key, one.value)
    require_key("metric", one.key)
    timestamp = _whole("timestamp of a metric", one.timestamp, lowest=0)
    step = _whole("step of a metric", one.step, lowest=-LARGEST_INTEGER)
    if one.model_id or one.dataset_name or one.dataset_digest:
        _require_measured(one)
    if value is one.value and timestamp is one.timestamp and step is one.step:
        return one
    return replace(one, value=value, timestamp=timestamp, step=step)


def _require_measured(one: Metric) -> None:
    _require_text("model id of a metric", one.model_id, LONGEST_KEY)
    _require_text("dataset name of a metric", one.dataset_name, LONGEST_OF_DATASET["name"])
    _require_text("dataset digest of a metric", one.dataset_digest, LONGEST_OF_DATASET["digest"])


def _no_number(key: str, value: Any) -> InvalidName:
    kind = type(value).__name__
    return InvalidName(
        f"the metric {shorten(repr(key), 60)} wants a number, not {kind} {shorten(repr(value), 60)}"
    )


def _whole(what: str, value: Any, *, lowest: int) -> int:
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        is_whole = isinstance(value, float) and math.isfinite(value) and value.is_integer()
        if not is_whole:
            raise InvalidName(f"the {what} is a whole number, not {shorten(repr(value), 60)}")
    if not lowest <= value <= LARGEST_INTEGER:
        raise InvalidName(f"the {what} is a number from {lowest} to {LARGEST_INTEGER}, not {value}")
    return int(value)


def _text(kind: str, key: str, value: Any, longest: int = LONGEST_PARAM) -> str:
    return _require_text(f"{kind} {shorten(repr(key), 60)}", str(value), longest)


def _require_text(what: str, text: Any, longest: int) -> str:
    if not isinstance(text, str):
        raise InvalidName(f"the {what} is text, not {type(text).__name__}")
    if len(text) > longest:
        raise InvalidName(f"the {what} holds {len(text)} characters; at most {longest} are allowed")
    if not is_storable(text):
        raise InvalidName(f"the {what} holds a NUL or half of a character; leave it out")
    return text


def _require_count(what: str, met: int, most: int) -> None:
    if met > most:
        raise InvalidName(f"a batch holds at most {most} {what}, not {met}; send it in parts")
