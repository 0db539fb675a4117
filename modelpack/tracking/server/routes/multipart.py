"""Large files in parts, as clients send them that ``MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD`` tells to."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from modelpack.errors import InvalidName, NotFound, shorten
from modelpack.tracking.server.bodies import read_json
from modelpack.tracking.server.bucket_root import BucketRoot
from modelpack.tracking.server.call import Call
from modelpack.tracking.server.dispatch import given_in_body
from modelpack.tracking.server.errors import NotImplementedHere
from modelpack.tracking.server.exchange import exchange_of
from modelpack.tracking.server.multipart import (
    LARGEST_PART,
    MOST_PARTS,
    SIGNED_SECONDS,
    UNSUPPORTED,
    FolderUploads,
    Sent,
    uploads_of,
)
from modelpack.tracking.server.parts import Parts
from modelpack.tracking.server.paths import require_folder, require_path
from modelpack.tracking.server.receiving import receive
from modelpack.tracking.server.routes.artifacts import PLACES, told

_Work = Callable[[Call], Mapping[str, Any]]
_OF_SOMETHING: Final = "artifacts"
"""A folder on the way to every file of a run or of a logged model."""
_PARTS: Final = f"{PLACES[0]}/mpu/part"


def routes(parts: Parts) -> list[Route]:
    """Begin, complete and give up an upload; one part of it; the address of a file in a bucket."""
    files, limit = parts.files, parts.settings.artifact_limit

    async def begin(request: Request) -> Response:
        # Its clients send parts without saying who they are, unless they are told to.
        header = request.headers.get("authorization")
        headers = {"Authorization": header} if header else {}
        here = f"{str(request.base_url).rstrip('/')}{_PARTS}"
        return await _answered(request, parts, partial(_begun, here=here, headers=headers))

    async def complete(request: Request) -> Response:
        return await _answered(request, parts, _completed)

    async def give_up(request: Request) -> Response:
        return await _answered(request, parts, _given_up)

    async def put_part(request: Request) -> Response:
        uploads = uploads_of(files.root)
        if not isinstance(uploads, FolderUploads):
            raise NotFound("part", "here", hint="the bucket takes the parts itself")
        number, caller = request.path_params["number"], exchange_of(request.scope).caller.name
        arrival = await run_in_threadpool(
            uploads.part, request.path_params["upload_id"], number, caller, limit=limit
        )
        await receive(request, arrival, limit=min(limit or LARGEST_PART, LARGEST_PART))
        answer = told({})
        answer.headers["ETag"] = arrival.tag
        return answer

    def signed(request: Request) -> Response:
        path, root = require_path(request.path_params["path"]), files.root
        if not isinstance(root, BucketRoot) or not root.can_sign:
            raise NotImplementedHere(
                "Multipart download is not supported for the current artifact repository"
            )
        opened = root.open(path)
        url = root.store.signed(
            "get_object", root.full(path), SIGNED_SECONDS, ResponseContentDisposition="attachment"
        )
        return told({"url": url, "headers": {}, "file_size": opened.facts.size})

    made = [Route(f"{_PARTS}/{{upload_id}}/{{number:int}}", put_part, methods=["PUT"])]
    for place in PLACES:
        made += [
            Route(f"{place}/mpu/create", begin, methods=["POST"]),
            Route(f"{place}/mpu/create/{{path:path}}", begin, methods=["POST"]),
            Route(f"{place}/mpu/complete/{{path:path}}", complete, methods=["POST"]),
            Route(f"{place}/mpu/abort/{{path:path}}", give_up, methods=["POST"]),
            Route(f"{place}/presigned/{{path:path}}", signed, methods=["GET"]),
        ]
    return made


async def _answered(request: Request, parts: Parts, work: _Work) -> Response:
    body = await read_json(request, limit=parts.settings.body_limit)
    call = Call(given_in_body(body), request.path_params, exchange_of(request.scope).caller, parts)
    return told(await run_in_threadpool(work, call))


def _begun(call: Call, *, here: str, headers: Mapping[str, str]) -> Mapping[str, Any]:
    path, count = _target(call), call.whole("num_parts", 1)
    # MLflow 2.10 forgets to say of which run a file is; sent in one piece, it comes to where it belongs.
    if _OF_SOMETHING not in path.split("/")[:-1]:
        raise NotImplementedHere(UNSUPPORTED)
    if not 1 <= count <= MOST_PARTS:
        raise InvalidName(f"num_parts is a number from 1 to {MOST_PARTS}, not {count}")
    root = call.parts.files.root
    uploads = uploads_of(root)
    upload_id = uploads.begin(path, count, call.caller.name)
    # What is said to us is not for the bucket.
    told_to = {} if isinstance(root, BucketRoot) else headers
    return {
        "upload_id": upload_id,
        "credentials": [
            {"url": url, "part_number": number, "headers": dict(told_to)}
            for number, url in enumerate(uploads.addresses(upload_id, here), start=1)
        ],
    }


def _completed(call: Call) -> Mapping[str, Any]:
    sent = [_sent(Call(one, {}, call.caller, call.parts)) for one in call.items("parts")]
    uploads_of(call.parts.files.root).finish(
        call.required("upload_id"),
        _target(call),
        sent,
        call.caller.name,
        limit=call.parts.settings.artifact_limit,
    )
    return {}


def _given_up(call: Call) -> Mapping[str, Any]:
    uploads = uploads_of(call.parts.files.root)
    uploads.give_up(call.required("upload_id"), _target(call), call.caller.name)
    return {}


def _sent(part: Call) -> Sent:
    return Sent(part.whole("part_number"), part.text("etag"))


def _target(call: Call) -> str:
    """Where the file goes: below the folder of the address, by the last name of the sender's own path."""
    given = call.required("path").replace("\\", "/")
    if ".." in given.split("/"):
        raise InvalidName(f"Invalid path {shorten(repr(given), 120)}: give one that does not climb")
    name, folder = given.rpartition("/")[2], require_folder(call.path.get("path", ""))
    return call.parts.files.writable(f"{folder}/{name}" if folder else name)
