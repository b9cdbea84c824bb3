"""Uploads: a body that streams to the disk while it is read, in whatever order its fields come."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from sqlite3 import Connection
from typing import TypeVar, assert_never

import trio
from quart import request
from werkzeug.http import parse_options_header

from farm.domain.clock import new_id
from farm.domain.file import NO_QUOTA, Quota, StoredFile, kind_of, readable_name
from farm.errors import Invalid, StorageFailed
from farm.files.messages import FileAdded
from farm.files.storage import Upload
from farm.multipart import FieldRead, FileBegun, FileEnded, FileRead, FormDecoder, FormEvent, boundary_in
from farm.store import files
from farm.web.intake import Intake
from farm.web.routes import Call

T = TypeVar("T")

FILE = ("multipart/form-data", "application/octet-stream")
"""What a file may come as; a body of any other type is the file itself, too."""

FORM_ROOM = 256 * 1024  # bytes for everything in a form that is not the file
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
        self._decoder = FormDecoder(boundary)
        self._form = Form()
        self._in_file = False  # in the one that is kept

    async def read(self) -> Form:
        """The whole form. Raises Invalid, WrongFileType, TooLarge, TooSlow, StorageFull, StorageFailed."""
        while not self._decoder.ended:
            piece = await self._intake.read()
            if not piece:
                raise Invalid("the form ends before its closing boundary; send it again")
            for event in self._decoder.receive(piece):
                await self._take(event)
        await self._read_to_end()
        if not self._form.name:
            raise Invalid("the form holds no file; send one in the field file", "file")
        return self._form

    async def _take(self, event: FormEvent) -> None:
        match event:
            case FieldRead(name, value):
                self._form.fields[name] = value
            case FileBegun("file", name):
                self._begin_file(name)
            case FileRead(data):
                if self._in_file:
                    await self._upload.write(data)
            case FileEnded():
                self._in_file = False
            case FileBegun():
                pass  # nobody asked for it
            case _:
                assert_never(event)

    def _begin_file(self, name: str) -> None:
        if self._form.name:
            raise Invalid("send one file at a time", "file")
        self._form.name = checked_name(name)
        self._in_file = True

    async def _read_to_end(self) -> None:
        while await self._intake.read():
            pass


@asynccontextmanager
async def incoming(call: Call) -> AsyncIterator[tuple[Form, Upload]]:
    """The request's file, read to its end and not kept yet: `keep` it before leaving, or it is gone.

    The size declared, the quota and the free disk are checked before anything is read. Raises what
    `FormReader` does.
    """
    limit = call.desk.max_upload
    boundary = boundary_in(request.headers.get("Content-Type", ""))
    intake = Intake(request, limit + (FORM_ROOM if boundary else 0))
    declared = min(request.content_length or 0, limit)
    if call.desk.quota != NO_QUOTA:
        await call.desk.database.read(files.check_room, str(call.asker), declared, call.desk.quota)
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

    Raises StorageFull, also for a quota; StorageFailed; Invalid for an empty file.
    """
    if upload.size == 0:
        raise Invalid(f"{name} is empty; slice it again", "file")
    content = await (upload.look() if call.asker.terms.dry else upload.keep())
    file = StoredFile(
        id=new_id(call.desk.chance),
        name=name,
        kind=kind_of(name),
        size=content.size,
        sha256=content.sha256,
        uploaded_by=str(call.asker),
        uploaded_at=call.desk.clock(),
    )
    desk = call.desk
    id, new = await call.change(
        tuple[str, bool], lambda by: desk.database.change(by, _added, file, desk.quota)
    )
    if not call.asker.terms.dry:
        desk.files.tell_nowait(FileAdded())
    stored = await desk.database.read(files.by_id, id)
    return stored or replace(file, id=id), new  # only tried, or removed since it was asked for first


def _added(db: Connection, file: StoredFile, quota: Quota) -> tuple[str, bool]:
    """The id alone is remembered of a request, not all that is known of a file."""
    stored, new = files.add(db, file, quota)
    return stored.id, new


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
