"""Files: sending them, finding them, and getting them back."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Annotated
from urllib.parse import quote

import msgspec
import structlog
from quart import Response, request
from quart_trio.wrappers.response import TrioFileBody
from werkzeug.http import dump_options_header

from farm.access.rights import Action
from farm.domain.file import FileState, StoredFile
from farm.domain.fitting import Fit, fit
from farm.domain.printer import Printer
from farm.errors import FarmError, NotFound, StorageFailed
from farm.files.messages import FileAdded
from farm.files.pictures.thumbnails import PNG
from farm.files.removal import forget
from farm.live import shapes
from farm.queue.fitting import takes
from farm.store import file_analyses, file_lists, files, optimised
from farm.store.audit import Stamp
from farm.web.answers import problem
from farm.web.contract import Accepted, Created, Page, Sends, Told, Versioned
from farm.web.file_search import FileSearch
from farm.web.printers import everyone, may_read
from farm.web.ranges import OutOfRange, Part, part_wanted
from farm.web.routes import Call, Route, said
from farm.web.uploads import FILE, hand_over, incoming, keep

log = structlog.get_logger(__name__)

CHUNK = 64 * 1024  # bytes; one send, which has its own deadline


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """width: of the picture, in pixels, at least; there may be none as wide."""

    width: Annotated[int, msgspec.Meta(ge=1, le=4096)] | None = None


class PrinterFit(msgspec.Struct):
    """fits: null where nobody can tell. turn_deg: how far a model has to be turned about the vertical.

    why: it does not fit, or nobody can tell.
    """

    printer: str
    fits: bool | None
    turn_deg: float | None
    why: str | None


class Fits(msgspec.Struct):
    """How a file fits into each printer."""

    items: list[PrinterFit]


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


async def list_files(call: Call, query: FileSearch) -> Page[shapes.File]:
    """The files the farm keeps, the newest first where nothing else is wished.

    By time: as it is reckoned, else as the slicer says; files of which nobody knows count as the shortest.
    """
    found = await call.desk.database.read(
        file_lists.page, query.wanted, query.sorted_by, query.after, query.limit + 1
    )
    shown = [shapes.of_file(file) for file, _ in found[: query.limit]]
    return Page(shown, query.next([place for _, place in found]))


async def show_file(call: Call, file: str) -> Versioned[shapes.File]:
    """One file, and where its analysis stands."""
    found = await _existing(call, file)
    return Versioned.of(shapes.of_file(found), found.version)


async def list_fits(call: Call, file: str) -> Fits:
    """Into which printers a file fits, of those the asker may look at, by their ids.

    A model may have to be turned; G-code prints as it was sliced, on printers that take its kind.
    """
    found = await _existing(call, file)
    visible = [printer for printer in await everyone(call) if may_read(call.asker, printer)]
    return Fits([_fit(found, printer) for printer in visible])


def _fit(file: StoredFile, printer: Printer) -> PrinterFit:
    if file.kind.is_model or takes(printer, file.kind):
        found = fit(file.analysis.result, printer.profile.volume_mm)
    else:
        found = Fit(False, why="it does not print this kind of file")
    return PrinterFit(printer.id, found.fits, found.turn_deg, found.why)


async def list_copies(call: Call, file: str) -> shapes.OptimisedCopies:
    """The smaller copies of a file that printers want by their profile, and why there are no others."""
    found = await _existing(call, file)
    copies = await call.desk.database.read(optimised.of_content, found.sha256)
    return shapes.OptimisedCopies([shapes.of_optimised_copy(copy) for copy in copies])


async def send_content(
    call: Call, file: str
) -> Annotated[Response, Sends(("application/octet-stream",), kept=True, parts=True)]:
    """The file as it was sent, or the one part of it that `Range` asks for."""
    found = await _existing(call, file)
    headers = {"ETag": f'"{found.sha256}"', "Cache-Control": "private, no-cache", "Accept-Ranges": "bytes"}
    if found.sha256 in request.if_none_match:
        return _unchanged(headers)
    asked = request.headers
    try:
        part = part_wanted(asked.get("Range"), asked.get("If-Range"), found.sha256, found.size)
    except OutOfRange:
        words = f"{found.name} has {found.size} bytes, and nothing where this part would be"
        return problem(416, words, headers={"Content-Range": f"bytes */{found.size}"})
    response = await _content(call, found, part, headers)
    response.headers["Content-Disposition"] = _called(found.name)
    return response


async def _content(call: Call, file: StoredFile, part: Part | None, headers: dict[str, str]) -> Response:
    try:
        body = TrioFileBody(call.desk.storage.path_of(file.sha256), buffer_size=CHUNK)
    except OSError as error:
        raise StorageFailed(f"the content of {file.name} cannot be read; send the file again") from error
    response = Response(body, 200, headers, content_type="application/octet-stream")
    response.content_length = file.size
    if part is not None:
        await body.make_conditional(part.begin, part.end)
        response.status_code = 206
        response.content_length = part.end - part.begin
        response.headers["Content-Range"] = part.said(file.size)
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
) -> Annotated[Response, Sends((PNG,), kept=True)]:
    """A picture of what the file prints: of several sizes the first that is as wide as asked for, else the
    largest. It is there once the file was analysed.
    """
    found = await _existing(call, file)
    tag = f"{found.sha256}-{found.analysis.version}-{query.width or 'largest'}"
    headers = {"ETag": f'"{tag}"', "Cache-Control": "private, no-cache"}
    if tag in request.if_none_match:
        return _unchanged(headers)
    picture = await call.desk.storage.picture(found.sha256, query.width)
    if picture is None:
        why = "" if found.analysis.version else ", for it was not analysed yet"
        raise NotFound(f"there is no picture of {found.name}{why}")
    return Response(picture, 200, headers, content_type=PNG)


async def analyse_file(call: Call, file: str) -> Accepted[shapes.File]:
    """Read a file once more. How it went is told by the fact `file.processed`."""
    desk = call.desk
    state = await call.change(
        FileState,
        lambda by: desk.database.change(by, file_analyses.analyse_again, file, Stamp.of(by, desk.clock())),
    )
    if not call.asker.terms.dry:
        desk.files.tell_nowait(FileAdded())
    found = await _existing(call, file)
    return Accepted(shapes.of_file(replace(found, analysis=replace(found.analysis, state=state))))


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
    Route("GET", "/v1/files/<file>/printers", list_fits, Action.READ),
    Route("GET", "/v1/files/<file>/copies", list_copies, Action.READ),
    Route("GET", "/v1/files/<file>/thumbnail", send_thumbnail, Action.READ),
    Route("POST", "/v1/files/<file>/analyse", analyse_file, Action.UPLOAD),
    Route("DELETE", "/v1/files/<file>", remove_file, Action.REMOVE_FILES),
    Route("GET", "/v1/files/<file>/content", send_content, Action.READ, also=(416,)),
)
