"""Uploads taken in piece by piece, as forms or bare: fields in memory, the file in a folder."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol, assert_never

from farm.errors import FarmError, Invalid
from farm.multipart import FieldRead, FileBegun, FileEnded, FileRead, FormDecoder, FormEvent, boundary_in


@dataclass
class Form:
    """One file and what was said about it. digest: in hex. size: bytes. name: "" without a file."""

    folder: Path
    name: str = ""
    size: int = 0
    digest: str = ""
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


class Taker(Protocol):
    """Bytes in, a Form at the end. Writes to the disk itself: a simulator may wait that moment."""

    form: Form

    def receive(self, data: bytes) -> None:
        """Takes in a piece. What comes after the end, or after something that is no form, is left out."""
        ...

    def close(self) -> None:
        """Nothing more comes. A file cut off in the middle is not kept, nor one that nobody took."""
        ...


class FormReader:
    """A multipart form with one file in the field `file`."""

    def __init__(self, content_type: str, folder: Path, algorithm: str = "sha1") -> None:
        """algorithm: of the digest, by its name in hashlib. Raises Invalid when this is no form."""
        boundary = boundary_in(content_type)
        if boundary is None:
            raise Invalid("no multipart form")
        self.form = Form(folder)
        self._decoder = FormDecoder(boundary)
        self._broken = False
        self._file: BinaryIO | None = None
        self._digest = hashlib.new(algorithm, usedforsecurity=False)

    def receive(self, data: bytes) -> None:
        if self._broken:
            return
        try:
            for event in self._decoder.receive(data):
                self._take(event)
        except FarmError:
            self._broken = True
        self.form.complete = self._decoder.ended

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        self.form.drop()

    def _take(self, event: FormEvent) -> None:
        match event:
            case FieldRead(name, value):
                self.form.fields[name] = value
            case FileBegun(field, name):
                if field == "file" and not self.form.name:
                    self._begin_file(name)
            case FileRead(data):
                if self._file is not None:
                    self._file.write(data)
                    self._digest.update(data)
                    self.form.size += len(data)
            case FileEnded():
                if self._file is not None:
                    self._file.close()
                    self._file, self.form.digest = None, self._digest.hexdigest()
            case _:
                assert_never(event)

    def _begin_file(self, name: str) -> None:
        self.form.name = name.replace("\\", "/").rsplit("/", 1)[-1]
        self.form.path = self.form.folder / secrets.token_hex(8)  # never a client's word for a path
        self._file = self.form.path.open("wb")


class BareReader:
    """A file that is the whole body of a request."""

    def __init__(self, name: str, size: int, folder: Path) -> None:
        """size: how many bytes are to come."""
        self.form = Form(folder, name, path=folder / secrets.token_hex(8))
        self._wanted = size
        self._file: BinaryIO | None = None
        self._digest = hashlib.sha256()

    def receive(self, data: bytes) -> None:
        if self._file is None and self.form.path is not None:
            self._file = self.form.path.open("wb")
        if self._file is not None:
            self._file.write(data)
            self._digest.update(data)
            self.form.size += len(data)
            self._end()

    def _end(self) -> None:
        if self.form.size >= self._wanted and self._file is not None:
            self._file.close()
            self._file = None
            self.form.digest, self.form.complete = self._digest.hexdigest(), True

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        self.form.drop()
