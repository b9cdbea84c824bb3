"""Forms with files in them, as slicers and browsers send: bytes in, events out. Holds no socket and no file.

Our own, because the library we have adds a carriage return to a file that ends with a line feed when the
network cuts the closing boundary after its first dash (Werkzeug 3.1.9), and files have to be exact.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from werkzeug.http import parse_options_header

from farm.errors import Invalid, TooLarge

MAX_BOUNDARY = 200  # bytes; RFC 2046 says 70, and not every client knows
MAX_PARTS = 64
MAX_HEADERS = 16 * 1024  # bytes of one part's headers, and of whatever stands before the first part
MAX_FIELD = 8 * 1024  # bytes of one text field; paths are the longest of them

_ENDING = re.compile(rb"--|[ \t]{0,64}\r\n")  # of a line that divides two parts
_ENDING_BEGUN = re.compile(rb"-?|[ \t]{0,64}\r?")
_FOLD = re.compile(r"\r\n[ \t]+")


@dataclass(frozen=True, slots=True)
class FieldRead:
    """A text field, whole."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class FileBegun:
    """A file begins. field: the form's name for it. name: what the client calls it; "" for none chosen."""

    field: str
    name: str


@dataclass(frozen=True, slots=True)
class FileRead:
    """The next piece of the file."""

    data: bytes


@dataclass(frozen=True, slots=True)
class FileEnded:
    """All of the file has come."""


FormEvent: TypeAlias = FieldRead | FileBegun | FileRead | FileEnded


def boundary_in(content_type: str) -> bytes | None:
    """The boundary a form's Content-Type declares; None where it declares no form.

    Raises Invalid for a form without a usable boundary.
    """
    kind, options = parse_options_header(content_type)
    if kind.lower() != "multipart/form-data":
        return None
    boundary = options.get("boundary", "").encode("latin-1", "replace")
    if not 0 < len(boundary) <= MAX_BOUNDARY:
        raise Invalid("the form does not say its boundary")
    return boundary


class FormDecoder:
    """One form. Holds a divider's length of a file, and at most MAX_HEADERS or MAX_FIELD of all else.

    ended: whether the closing boundary has come; what follows it is passed over.
    """

    def __init__(self, boundary: bytes) -> None:
        self.ended = False
        self._divider = b"\r\n--" + boundary
        self._buffer = b"\r\n"  # so that the first divider is like all others
        self._in_headers = False
        self._parts = 0
        self._before = 0  # bytes seen before the first part
        self._name = ""
        self._field: bytearray | None = None  # the text field whose content comes now
        self._in_file = False

    def receive(self, data: bytes) -> list[FormEvent]:
        """What `data` brings, however the form was cut. Raises Invalid; TooLarge for too many parts."""
        events: list[FormEvent] = []
        if self.ended:
            return events
        self._buffer += data
        while self._read_headers(events) if self._in_headers else self._read_content(events):
            pass
        return events

    def _read_content(self, events: list[FormEvent]) -> bool:
        """Take what surely belongs to the present part. Whether there is more to read."""
        certain, end = self._next_divider()
        self._take(self._buffer[:certain], events)
        if end is None:
            self._buffer = self._buffer[certain:]
            return False
        self._end_part(events)
        self.ended = self._buffer[certain:end].endswith(b"--")
        self._in_headers = not self.ended
        self._buffer = b"" if self.ended else self._buffer[end - 2 :]  # its line end may end no headers
        return self._in_headers

    def _next_divider(self) -> tuple[int, int | None]:
        """Up to where there is content for certain, and where the divider after it ends; None for later."""
        at = -1 if self._buffer.find(b"\r") < 0 else self._buffer.find(self._divider)  # the first is faster
        while at >= 0:
            after = at + len(self._divider)
            line = _ENDING.match(self._buffer, after)
            if line is not None:
                return at, line.end()
            if _ENDING_BEGUN.fullmatch(self._buffer, after):
                return at, None
            at = self._buffer.find(self._divider, at + 1)  # that one belongs to the content
        tail = max(0, len(self._buffer) - len(self._divider) + 1)
        begun = self._buffer.find(b"\r", tail)
        return len(self._buffer) if begun < 0 else begun, None

    def _take(self, content: bytes, events: list[FormEvent]) -> None:
        if not content:
            return
        if self._in_file:
            events.append(FileRead(content))
        elif self._field is not None:
            self._field += content
            if len(self._field) > MAX_FIELD:
                name = self._name[:40]
                raise Invalid(f"the field {name} is too long; at most {MAX_FIELD} bytes are taken", name)
        else:
            self._before += len(content)
            if self._before > MAX_HEADERS:
                raise Invalid("the form cannot be read: it does not begin with its boundary")

    def _end_part(self, events: list[FormEvent]) -> None:
        if self._in_file:
            events.append(FileEnded())
        elif self._field is not None:
            events.append(FieldRead(self._name, _text(self._field)))
        self._in_file, self._field = False, None

    def _read_headers(self, events: list[FormEvent]) -> bool:
        """Begin a part once all its headers are here. Whether they are."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 and len(self._buffer) < MAX_HEADERS + 4:
            return False
        if not 0 <= end <= MAX_HEADERS:
            raise Invalid("the form cannot be read: its headers are too long")
        headers = _FOLD.sub(" ", _text(self._buffer[:end]))
        self._buffer = self._buffer[end + 4 :]
        self._in_headers = False
        self._begin_part(headers, events)
        return True

    def _begin_part(self, headers: str, events: list[FormEvent]) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise TooLarge(f"the form has more than {MAX_PARTS} fields")
        about = _disposition(headers)
        if "name" not in about:
            raise Invalid("the form cannot be read: one of its fields has no name")
        self._name = about["name"]
        if "filename" in about:
            self._in_file = True
            events.append(FileBegun(self._name, about["filename"]))
        else:
            self._field = bytearray()


def _disposition(headers: str) -> dict[str, str]:
    for line in headers.split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-disposition":
            return parse_options_header(value.strip())[1]
    return {}


def _text(sent: bytes | bytearray) -> str:
    """What was written, in UTF-8 as nearly all do; some old Windows programs write Latin-1."""
    try:
        return sent.decode()
    except UnicodeDecodeError:
        return sent.decode("latin-1")
