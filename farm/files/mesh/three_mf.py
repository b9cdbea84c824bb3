"""3MF: objects in a zip, placed on the plate by items and built of one another (3MF Core Specification 1.3).

The production extension of Bambu Studio and OrcaSlicer, objects in files of their own, is understood;
colours, lattices and slices are not looked at. trimesh takes 65 times the file, and 5.9 GB for 1 MB made to
harm; this takes what the numbers take.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from farm.errors import Invalid
from farm.files.containers.archive import Archive, open_archive
from farm.files.mesh.model import MOST_TRIANGLES, Floats, Model, Triangles, gathered
from farm.files.mesh.three_mf_parts import (
    DEEPEST,
    HERE,
    MILLIMETRES,
    MOST_COPIES,
    Key,
    Object,
    Placed,
    read_parts,
)

MOST_NOTES = 4 * 1024 * 1024  # bytes of a slicer's own file beside the model

_UNITS = {"millimeter": "mm", "centimeter": "cm", "meter": "m"}

_HELPERS = re.compile(
    rb'subtype="(?:modifier|negative|support)_\w+"|value="(?:ParameterModifier|NegativeVolume|Support\w+)"'
)
"""How Bambu Studio, OrcaSlicer and PrusaSlicer mark volumes that change a print and are not printed."""
_HELPERS_COUNT = "Volumes that only change how the model is sliced are counted as if they were printed."


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
        package, root = read_parts(archive)
        remarks = _helpers(archive)
        has_gcode = any(name.lower().endswith(".gcode") for name in archive.names)
    items = package.items
    if not items:
        items = [
            Placed(key, HERE)
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


_NO_MODEL_BUT_GCODE = "this 3MF holds sliced G-code and no model; give it a name that ends in .gcode.3mf"


def _helpers(archive: Archive) -> tuple[str, ...]:
    for name in archive.names:
        if name.lower().endswith(("slic3r_pe_model.config", "model_settings.config")):
            with archive.open(name) as notes:
                if _HELPERS.search(notes.read(MOST_NOTES)):
                    return (_HELPERS_COUNT,)
    return ()


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
