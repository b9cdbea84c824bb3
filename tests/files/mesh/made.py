"""Models made for a test, the broken ones too."""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Iterable, Sequence

import numpy as np
import trimesh
from numpy.typing import NDArray

FACET = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])

CORE = "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"
PRODUCTION = "http://schemas.microsoft.com/3dmanufacturing/production/2015/06"
START = "http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"

Triangles = NDArray[np.float64]  # shape (n, 3, 3)


def box(width: float = 20, depth: float = 20, height: float = 20) -> Triangles:
    """One corner at the origin, the others above and behind it; 12 triangles, outside out."""
    shape = trimesh.creation.box((width, depth, height))
    shape.apply_translation((width / 2, depth / 2, height / 2))
    return np.array(shape.triangles)


def stl(triangles: Triangles, *, count: int | None = None, head: bytes = b"", tail: bytes = b"") -> bytes:
    """count: what the header claims."""
    rows = np.zeros(len(triangles), FACET)
    rows["corners"] = triangles
    claimed = len(triangles) if count is None else count
    return head.ljust(80, b"\0") + claimed.to_bytes(4, "little") + rows.tobytes() + tail


def stl_text(triangles: Triangles, name: str = "made") -> str:
    facets = "".join(
        "facet normal 0 0 0\n  outer loop\n"
        + "".join(f"    vertex {x!r} {y!r} {z!r}\n" for x, y, z in corners)
        + "  endloop\nendfacet\n"
        for corners in triangles.tolist()
    )
    return f"solid {name}\n{facets}endsolid {name}\n"


def obj(triangles: Triangles) -> str:
    corners, faces = np.unique(triangles.reshape(-1, 3), axis=0, return_inverse=True)
    return "".join(f"v {x!r} {y!r} {z!r}\n" for x, y, z in corners.tolist()) + "".join(
        f"f {a + 1} {b + 1} {c + 1}\n" for a, b, c in faces.reshape(-1, 3).tolist()
    )


def mesh_xml(triangles: Triangles) -> str:
    corners, faces = np.unique(triangles.reshape(-1, 3), axis=0, return_inverse=True)
    return (
        "<mesh><vertices>"
        + "".join(f'<vertex x="{x!r}" y="{y!r}" z="{z!r}"/>' for x, y, z in corners.tolist())
        + "</vertices><triangles>"
        + "".join(f'<triangle v1="{a}" v2="{b}" v3="{c}"/>' for a, b, c in faces.reshape(-1, 3).tolist())
        + "</triangles></mesh>"
    )


def object_xml(number: int, inside: str, attributes: str = "") -> str:
    return f'<object id="{number}" {attributes}>{inside}</object>'


def components_xml(*numbers: int, attributes: str = "") -> str:
    return (
        "<components>"
        + "".join(f'<component objectid="{number}" {attributes}/>' for number in numbers)
        + "</components>"
    )


def model_xml(objects: str, items: str, unit: str = "millimeter", prolog: str = "") -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{prolog}<model unit="{unit}" xmlns="{CORE}"'
        f' xmlns:p="{PRODUCTION}"><resources>{objects}</resources><build>{items}</build></model>'
    )


def items_xml(*numbers: int, attributes: str = "") -> str:
    return "".join(f'<item objectid="{number}" {attributes}/>' for number in numbers)


def box_3mf(unit: str = "millimeter", items: str = '<item objectid="1"/>') -> bytes:
    return package(model_xml(object_xml(1, mesh_xml(box())), items, unit))


def package(
    model: str | bytes, more: Iterable[tuple[str, bytes]] = (), start: str = "/3D/made.model"
) -> bytes:
    """A 3MF whose first part is `model`, stored under `start`."""
    relations = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="a" Type="{START}" Target="{start}"/></Relationships>'
    )
    data = model if isinstance(model, bytes) else model.encode()
    return zipped([("_rels/.rels", relations.encode()), (start.lstrip("/"), data), *more])


def zipped(members: Sequence[tuple[str, bytes]]) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore", UserWarning)  # of a name that is there twice
        for name, data in members:
            archive.writestr(name, data)
    return file.getvalue()
