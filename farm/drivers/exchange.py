"""One question and one answer over HTTP, as values: what the protocols write and read without I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

import msgspec

from farm.errors import ProtocolError


@dataclass(frozen=True, slots=True)
class Request:
    """A request for a path below the printer's address.

    content: the body, and `content_type` its kind; a body streamed from disk is given beside it.
    headers: what else the peer wants to be told.
    """

    method: str
    path: str
    content: bytes = b""
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. headers: names in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


HASH_HERE = b"{hash of what was sent}"
"""Where in an envelope's tail the hash of the file goes, which is known only then."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What goes around a file's bytes in an upload; nothing does where they are the whole body.

    hashed: by what the bytes are, on their way.
    """

    content_type: str
    head: bytes = b""
    tail: bytes = b""
    hashed: str = "sha1"

    def end(self, digest: str) -> bytes:
        """What follows the file. digest: of its bytes, in hexadecimal."""
        return self.tail.replace(HASH_HERE, digest.encode("ascii"))


def json_request(method: str, path: str, value: object) -> Request:
    """A request with a JSON body."""
    return Request(method, path, json.dumps(value).encode(), "application/json")


def json_object(answer: Answer, peer: str) -> dict[str, object]:
    """The JSON object in an answer of `peer`, a name for the sentence. Raises ProtocolError; see `opened`."""
    return opened(answer.body, f"{peer} sent", "an answer that is not JSON")


def opened(text: bytes | str, said: str, nonsense: str) -> dict[str, object]:
    """The JSON object in a text. said: by whom, and how, and `nonsense` what, for the sentence.

    Raises ProtocolError for anything else. NaN and Infinity pass, because Python's own servers write them;
    readings sort them out.
    """
    try:
        value = _value(text)
    except (ValueError, RecursionError):  # bad UTF-8 and numbers of thousands of digits are ValueErrors too
        beginning = text[:200] if isinstance(text, str) else text[:200].decode("utf-8", "replace")
        raise ProtocolError(f"{said} {nonsense}: {one_line(beginning, 60)!r}.") from None
    if not isinstance(value, dict):
        raise ProtocolError(f"{said} {type(value).__name__} where an object was expected.")
    return value


def _value(text: bytes | str) -> object:
    try:
        return msgspec.json.decode(text)  # several times as fast, and strict
    except (msgspec.DecodeError, UnicodeDecodeError):
        return json.loads(text)


def one_line(text: str, limit: int = 200) -> str:
    """A peer's text made fit to store and show: printable, without lone surrogates, on one line."""
    if len(text) <= limit and text.isprintable():  # as nearly all are, a thousand times a second
        return " ".join(text.split())
    sound = text[: limit * 4].encode("utf-8", "replace").decode()
    words = " ".join("".join(char if char.isprintable() else " " for char in sound).split())
    return words if len(words) <= limit else words[: limit - 1] + "…"


def file_envelope(remote_name: str, boundary: str, checksum: str = "") -> Envelope:
    """The multipart form around one file in the field `file`.

    boundary: a random word that does not occur in the file. checksum: the name of a hash, such as "sha256",
    that is told the peer after the file in a field `checksum`; "" for none.
    """
    name = remote_name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    kind, tail = f"multipart/form-data; boundary={boundary}", f"\r\n--{boundary}--\r\n".encode()
    if not checksum:
        return Envelope(kind, head.encode(), tail)
    field = f'\r\n--{boundary}\r\nContent-Disposition: form-data; name="checksum"\r\n\r\n'.encode()
    return Envelope(kind, head.encode(), field + HASH_HERE + tail, checksum)


def path_segment(name: str) -> str:
    """`name` as one segment of a path. Raises ValueError for a name that would leave its folder."""
    if name in ("", ".", "..") or "/" in name or "\\" in name:
        raise ValueError(f"not a plain file name: {name!r}")
    return quote(name, safe="")
