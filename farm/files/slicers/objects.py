"""The parts that lie on the plate, by name, as slicers mark them for a printer that can leave one out."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from farm.files.containers.printable import Printable
from farm.files.slicers.remarks import word

MOST_OBJECTS = 256

_DEFINED = re.compile(rb"^EXCLUDE_OBJECT_DEFINE NAME=('[^'\r\n]{0,200}'|[^\s']{1,200})", re.MULTILINE)
_NO_MODEL = "NONMESH"  # Cura's word for moves between them


class _Object(msgspec.Struct):
    name: str = ""


class _Objects(msgspec.Struct):
    objects: list[_Object] = []


def objects_in(file: Printable) -> tuple[str, ...]:
    """Each name once, in the order of the file. Of a long file only what stands at its ends is seen."""
    found = _listed(file) or _defined(file) or _marked(file)
    plain = (name.partition(" id:")[0] for name in found)  # `cube.stl id:0 copy 1`
    names = dict.fromkeys(shown for name in plain if (shown := word(name)))
    return tuple(names)[:MOST_OBJECTS]


def _listed(file: Printable) -> list[str]:
    """`; objects_info = {"objects":[{"name":…`, as PrusaSlicer writes it."""
    try:
        told = msgspec.json.decode(file.said.setting("objects_info") or "{}", type=_Objects)
    except msgspec.MsgspecError:
        return []
    return [one.name for one in told.objects]


def _defined(file: Printable) -> list[str]:
    """For Klipper."""
    return [name.decode("utf-8", "replace").strip("'") for name in _DEFINED.findall(file.ends.head)]


def _marked(file: Printable) -> Iterator[str]:
    """`; printing object cube.stl id:0 copy 1`, and `;MESH:cube.stl`."""
    for line in file.said.lines:
        if line.startswith("printing object "):
            yield line.removeprefix("printing object ")
        elif line.startswith("MESH:") and line != f"MESH:{_NO_MODEL}":
            yield line.removeprefix("MESH:")
