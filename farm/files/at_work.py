"""What the worker processes of files do; see `farm.workers.inside`. NumPy and its like come with the work."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec

from farm.domain.analysis import BoundingBox
from farm.domain.file import FileKind
from farm.errors import Invalid
from farm.files.pictures.thumbnails import Picture
from farm.files.samples import SAMPLES


class Task(StrEnum):
    """What is to be done with a file. GLANCE: find what its slicer says, which needs nothing compiled."""

    ALL = "all"
    FACTS = "facts"  # a picture of ours may follow
    PICTURE = "picture"
    GLANCE = "glance"


NOWHERE = BoundingBox()


@dataclass(frozen=True, slots=True)
class Asked:
    """path: of the content. box: of what it prints, where only a picture is wished for."""

    path: str
    kind: FileKind
    task: Task = Task.ALL
    box: BoundingBox = NOWHERE


@dataclass(frozen=True, slots=True)
class Found:
    """result: the analysis as JSON, as it is stored; empty where only a picture was wished for.

    pictures: in all sizes, the narrowest first. undrawn: whether it is worth to draw one.
    """

    result: bytes = b""
    pictures: tuple[Picture, ...] = ()
    undrawn: bool = False


def warm_up() -> None:
    """Import what the work takes, and compile its kernels, which takes the first process of all a while."""
    from farm.files.analysis import analyse
    from farm.files.pictures import sizes  # noqa: F401

    with tempfile.TemporaryDirectory() as folder:
        for kind, content in SAMPLES:
            path = Path(folder, f"sample.{kind}")
            path.write_bytes(content)
            analyse(path, kind)


def work(asked: Asked, tell: Callable[[float], None]) -> Found:
    """One file. Raises Invalid for what is damaged."""
    path = Path(asked.path)
    try:
        return _work(path, asked, tell)
    except FileNotFoundError as error:
        raise Invalid("its content is missing on the shop PC's disk; send the file again") from error
    except OSError as error:
        why = error.strerror or str(error)
        raise Invalid(f"the shop PC's disk cannot read it ({why}); send the file again") from error


def _work(path: Path, asked: Asked, tell: Callable[[float], None]) -> Found:
    from farm.files.analysis import Analysed, analyse, draw, glance, read

    found: Analysed
    match asked.task:
        case Task.PICTURE:
            return Found(pictures=_in_sizes(draw(path, asked.kind, asked.box)))
        case Task.GLANCE:
            return Found(msgspec.json.encode(glance(path, asked.kind).result))
        case Task.FACTS:
            found = read(path, asked.kind, tell)
        case Task.ALL:
            found = analyse(path, asked.kind, tell)
    return Found(msgspec.json.encode(found.result), _in_sizes(found.picture), found.undrawn)


def _in_sizes(picture: Picture | None) -> tuple[Picture, ...]:
    from farm.files.pictures.sizes import in_sizes

    try:
        return in_sizes(picture) if picture is not None else ()
    except Invalid:  # the file prints as well without
        return ()
