"""What the worker processes of files do; see `farm.workers.inside`. NumPy and its like come with the work."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from farm.domain.file import FileKind
from farm.errors import Invalid
from farm.files.pictures.thumbnails import Picture

_CORNERS = ((0, 0, 0), (0, 1, 0), (1, 0, 0), (0, 0, 1))
_FACES = ((0, 1, 2), (0, 2, 3), (0, 3, 1), (1, 3, 2))
_TRIANGLES = [[x for corner in face for x in _CORNERS[corner]] for face in _FACES]
_FACET = "facet normal 0 0 1\nouter loop\n" + "vertex {} {} {}\n" * 3 + "endloop\nendfacet\n"
_SAMPLES = (
    (FileKind.GCODE, b"G28\nG1 X10 Y10 Z0.2 F3000\nG1 X20 E1\nG2 X30 I5 E2\n"),
    (
        FileKind.STL,
        struct.pack("<80xI", len(_TRIANGLES))
        + b"".join(struct.pack("<3f9f2x", 0, 0, 0, *triangle) for triangle in _TRIANGLES),
    ),
    (
        FileKind.STL,
        f"solid\n{''.join(_FACET.format(*triangle) for triangle in _TRIANGLES)}endsolid\n".encode(),
    ),
    (
        FileKind.OBJ,
        b"".join(b"v %d %d %d\n" % corner for corner in _CORNERS)
        + b"".join(b"f %d %d %d\n" % tuple(corner + 1 for corner in face) for face in _FACES),
    ),
)
"""A little of each kind that something is compiled for."""


@dataclass(frozen=True, slots=True)
class Asked:
    """path: of the content. glance: only for what its slicer says, which needs nothing compiled."""

    path: str
    kind: FileKind
    glance: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """result: the analysis as JSON, as it is stored. pictures: in all sizes, the narrowest first."""

    result: bytes
    pictures: tuple[Picture, ...] = ()


def warm_up() -> None:
    """Import what the work takes, and compile its kernels, which takes the first process of all a while."""
    from farm.files.analysis import analyse
    from farm.files.pictures import sizes  # noqa: F401

    with tempfile.TemporaryDirectory() as folder:
        for kind, content in _SAMPLES:
            path = Path(folder, f"sample.{kind}")
            path.write_bytes(content)
            analyse(path, kind)


def work(asked: Asked, tell: Callable[[float], None]) -> Found:
    """One file. Raises Invalid for what is damaged."""
    from farm.files.analysis import analyse, glance

    path = Path(asked.path)
    try:
        found = glance(path, asked.kind) if asked.glance else analyse(path, asked.kind, tell)
    except FileNotFoundError as error:
        raise Invalid("its content is missing on the shop PC's disk; send the file again") from error
    except OSError as error:
        why = error.strerror or str(error)
        raise Invalid(f"the shop PC's disk cannot read it ({why}); send the file again") from error
    result = msgspec.json.encode(found.result)
    return Found(result, () if asked.glance else _in_sizes(found.picture))


def _in_sizes(picture: Picture | None) -> tuple[Picture, ...]:
    from farm.files.pictures.sizes import in_sizes

    try:
        return in_sizes(picture) if picture is not None else ()
    except Invalid:  # the file prints as well without
        return ()
