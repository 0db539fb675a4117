"""What a model is asked before anybody else asks: libraries put much off until the first call."""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from modelpack.errors import shorten
from serving._rows import join, layout_of
from serving.batching import Predict
from serving.codecs import Payload
from serving.codecs.json import JsonCodec
from serving.dataplane import answer
from serving.models import Served
from serving.openapi import example_request

logger = logging.getLogger(__name__)

QUICK_SECONDS = 0.001
"""A call of up to so long may keep the event loop: going to a thread and back takes a tenth of it, and more
when the loop and the thread contend for the interpreter."""

_REPEATED = (1, 4, 16, 64, 256)
_TIMES = 3


def warm(served: Served, *, clock: Callable[[], float] = time.perf_counter) -> None:
    """Ask *served* for its own example; a fast engine is also timed, to see for how many rows it is fast."""
    example = example_request(served)
    if example is None:
        return
    codec = JsonCodec(coerce="lossless", depth_limit=64)
    body = orjson.dumps(example)
    try:
        answer(served, codec, body)
        if (quick := served.lane.quick) is not None:
            served.lane.quick_rows = count_quick_rows(
                quick, codec.decode(body, served.signature), clock=clock
            )
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the model's code, which may raise anything
        facts = {"reason": shorten(f"{type(error).__name__}: {error}")}
        logger.info("the model does not answer the example", extra=facts)


def count_quick_rows(quick: Predict, payload: Payload, *, clock: Callable[[], float]) -> int:
    """The most rows, of some counts, that *quick* answers in QUICK_SECONDS; 0 for none.

    *payload* is a request that it answers; its rows are repeated.
    """
    found = 0
    for times in _REPEATED if layout_of(payload.data) is not None else (1,):
        data = payload.data if times == 1 else join([payload.data] * times)
        if min(_timed(quick, data, payload.params, clock) for _ in range(_TIMES)) > QUICK_SECONDS:
            break
        found = times * payload.rows
    return found


def _timed(quick: Predict, data: Any, params: Mapping[str, Any], clock: Callable[[], float]) -> float:
    start = clock()
    quick(data, params)
    return clock() - start
