"""3MF: objects in a zip, placed on the plate by items and built of one another (3MF Core Specification 1.3).

Read as a stream by expat, which keeps nothing but the numbers. trimesh takes 65 times the file, and 5.9 GB
for 1 MB made to harm. A document type is refused: no slicer writes one, and entities come in no other way.
The production extension of Bambu Studio and OrcaSlicer, objects in files of their own, is understood;
colours, lattices and slices are not looked at.
"""

from __future__ import annotations

import functools
import posixpath
import re
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from xml.parsers import expat

import numpy as np
from numpy.typing import NDArray

from farm.errors import Invalid
from farm.files.containers.archive import Archive, open_archive
from farm.files.containers.elements import elements
from farm.files.mesh.model import MOST_CORNERS, MOST_TRIANGLES, Floats, Model, Triangles, gathered

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
MOST_NOTES = 4 * 1024 * 1024  # bytes of a slicer's own file beside the model

MILLIMETRES = {
    "micron": 0.001,
    "millimeter": 1.0,
    "centimeter": 10.0,
    "inch": 25.4,
    "foot": 304.8,
    "meter": 1000.0,
}
_UNITS = {"millimeter": "mm", "centimeter": "cm", "meter": "m"}

_HELPERS = re.compile(
    rb'subtype="(?:modifier|negative|support)_\w+"|value="(?:ParameterModifier|NegativeVolume|Support\w+)"'
)
"""How Bambu Studio, OrcaSlicer and PrusaSlicer mark volumes that change a print and are not printed."""
_HELPERS_COUNT = "Volumes that only change how the model is sliced are counted as if they were printed."


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


class Mesh(NamedTuple):
    """corners: shape (m, 3). faces: shape (n, 3), rows of corners, all of them there."""

    corners: Floats
    faces: NDArray[np.int32]


class Extent(NamedTuple):
    """What an object comes to with all that is in it."""

    triangles: int
    copies: int
    height: int


def read_three_mf(path: Path) -> Model:
    """Raises Invalid for what is broken, goes beyond the limits or has nothing to print; OSError."""
    with open_archive(path) as archive:
        package, root = _parts(archive)
        remarks = _helpers(archive)
        has_gcode = any(name.lower().endswith(".gcode") for name in archive.names)
    items = package.items
    if not items:
        items = [
            Placed(key, _HERE)
            for key, found in package.objects.items()
            if found.is_printed and key.part == root
        ]
        remarks += ("The 3MF puts nothing on the plate; all of its objects are looked at.",) if items else ()
    extents = Extents(package.objects)
    whole = [extents.of(item.object) for item in items]
    if not sum(extent.triangles for extent in whole):
        raise Invalid(
            _NO_MODEL_BUT_GCODE if has_gcode else "this 3MF has no triangles, so there is nothing to print"
        )
    if (
        sum(extent.triangles for extent in whole) > MOST_TRIANGLES
        or sum(extent.copies for extent in whole) > MOST_COPIES
    ):
        raise Invalid("this 3MF repeats its objects more often than any plate holds")
    meshes, bad = _meshes(package.objects)
    if bad:
        remarks += (f"{bad:,} triangles name corners that are not there, and were left out.",)
    blocks = functools.partial(_blocks, meshes, package.objects, items, MILLIMETRES[package.unit])
    return Model("3mf", _UNITS.get(package.unit, package.unit), len(items), blocks, remarks)


_HERE = np.vstack([np.eye(3), np.zeros(3)])
_NO_MODEL_BUT_GCODE = "this 3MF holds sliced G-code and no model; give it a name that ends in .gcode.3mf"


def _parts(archive: Archive) -> tuple[Package, str]:
    """The part that the package starts with, then those its objects lie in. Names stay names in the zip."""
    names = {name.lower(): name for name in archive.names}
    root = _root(archive, names)
    package, waiting, seen = Package(), [root], {root}
    while waiting:
        reader = PartReader(package, waiting.pop(), is_root=len(seen) == 1)
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


def _helpers(archive: Archive) -> tuple[str, ...]:
    for name in archive.names:
        if name.lower().endswith(("slic3r_pe_model.config", "model_settings.config")):
            with archive.open(name) as notes:
                if _HELPERS.search(notes.read(MOST_NOTES)):
                    return (_HELPERS_COUNT,)
    return ()


class PartReader:
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
            "model": self._model,
            "object": self._new_object,
            "component": self._component,
            "item": self._item,
        }
        self._starts = starts | {f"{CORE} {name}": start for name, start in starts.items()}
        self.parts: set[str] = set()  # other parts that were named

    def read(self, archive: Archive, names: Mapping[str, str]) -> None:
        """Raises Invalid."""
        if self._part not in names:
            raise Invalid(f"this 3MF lacks a part that it names, {self._part}; export it again")
        parser = _parser()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        _feed(parser, archive, names[self._part], self._require_small)

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


def _parser() -> expat.XMLParserType:
    def refuse(*_: object) -> None:
        raise Invalid("the XML of this 3MF has a document type, which no slicer writes; export it again")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = refuse
    return parser


def _feed(parser: expat.XMLParserType, archive: Archive, name: str, between: Callable[[], None]) -> None:
    """The whole part; between: is called after each piece of it."""
    fed = 0
    try:
        with archive.open(name) as stream:
            while piece := stream.read(PIECE):
                parser.Parse(piece, False)
                fed += len(piece)
                if fed - parser.CurrentByteIndex > LONGEST_TAG:  # expat keeps a tag until it is whole
                    raise Invalid("the XML of this 3MF has a tag longer than any 3MF has")
                between()
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise Invalid(f"the XML of this 3MF is damaged in line {error.lineno}; export it again") from error
    except (LookupError, ValueError) as error:
        raise Invalid("this 3MF is written in letters the farm does not know; export it again") from error


def _matrix(text: str | None) -> Floats:
    if text is None:
        return _HERE
    matrix = np.array([float(word) for word in text.split()], np.float64)
    if matrix.size != 12 or not np.isfinite(matrix).all():
        raise ValueError(text)
    return matrix.reshape(4, 3)


class Extents:
    """How much each object comes to, reckoned before anything is put together: ten objects of ten each,
    ten levels deep, are ten thousand million."""

    def __init__(self, objects: Mapping[Key, Object]) -> None:
        self._objects = objects
        self._known: dict[Key, Extent] = {}
        self._open: set[Key] = set()

    def of(self, key: Key) -> Extent:
        """Raises Invalid when the object is not there, contains itself or nests too deep."""
        if key in self._known:
            return self._known[key]
        if key not in self._objects:
            raise Invalid(
                f"this 3MF places an object that is not there, number {key.id[:20]}; export it again"
            )
        if key in self._open:
            raise Invalid(f"object {key.id[:20]} of this 3MF contains itself; export it again")
        if len(self._open) >= DEEPEST:
            raise Invalid(_TOO_DEEP)
        self._open.add(key)
        found = self._objects[key]
        inner = [self.of(component.object) for component in found.components]
        self._open.remove(key)
        extent = Extent(
            triangles=len(found.faces) // 3 + sum(part.triangles for part in inner),
            copies=1 + sum(part.copies for part in inner),
            height=1 + max((part.height for part in inner), default=0),
        )
        if extent.height > DEEPEST:
            raise Invalid(_TOO_DEEP)
        self._known[key] = extent
        return extent


_TOO_DEEP = f"the objects of this 3MF are nested more than {DEEPEST} deep"


def _meshes(objects: Mapping[Key, Object]) -> tuple[dict[Key, Mesh], int]:
    """The objects' own meshes, and how many triangles had a corner that is not there."""
    meshes, bad = {}, 0
    for key, found in objects.items():
        corners = np.frombuffer(found.corners, np.float64).reshape(-1, 3)
        faces = np.frombuffer(found.faces, np.int32).reshape(-1, 3)
        good = ((faces >= 0) & (faces < len(corners))).all(axis=1)
        wrong = len(faces) - int(np.count_nonzero(good))
        meshes[key] = Mesh(corners, faces[good] if wrong else faces)
        bad += wrong
    return meshes, bad


def _blocks(
    meshes: Mapping[Key, Mesh], objects: Mapping[Key, Object], items: list[Placed], scale: float
) -> Iterator[Triangles]:
    for item in items:
        for mesh, matrix in _copies(meshes, objects, item.object, item.matrix * scale):
            for block in gathered(mesh.corners, mesh.faces):
                with np.errstate(all="ignore"):  # what comes to infinity is left out later
                    placed = block @ matrix[:3] + matrix[3]
                if np.linalg.det(matrix[:3]) < 0:  # mirrored: what was counter-clockwise is clockwise
                    placed = placed[:, ::-1]
                yield np.ascontiguousarray(placed)


def _copies(
    meshes: Mapping[Key, Mesh], objects: Mapping[Key, Object], key: Key, matrix: Floats
) -> Iterator[tuple[Mesh, Floats]]:
    yield meshes[key], matrix
    for component in objects[key].components:
        inner = component.matrix @ matrix[:3]
        inner[3] += matrix[3]
        yield from _copies(meshes, objects, component.object, inner)
