"""Files: sending them, finding them, and getting them back."""

from __future__ import annotations

from functools import partial

from quart import Response, request
from quart_trio.wrappers.response import TrioFileBody

from farm.access.rights import Action
from farm.domain.file import StoredFile
from farm.errors import NotFound, StorageFailed
from farm.live import shapes
from farm.store import files
from farm.web.answers import answer
from farm.web.routes import Call, Route
from farm.web.uploads import hand_over, incoming, keep

CHUNK = 64 * 1024  # bytes; one send, which has its own deadline


async def upload_file(call: Call) -> Response:
    """Keep a file; it makes no job. 200 with the file that is there for the same content and name."""
    call.query("name")
    async with incoming(call) as (form, upload):
        file, new = await hand_over(partial(keep, call, upload, form.name))
    return answer(shapes.of_file(file), 201 if new else 200, {"Location": f"/v1/files/{file.id}"})


async def list_files(call: Call) -> Response:
    after, limit, _ = call.page()
    found = await call.desk.database.read(files.page, after, limit + 1)
    shown = [shapes.of_file(file) for file in found[:limit]]
    return answer({"items": shown, "next": found[limit - 1].id if len(found) > limit else None})


async def show_file(call: Call, file: str) -> Response:
    call.query()
    return answer(shapes.of_file(await _existing(call, file)))


async def send_content(call: Call, file: str) -> Response:
    """The file as it was sent, from the disk in small pieces."""
    call.query()
    found = await _existing(call, file)
    headers = {"ETag": f'"{found.sha256}"', "Cache-Control": "private, no-cache"}
    if found.sha256 in request.if_none_match:
        return Response(b"", 304, headers)
    try:
        body = TrioFileBody(call.desk.storage.path_of(found.sha256), buffer_size=CHUNK)
    except OSError as error:
        raise StorageFailed(f"the content of {found.name} cannot be read; send the file again") from error
    response = Response(body, 200, headers, content_type="application/octet-stream")
    response.content_length = found.size
    response.headers.set("Content-Disposition", "attachment", filename=found.name)
    return response


async def _existing(call: Call, file: str) -> StoredFile:
    found = await call.desk.database.read(files.by_id, file)
    if found is None:
        raise NotFound(f"there is no file {file}")
    return found


ROUTES = (
    Route("GET", "/v1/files", list_files, Action.READ),
    Route("POST", "/v1/files", upload_file, Action.UPLOAD),
    Route("GET", "/v1/files/<file>", show_file, Action.READ),
    Route("GET", "/v1/files/<file>/content", send_content, Action.READ),
)
