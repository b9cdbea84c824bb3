"""A multipart upload taken in piece by piece: fields in memory, the file in a folder."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from werkzeug.exceptions import HTTPException
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

MAX_FORM_MEMORY = 64 * 1024  # bytes of headers and fields


@dataclass
class Form:
    """A form with one file in the field `file`. sha1: in hex. size: bytes. name: "" without a file."""

    folder: Path
    name: str = ""
    size: int = 0
    sha1: str = ""
    complete: bool = False
    fields: dict[str, str] = field(default_factory=dict)
    path: Path | None = None

    def keep(self) -> Path:
        """The stored file, which is the caller's from now on."""
        if self.path is None:
            raise ValueError("there is no file to keep")
        path, self.path = self.path, None
        return path

    def drop(self) -> None:
        """Removes a file that nobody kept."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
            self.path = None


class FormReader:
    """Bytes in, a Form at the end. Writes to the disk itself: a simulator may wait that moment."""

    def __init__(self, content_type: str, folder: Path) -> None:
        """Raises ValueError when this is no form."""
        kind, options = parse_options_header(content_type)
        if kind != "multipart/form-data" or not options.get("boundary"):
            raise ValueError("no multipart form")
        self.form = Form(folder)
        self._decoder = MultipartDecoder(
            options["boundary"].encode(), max_form_memory_size=MAX_FORM_MEMORY, max_parts=100
        )
        self._file: BinaryIO | None = None
        self._field: str | None = None
        self._broken = False
        self._sha1 = hashlib.sha1(usedforsecurity=False)

    def receive(self, data: bytes | None) -> None:
        """Takes in a piece, None at the end. Of what is no form nothing is kept: it stays incomplete."""
        if not self._broken:
            try:
                self._read(data)
            except (ValueError, HTTPException):
                self._broken = True

    def _read(self, data: bytes | None) -> None:
        self._decoder.receive_data(data)
        while not isinstance(event := self._decoder.next_event(), NeedData):
            match event:
                case File():
                    self._begin_file(event)
                case Field():
                    self._field = event.name or ""
                    self.form.fields[self._field] = ""
                case Data():
                    self._take(event)
                case Epilogue():
                    self.form.complete = True
                    return

    def close(self) -> None:
        """Nothing more comes. A file cut off in the middle is not kept."""
        if self._file is not None:
            self._file.close()
            self._file = None
        if not self.form.complete:
            self.form.drop()

    def _begin_file(self, event: File) -> None:
        self._field = None
        if event.name != "file" or self._file is not None:
            return
        self.form.name = (event.filename or "").replace("\\", "/").rsplit("/", 1)[-1]
        self.form.path = self.form.folder / secrets.token_hex(8)  # never a client's word for a path
        self._file = self.form.path.open("wb")

    def _take(self, event: Data) -> None:
        if self._field is not None:
            self.form.fields[self._field] += event.data.decode("utf-8", "replace")
        elif self._file is not None:
            self._file.write(event.data)
            self._sha1.update(event.data)
            self.form.size += len(event.data)
            if not event.more_data:
                self._file.close()
                self._file, self.form.sha1 = None, self._sha1.hexdigest()
