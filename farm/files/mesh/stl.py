"""STL: triangles and nothing else, in 50 bytes each or as text. It has no unit; slicers take millimetres.

Binary: 80 bytes of anything, the count, and for each triangle its normal, three corners and two bytes
(M. Burns, Automated Fabrication, 1993, 6.5). The file is read again for each look, a block at a time, so
that one of any size takes the same memory. trimesh takes five to twelve times the file.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from farm.errors import Invalid
from farm.files.mesh.model import BLOCK, Model, Triangles
from farm.files.mesh.text import facets

HEAD = 84  # bytes
TAIL = 4096  # bytes; the last line may repeat a long name
FACET = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


def read_stl(path: Path) -> Model:
    """Raises Invalid when it is neither kind of STL, and OSError."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(HEAD)
    count = int.from_bytes(head[80:84], "little")
    # Some programs begin binary files with "solid" too: the size alone tells the two apart.
    if len(head) == HEAD and size == HEAD + count * FACET.itemsize:
        if count == 0:
            raise Invalid("this STL says itself that it has no triangles; export it again")
        return Model("stl", "mm", None, functools.partial(_binary, path, count))
    if head.lstrip().lower().startswith(b"solid"):
        return Model("stl", "mm", None, functools.partial(facets, path), _unended(path))
    raise Invalid(_wrong_size(head, size, count))


def _unended(path: Path) -> tuple[str, ...]:
    """What to say of a text that lacks its last line."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL))
        if b"endsolid" in file.read().lower():
            return ()
    return (
        "The file breaks off before its last line, so a part of the model may be missing. Send it again.",
    )


def _wrong_size(head: bytes, size: int, count: int) -> str:
    if len(head) < HEAD:
        return "this file is too short for an STL; export it again"
    there = (size - HEAD) / FACET.itemsize
    if there < count:
        return (
            f"this STL breaks off: it announces {count:,} triangles and has room for {int(there):,};"
            " send it again"
        )
    return f"this is no STL: it announces {count:,} triangles and goes on after them; export it again"


def _binary(path: Path, count: int) -> Iterator[Triangles]:
    buffer = np.empty(min(count, BLOCK), FACET)
    with path.open("rb") as file:
        file.seek(HEAD)
        for begin in range(0, count, BLOCK):
            rows = buffer[: min(BLOCK, count - begin)]
            if file.readinto(rows.view(np.uint8).data) != rows.nbytes:
                raise OSError("the file became shorter while it was read")
            with np.errstate(invalid="ignore"):  # a NaN that signals becomes one that does not
                corners = rows["corners"].astype(np.float64)
            yield corners
