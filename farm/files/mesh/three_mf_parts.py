"""The parts of a 3MF package: XML files of objects, read as a stream that keeps nothing but the numbers.

expat reads them, and knows of no entities: a document type is refused, which no slicer writes. Of the lists
that are nearly all of a model, the corners and the triangles, it sees only the beginning and the end.
"""

from __future__ import annotations

import posixpath
import re
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, NoReturn
from xml.parsers import expat

import numpy as np

from farm.errors import Invalid
from farm.files.containers.archive import Archive
from farm.files.containers.elements import elements
from farm.files.mesh.model import MOST_CORNERS, MOST_TRIANGLES, Floats
from farm.files.mesh.tags import BEHIND, Tag, rows
from farm.files.mesh.text import Text

CORE = "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"
PRODUCTION = "http://schemas.microsoft.com/3dmanufacturing/production/2015/06"
STARTING_PART = "http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"

MOST_PARTS = 500  # files of objects in one package; Bambu Studio makes one for each object
MOST_OBJECTS = 10_000
MOST_COPIES = 10_000  # of objects, however they come about
DEEPEST = 32  # objects inside objects, and elements inside elements
LONGEST_TAG = 64 * 1024  # bytes
PIECE = 256 * 1024  # bytes
MOST_RELATIONSHIPS = 256 * 1024  # bytes of the file that names the part to start with

MILLIMETRES = {
    "micron": 0.001,
    "millimeter": 1.0,
    "centimeter": 10.0,
    "inch": 25.4,
    "foot": 304.8,
    "meter": 1000.0,
}

HERE = np.vstack([np.eye(3), np.zeros(3)])

_LIST = re.compile(rb"<(vertices|triangles)>")
_RUNS = {b"vertices": Tag.CORNER, b"triangles": Tag.TRIANGLE}


class Key(NamedTuple):
    """An object of a package: ids count within one part."""

    part: str
    id: str


class Placed(NamedTuple):
    """An object and where it goes. matrix: shape (4, 3), for corners as rows; the last row moves them."""

    object: Key
    matrix: Floats


@dataclass(slots=True)
class Object:
    """What one `object` element says: a mesh, or other objects put together."""

    corners: array[float] = field(default_factory=lambda: array("d"))
    faces: array[int] = field(default_factory=lambda: array("i"))
    components: list[Placed] = field(default_factory=list)
    is_printed: bool = True


@dataclass(slots=True)
class Package:
    """All that was read of the parts so far."""

    unit: str = "millimeter"
    objects: dict[Key, Object] = field(default_factory=dict)
    items: list[Placed] = field(default_factory=list)


def read_parts(archive: Archive) -> tuple[Package, str]:
    """The part that the package starts with, then those its objects lie in; and which one was the first.

    Names stay names in the zip. Raises Invalid.
    """
    names = {name.lower(): name for name in archive.names}
    root = _root(archive, names)
    package, waiting, seen = Package(), [root], {root}
    while waiting:
        reader = _Part(package, waiting.pop(), is_root=len(seen) == 1)
        reader.read(archive, names)
        waiting += reader.parts - seen
        seen |= reader.parts
        if len(seen) > MOST_PARTS:
            raise Invalid(f"this 3MF is made of more than {MOST_PARTS} files of objects")
    return package, root


def _root(archive: Archive, names: Mapping[str, str]) -> str:
    found: list[str] = []
    if "_rels/.rels" in names:
        related = elements(archive.read(names["_rels/.rels"], MOST_RELATIONSHIPS))
        starts = [of.attributes for of in related if of.attributes.get("Type") == STARTING_PART]
        found += [_inside(attributes.get("Target", "")) for attributes in starts]
    found += ["3d/3dmodel.model", *(name for name in names if name.endswith(".model"))]
    there = [name for name in found if name in names]
    if not there:
        raise Invalid("this zip file holds no model, so it is no 3MF; export it again")
    return there[0]


def _inside(target: str) -> str:
    """The name in the zip that an absolute path within the package means, in small letters."""
    return posixpath.normpath(target.lstrip("/")).lower()


class _Part:
    """One part of the package, element by element, into what was read before it."""

    def __init__(self, package: Package, part: str, *, is_root: bool) -> None:
        self._package = package
        self._part = part
        self._is_root = is_root
        self._object = Object()  # what stands before the first one goes nowhere
        self._depth = 0
        starts: dict[str, Callable[[dict[str, str]], None]] = {
            "vertex": self._vertex,
            "triangle": self._triangle,
            "vertices": self._list,
            "triangles": self._list,
            "model": self._model,
            "object": self._new_object,
            "component": self._component,
            "item": self._item,
        }
        self._starts = starts | {f"{CORE} {name}": start for name, start in starts.items()}
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.StartElementHandler, self._parser.EndElementHandler = self._start, self._end
        self._parser.StartDoctypeDeclHandler = _refuse
        self._parsed = 0  # bytes that the parser was given
        self._list_at = -1  # where of them the last list of corners or triangles began
        self._run: Tag | None = None  # what is read past the parser at the moment
        self.parts: set[str] = set()  # other parts that were named

    def read(self, archive: Archive, names: Mapping[str, str]) -> None:
        """Raises Invalid."""
        if self._part not in names:
            raise Invalid(f"this 3MF lacks a part that it names, {self._part}; export it again")
        rest = b""
        try:
            with archive.open(names[self._part]) as stream:
                while piece := stream.read(PIECE):
                    rest = self._take(rest + piece)
                    self._require_small()
            self._parse(rest)
            self._parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise Invalid("the XML of this 3MF is damaged; export it again") from error
        except (LookupError, ValueError) as error:
            raise Invalid("this 3MF is written in letters the farm does not know; export it again") from error

    def _take(self, data: bytes) -> bytes:
        """All of `data` but a tag at its end that is not whole; returns that."""
        text, at = np.frombuffer(data + BEHIND, np.uint8), 0
        while at < len(data):
            if self._run is not None:
                at = self._take_run(text, at, len(data), self._run)
                if _waits(data, at):
                    break
                self._run = None  # what is written otherwise, and the end of them, is the parser's
            list_tag = _LIST.search(data, at)
            if list_tag is None:
                end = _end_of_tags(data, at)
                self._parse(data[at:end])
                return data[end:]
            self._parse(data[at : list_tag.end()])
            at = list_tag.end()
            if self._list_at == self._parsed - len(list_tag[0]):  # the parser is there, and agrees
                self._run = _RUNS[list_tag[1]]
        return data[at:]

    def _take_run(self, text: Text, at: int, end: int, tag: Tag) -> int:
        found, at = rows(text, at, end, tag)
        if tag is Tag.CORNER:
            self._object.corners.frombytes(found.tobytes())
        else:
            self._object.faces.frombytes(found.astype(np.intc).tobytes())
        return at

    def _parse(self, data: bytes) -> None:
        self._parser.Parse(data, False)
        self._parsed += len(data)
        if self._parsed - self._parser.CurrentByteIndex > LONGEST_TAG:  # expat keeps a tag until it is whole
            raise Invalid("the XML of this 3MF has a tag longer than any 3MF has")

    def _start(self, element: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise Invalid("the XML of this 3MF is nested deeper than any 3MF is")
        start = self._starts.get(element)
        if start is None:
            return
        try:
            start(attributes)
        except (KeyError, ValueError, OverflowError) as error:
            name = element.rpartition(" ")[2]
            raise Invalid(
                f"a {name} in this 3MF lacks a number or has a wrong one; export it again"
            ) from error

    def _end(self, element: str) -> None:
        self._depth -= 1

    def _vertex(self, attributes: dict[str, str]) -> None:
        self._object.corners.extend((float(attributes["x"]), float(attributes["y"]), float(attributes["z"])))

    def _triangle(self, attributes: dict[str, str]) -> None:
        self._object.faces.extend((int(attributes["v1"]), int(attributes["v2"]), int(attributes["v3"])))

    def _list(self, attributes: dict[str, str]) -> None:
        self._list_at = self._parser.CurrentByteIndex

    def _model(self, attributes: dict[str, str]) -> None:
        unit = attributes.get("unit", "millimeter")
        if unit not in MILLIMETRES:
            raise Invalid(f"this 3MF is measured in {unit[:20]!r}, which is no unit; export it again")
        if self._is_root:  # the others are placed in the root's unit
            self._package.unit = unit

    def _new_object(self, attributes: dict[str, str]) -> None:
        key = Key(self._part, attributes["id"])
        if key in self._package.objects:
            raise Invalid(f"two objects of this 3MF have the number {key.id[:20]}; export it again")
        self._object = Object(is_printed=attributes.get("type", "model") == "model")
        self._package.objects[key] = self._object

    def _component(self, attributes: dict[str, str]) -> None:
        self._object.components.append(self._placed(attributes))

    def _item(self, attributes: dict[str, str]) -> None:
        if self._is_root and attributes.get("printable") != "0":
            self._package.items.append(self._placed(attributes))

    def _placed(self, attributes: dict[str, str]) -> Placed:
        named = attributes.get(f"{PRODUCTION} path")
        part = self._part if named is None else _inside(named)
        self.parts.add(part)
        return Placed(Key(part, attributes["objectid"]), _matrix(attributes.get("transform")))

    def _require_small(self) -> None:
        objects = self._package.objects
        if (
            len(objects) > MOST_OBJECTS
            or len(self._package.items) + len(self._object.components) > MOST_COPIES
        ):
            raise Invalid(f"this 3MF has more than {MOST_OBJECTS:,} objects")
        if (
            sum(len(found.corners) for found in objects.values()) > 3 * MOST_CORNERS
            or sum(len(found.faces) for found in objects.values()) > 3 * MOST_TRIANGLES
        ):
            raise Invalid(
                f"this model has more than {MOST_CORNERS // 1_000_000} million corners; simplify it"
            )


def _waits(data: bytes, at: int) -> bool:
    """Whether a tag begins at `at` that may end in the next piece."""
    return len(data) - at <= LONGEST_TAG and data.find(b">", at) < 0


def _end_of_tags(data: bytes, at: int) -> int:
    """Where the last tag behind `at` begins when it waits for its end; else the end of the data."""
    last = data.rfind(b"<", at)
    return last if last >= 0 and _waits(data, last) else len(data)


def _refuse(*declared: object) -> NoReturn:
    raise Invalid("the XML of this 3MF has a document type, which no slicer writes; export it again")


def _matrix(text: str | None) -> Floats:
    if text is None:
        return HERE
    matrix = np.array([float(word) for word in text.split()], np.float64)
    if matrix.size != 12 or not np.isfinite(matrix).all():
        raise ValueError(text)
    return matrix.reshape(4, 3)
