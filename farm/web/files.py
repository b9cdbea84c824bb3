"""Files: sending them, finding them, and getting them back."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import msgspec
import structlog
from quart import Response, request
from quart_trio.wrappers.response import TrioFileBody
from werkzeug.http import dump_options_header

from farm.access.rights import Action
from farm.domain.file import StoredFile
from farm.errors import FarmError, NotFound, StorageFailed
from farm.files.pictures.thumbnails import JPEG, PNG, SHOWN_BY_BROWSERS, Picture, nearest, pictures
from farm.files.removal import forget
from farm.files.slicers.ends import read_head
from farm.live import shapes
from farm.store import files
from farm.store.audit import Stamp
from farm.web.contract import Created, Page, Paging, Sends, Told, Versioned, following
from farm.web.routes import Call, Route, said
from farm.web.uploads import FILE, hand_over, incoming, keep

log = structlog.get_logger(__name__)

CHUNK = 64 * 1024  # bytes; one send, which has its own deadline


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """width: of the picture, in pixels; there may be none as wide."""

    width: Annotated[int, msgspec.Meta(ge=1, le=4096)] | None = None


class FileName(msgspec.Struct, forbid_unknown_fields=True):
    """name: what a file is called whose body is the file itself; a form says it in its own way."""

    name: str | None = None


async def upload_file(call: Call, query: FileName) -> Created[shapes.File] | Told[shapes.File]:
    """Keep a file; it makes no job.

    Send it as the field `file` of a form, or as the body itself with its name behind the question mark
    or in Content-Disposition. The same content under the same name answers 200 with the file that is
    there.
    """
    async with incoming(call) as (form, upload):
        if call.keyed is not None:
            await call.keyed.identify(*said(form.name, (await upload.look()).sha256))
        file, new = await hand_over(partial(keep, call, upload, form.name))
    tell = Created if new else Told
    return tell(shapes.of_file(file), {"Location": f"/v1/files/{file.id}"})


async def list_files(call: Call, query: Paging) -> Page[shapes.File]:
    """The files the farm keeps, by id."""
    found = await call.desk.database.read(files.page, query.cursor, query.limit + 1)
    shown = [shapes.of_file(file) for file in found[: query.limit]]
    return Page(shown, following(found, query.limit, lambda file: file.id))


async def show_file(call: Call, file: str) -> Versioned[shapes.File]:
    """One file, and where its analysis stands."""
    found = await _existing(call, file)
    return Versioned.of(shapes.of_file(found), found.version)


async def send_content(
    call: Call, file: str
) -> Annotated[Response, Sends(("application/octet-stream",), kept=True)]:
    """The file as it was sent."""
    found = await _existing(call, file)
    headers = {"ETag": f'"{found.sha256}"', "Cache-Control": "private, no-cache"}
    if found.sha256 in request.if_none_match:
        return _unchanged(headers)
    try:
        body = TrioFileBody(call.desk.storage.path_of(found.sha256), buffer_size=CHUNK)
    except OSError as error:
        raise StorageFailed(f"the content of {found.name} cannot be read; send the file again") from error
    response = Response(body, 200, headers, content_type="application/octet-stream")
    response.content_length = found.size
    response.headers["Content-Disposition"] = _called(found.name)
    return response


def _called(name: str) -> str:
    """Content-Disposition for a download: plain ASCII, with the name in full for all who know RFC 6266."""
    plain = name.encode("ascii", "replace").decode()
    options = {"filename": plain}
    if plain != name:
        options["filename*"] = f"UTF-8''{quote(name, safe='')}"
    return dump_options_header("attachment", options)


async def send_thumbnail(
    call: Call, file: str, query: Wanted
) -> Annotated[Response, Sends((PNG, JPEG), kept=True)]:
    """The picture of a file that its slicer drew, PNG or JPEG: of several the one nearest to the width
    asked for, the largest where none is.
    """
    found = await _existing(call, file)
    tag = f"{found.sha256}-{query.width or 'largest'}"
    headers = {"ETag": f'"{tag}"', "Cache-Control": "private, no-cache"}
    if tag in request.if_none_match:
        return _unchanged(headers)
    picture = nearest(await call.desk.storage.look(_pictures, found.sha256), query.width)
    if picture is None:
        raise NotFound(f"{found.name} holds no picture")
    return Response(picture.data, 200, headers, content_type=picture.media)


def _pictures(content: Path) -> list[Picture]:
    return [one for one in pictures(read_head(content)) if one.media in SHOWN_BY_BROWSERS]


def _unchanged(headers: dict[str, str]) -> Response:
    """The client has it already."""
    unchanged = Response(b"", 304, headers)
    del unchanged.headers["Content-Type"]
    return unchanged


async def remove_file(call: Call, file: str) -> None:
    """Take a file out, and its content with it unless another file has the same.

    Refused while a job needs it.
    """
    await hand_over(partial(_remove, call, file))


async def _remove(call: Call, file: str) -> None:
    desk = call.desk
    removed = await call.change(
        StoredFile,
        lambda by: desk.database.change(by, files.remove, file, Stamp.of(by, desk.clock())),
    )
    if call.asker.terms.dry:
        return
    try:
        await forget(desk.storage, desk.database, removed.sha256)
    except FarmError as problem:  # the file is gone for everybody; the sweep at the next start takes the rest
        log.warning("content of a removed file stays", file=removed.name, problem=str(problem))


async def _existing(call: Call, file: str) -> StoredFile:
    found = await call.desk.database.read(files.by_id, file)
    if found is None:
        raise NotFound(f"there is no file {file}")
    return found


ROUTES = (
    Route("GET", "/v1/files", list_files, Action.READ),
    Route("POST", "/v1/files", upload_file, Action.UPLOAD, takes=FILE),
    Route("GET", "/v1/files/<file>", show_file, Action.READ),
    Route("GET", "/v1/files/<file>/thumbnail", send_thumbnail, Action.READ),
    Route("DELETE", "/v1/files/<file>", remove_file, Action.REMOVE_FILES),
    Route("GET", "/v1/files/<file>/content", send_content, Action.READ),
)
