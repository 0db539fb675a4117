"""Which of the forms of an answer a caller wants."""

import re
from collections.abc import Sequence

from serving import contract

_WEIGHT = re.compile(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", re.IGNORECASE)


def prefers(media_type: str, accept: Sequence[bytes]) -> bool:
    """Whether the *accept* headers name *media_type*, and JSON with no more weight (RFC 9110 section 12.5.1).

    JSON is what everybody else gets: many clients send any Accept header, and mean nothing by it.
    """
    weights = dict(_weighed(part) for value in accept for part in value.decode("latin-1").split(","))
    weight = weights.get(media_type, 0.0)
    return weight > 0 and weight >= weights.get(contract.JSON, 0.0)


def _weighed(part: str) -> tuple[str, float]:
    media_type, *parameters = (word.strip() for word in part.split(";"))
    found = [match for match in map(_WEIGHT.fullmatch, parameters) if match]
    return media_type.lower(), float(found[-1][1]) if found else 1.0
