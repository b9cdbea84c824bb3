"""A multipart upload taken in piece by piece: fields in memory, the file in a folder.

Werkzeug's decoder is not used: where the network cuts the closing boundary after its first dash, it adds a
carriage return to a file that ends with a line feed (3.1.9), and uploads here have to be exact.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from werkzeug.http import parse_options_header

MAX_HEADERS = 16 * 1024  # bytes of one part's headers
MAX_FIELD = 4096  # bytes of a field that is no file; the rest is left out
MAX_FIELDS = 100


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
        boundary = options.get("boundary", "")
        if kind != "multipart/form-data" or not boundary:
            raise ValueError("no multipart form")
        self.form = Form(folder)
        self._delimiter = b"\r\n--" + boundary.encode()
        self._buffer = bytearray(b"\r\n")  # the first boundary is then like all others
        self._in_headers = self._broken = False
        self._file: BinaryIO | None = None
        self._field: bytearray | None = None
        self._field_name = ""
        self._sha1 = hashlib.sha1(usedforsecurity=False)

    def receive(self, data: bytes) -> None:
        """Takes in a piece. What comes after the end, or after something that is no form, is left out."""
        if self._broken or self.form.complete:
            return
        self._buffer += data
        while self._read_headers() if self._in_headers else self._read_content():
            pass

    def close(self) -> None:
        """Nothing more comes. A file cut off in the middle is not kept, nor one that nobody took."""
        if self._file is not None:
            self._file.close()
            self._file = None
        self.form.drop()

    def _read_content(self) -> bool:
        """Passes on content; whether there is more to read."""
        found = self._buffer.find(self._delimiter)
        if found < 0:
            certain = len(self._buffer) - len(self._delimiter)  # the rest may be a delimiter's beginning
            if certain > 0:
                self._take(bytes(self._buffer[:certain]))
                del self._buffer[:certain]
            return False
        after = found + len(self._delimiter)
        if len(self._buffer) < after + 2:
            return False
        self._take(bytes(self._buffer[:found]))
        self._end_part()
        ending = bytes(self._buffer[after : after + 2])
        del self._buffer[: after + 2]
        self._in_headers = ending == b"\r\n"
        self.form.complete = ending == b"--"
        self._broken = ending not in (b"\r\n", b"--")
        return self._in_headers

    def _read_headers(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            self._broken = len(self._buffer) > MAX_HEADERS
            return False
        lines = self._buffer[:end].decode("utf-8", "replace").split("\r\n")
        del self._buffer[: end + 4]
        self._in_headers = False
        for line in lines:
            name, _, value = line.partition(":")
            if name.strip().lower() == "content-disposition":
                self._begin_part(parse_options_header(value.strip())[1])
        return True

    def _begin_part(self, about: dict[str, str]) -> None:
        name = about.get("name", "")
        if "filename" not in about:
            self._field, self._field_name = bytearray(), name
        elif name == "file" and not self.form.name:
            self.form.name = about["filename"].replace("\\", "/").rsplit("/", 1)[-1]
            self.form.path = self.form.folder / secrets.token_hex(8)  # never a client's word for a path
            self._file = self.form.path.open("wb")

    def _take(self, content: bytes) -> None:
        if self._file is not None:
            self._file.write(content)
            self._sha1.update(content)
            self.form.size += len(content)
        elif self._field is not None:
            self._field += content[: MAX_FIELD - len(self._field)]

    def _end_part(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file, self.form.sha1 = None, self._sha1.hexdigest()
        elif self._field is not None and len(self.form.fields) < MAX_FIELDS:
            self.form.fields[self._field_name] = self._field.decode("utf-8", "replace")
        self._field = None
