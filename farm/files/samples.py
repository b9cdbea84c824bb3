"""A little of each kind of file, for whatever is compiled the first time one of the kind is read."""

from __future__ import annotations

import io
import struct
import zipfile

from farm.domain.file import FileKind

_CORNERS = ((0, 0, 0), (0, 1, 0), (1, 0, 0), (0, 0, 1))
_FACES = ((0, 1, 2), (0, 2, 3), (0, 3, 1), (1, 3, 2))
_TRIANGLES = [[x for corner in face for x in _CORNERS[corner]] for face in _FACES]


def _binary_stl() -> bytes:
    facets = (struct.pack("<3f9f2x", 0, 0, 0, *triangle) for triangle in _TRIANGLES)
    return struct.pack("<80xI", len(_TRIANGLES)) + b"".join(facets)


def _text_stl() -> bytes:
    facet = "facet normal 0 0 1\nouter loop\n" + "vertex {} {} {}\n" * 3 + "endloop\nendfacet\n"
    return "".join(("solid\n", *(facet.format(*triangle) for triangle in _TRIANGLES), "endsolid\n")).encode()


def _obj() -> bytes:
    corners = (b"v %d %d %d\n" % corner for corner in _CORNERS)
    return b"".join((*corners, *(b"f %d %d %d\n" % tuple(at + 1 for at in face) for face in _FACES)))


def _three_mf() -> bytes:
    corners = "".join(f'<vertex x="{x}" y="{y}" z="{z}"/>' for x, y, z in _CORNERS)
    triangles = "".join(f'<triangle v1="{a}" v2="{b}" v3="{c}"/>' for a, b, c in _FACES)
    model = (
        '<model xmlns="http://schemas.microsoft.com/3dmanufacturing/core/2015/02"><resources><object id="1">'
        f"<mesh><vertices>{corners}</vertices><triangles>{triangles}</triangles></mesh>"
        '</object></resources><build><item objectid="1"/></build></model>'
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("3D/3dmodel.model", model)
    return file.getvalue()


SAMPLES = (
    (FileKind.GCODE, b"G28\nG1 X10 Y10 Z0.2 F3000\nG1 X20 E1\nG2 X30 I5 E2\n"),
    (FileKind.STL, _binary_stl()),
    (FileKind.STL, _text_stl()),
    (FileKind.OBJ, _obj()),
    (FileKind.THREE_MF, _three_mf()),
)
