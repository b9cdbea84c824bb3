"""Uploads: a body that streams to the disk while it is read, in whatever order its fields come."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import trio
from quart import request
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Field, File, MultipartDecoder, NeedData, State

from farm.domain.clock import new_id
from farm.domain.file import StoredFile, kind_of, readable_name
from farm.errors import Invalid, StorageFailed
from farm.files.storage import Upload
from farm.store import files
from farm.web.intake import Intake
from farm.web.routes import Call

T = TypeVar("T")

FORM_ROOM = 256 * 1024  # bytes for everything in a form that is not the file
MAX_FIELD = 8 * 1024  # bytes of one text field; paths are the longest of them
MAX_PARTS = 64
MAX_PART_HEADERS = 16 * 1024  # bytes
HAND_OVER_S = 60.0  # flushing a gigabyte to a slow disk, a row, and the queue's answer


@dataclass(slots=True)
class Form:
    """What came with a file. name: what it was called, cleaned; "" until its part begins."""

    name: str = ""
    fields: dict[str, str] = field(default_factory=dict)


class FormReader:
    """Reads one multipart form: text fields into memory, the part `file` into an upload, the rest nowhere."""

    def __init__(self, intake: Intake, boundary: bytes, upload: Upload) -> None:
        self._intake = intake
        self._upload = upload
        self._decoder = MultipartDecoder(boundary, max_parts=MAX_PARTS)
        self._form = Form()
        self._field: str | None = None  # the text field whose content comes now
        self._in_file = False

    async def read(self) -> Form:
        """The whole form. Raises Invalid, WrongFileType, TooLarge, TooSlow, StorageFull, StorageFailed."""
        while self._decoder.state is not State.EPILOGUE:
            event = self._next()
            if isinstance(event, NeedData):
                await self._feed()
            elif isinstance(event, File):
                self._begin_file(event)
            elif isinstance(event, Field):
                self._begin_field(event.name or "")
            elif isinstance(event, Data):
                await self._take(event)
        await self._read_to_end()
        if not self._form.name:
            raise Invalid("the form holds no file; send one in the field file", "file")
        return self._form

    def _next(self) -> object:
        try:
            return self._decoder.next_event()
        except ValueError as error:  # UnicodeDecodeError is one
            raise Invalid(f"the form cannot be read: {error}") from error

    async def _feed(self) -> None:
        headers = self._decoder.state in (State.PREAMBLE, State.PART)
        if headers and len(self._decoder.buffer) > MAX_PART_HEADERS:
            raise Invalid("the form cannot be read: its headers are too long")
        piece = await self._intake.read()
        if not piece:
            raise Invalid("the form ends before its closing boundary; send it again")
        self._decoder.receive_data(piece)

    def _begin_file(self, event: File) -> None:
        self._field = None
        self._in_file = event.name == "file"
        if not self._in_file:
            return
        if self._form.name:
            raise Invalid("send one file at a time", "file")
        self._form.name = checked_name(event.filename)

    def _begin_field(self, name: str) -> None:
        self._field, self._in_file = name, False
        self._form.fields[name] = ""

    async def _take(self, event: Data) -> None:
        if self._in_file:
            await self._upload.write(event.data)
        elif self._field is not None:
            text = self._form.fields[self._field] + event.data.decode("utf-8", "replace")
            if len(text) > MAX_FIELD:
                raise Invalid(f"the field {self._field[:40]} is too long", self._field[:40])
            self._form.fields[self._field] = text

    async def _read_to_end(self) -> None:
        while await self._intake.read():
            pass


@asynccontextmanager
async def incoming(call: Call) -> AsyncIterator[tuple[Form, Upload]]:
    """The request's file, read to its end and not kept yet: `keep` it before leaving, or it is gone.

    The size declared and the free disk are checked before anything is read. Raises what `FormReader` does.
    """
    limit = call.desk.max_upload
    boundary = _boundary()
    intake = Intake(request, limit + (FORM_ROOM if boundary else 0))
    declared = min(request.content_length or 0, limit)
    async with call.desk.storage.upload(limit=limit, declared=declared) as upload:
        if boundary is None:
            yield await _read_raw(intake, upload), upload
        else:
            yield await FormReader(intake, boundary, upload).read(), upload


async def _read_raw(intake: Intake, upload: Upload) -> Form:
    form = Form(checked_name(_raw_name()))
    while piece := await intake.read():
        await upload.write(piece)
    return form


async def keep(call: Call, upload: Upload, name: str) -> tuple[StoredFile, bool]:
    """Make an upload durable: content, then row. Returns the file and whether it is new.

    Raises StorageFull, StorageFailed; Invalid for an empty file.
    """
    if upload.size == 0:
        raise Invalid(f"{name} is empty; slice it again", "file")
    content = await upload.keep()
    file = StoredFile(
        id=new_id(call.desk.chance),
        name=name,
        kind=kind_of(name),
        size=content.size,
        sha256=content.sha256,
        uploaded_by=str(call.asker),
        uploaded_at=call.desk.clock(),
    )
    return await call.desk.database.write(files.add, file)


async def hand_over(work: Callable[[], Awaitable[T]]) -> T:
    """Do `work` to its end, also when the client leaves meanwhile. Raises StorageFailed after HAND_OVER_S."""
    with trio.move_on_after(HAND_OVER_S, shield=True):
        return await work()
    raise StorageFailed("the shop PC's disk is too slow; look whether the file is there before you retry")


def checked_name(sent: str) -> str:
    """The name to keep for a file. Raises Invalid, WrongFileType."""
    name = readable_name(sent)
    kind_of(name)
    return name


def _boundary() -> bytes | None:
    """The boundary of a form; None for a body that is the file itself. Raises Invalid."""
    if request.mimetype != "multipart/form-data":
        return None
    boundary = request.mimetype_params.get("boundary", "")
    if not boundary:
        raise Invalid("the form does not say its boundary")
    return boundary.encode("latin-1", "replace")


def _raw_name() -> str:
    _, options = parse_options_header(request.headers.get("Content-Disposition"))
    name = options.get("filename") or request.args.get("name", "")
    if not name:
        raise Invalid("say what the file is called: ?name=part.gcode, or send a form", "name")
    return _utf8(name)


def _utf8(header: str) -> str:
    """Header values come as Latin-1, whatever the client wrote; most write UTF-8."""
    try:
        return header.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return header
