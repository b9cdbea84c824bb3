"""Pictures of prints: what the slicer calls the part, line by line, and nothing of what is around it."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from farm.domain.analysis import BoundingBox, Box, Thumbnail
from farm.domain.file import FileKind
from farm.files.analysis import analyse
from farm.files.gcode.kernel.scan import MOST_STROKES
from farm.files.gcode.kernel.strokes import OFF
from farm.files.gcode.picture import draw_print
from farm.files.gcode.roles import Role
from farm.files.gcode.survey import read_strokes

GCODE = Path(__file__).parents[2] / "data" / "gcode"


def strokes(text: bytes):
    """All of them, and their roles."""
    found = [(np.empty((0, 6)), np.empty(0, np.uint8))]
    read_strokes(io.BytesIO(text), lambda ends, roles: found.append((ends.copy(), roles.copy())))
    return tuple(np.concatenate(parts) for parts in zip(*found, strict=True))


def pixels(picture):
    return np.asarray(Image.open(io.BytesIO(picture.data)))


def drawn(text: bytes, box: Box, *, named: bool = False):
    boxes = BoundingBox(box, box if named else None)
    return pixels(draw_print(io.BytesIO(text), boxes))


def test_strokes_are_the_moves_that_extrude():
    """Against a reader that knows nothing but absolute moves and the comments of PrusaSlicer."""
    text = (GCODE / "ps25_cube20_marlin2_abs.gcode").read_text()
    at, e, is_part, expected = [0.0, 0.0, 0.0], 0.0, False, []
    for line in text.splitlines():
        if line.startswith(";TYPE:"):
            is_part = "Skirt" not in line and "Custom" not in line
        words = dict(re.findall(r"([XYZE])([-\d.]+)", line.partition(";")[0]))
        if line.startswith("G92"):
            e = float(words.get("E", e))
        elif line.startswith("G1 "):
            to = [float(words.get(axis, was)) for axis, was in zip("XYZ", at, strict=True)]
            if float(words.get("E", e)) > e and to[:2] != at[:2]:
                expected.append((*at, *to, is_part))
            at, e = to, float(words.get("E", e))

    ends, roles = strokes(text.encode())

    np.testing.assert_allclose(ends, np.array(expected)[:, :6], atol=1e-9)
    assert ((roles == Role.MODEL) == np.array(expected)[:, 6]).all()


@pytest.mark.parametrize("arc", ["G2 X40 Y20 I10 J0 E9", "G3 X40 Y20 R10 E9", "G2 X20 Y20 I10 J0 E9"])
def test_arcs_are_drawn_as_arcs(arc):
    ends, _ = strokes(f"M83\nG1 X20 Y20 Z5\n{arc}\n".encode())

    radii = np.hypot(ends[:, [0, 3]] - 30, ends[:, [1, 4]] - 20)
    np.testing.assert_allclose(radii, 10, atol=1e-6)
    np.testing.assert_allclose(ends[1:, :3], ends[:-1, 3:], atol=1e-9)
    middles = np.hypot((ends[:, 0] + ends[:, 3]) / 2 - 30, (ends[:, 1] + ends[:, 4]) / 2 - 20)
    assert (middles > 10 - OFF).all()
    assert (ends[:, [2, 5]] == 5).all()


def test_travel_and_retraction_are_not_drawn():
    ends, _ = strokes(b"M83\nG1 X10 Y10 Z.2\nG0 X20\nG1 X30 E-1\nG1 E2\nG1 Z.4 E1\nG1 X40 E1\n")

    assert ends.tolist() == [[30, 10, 0.4, 40, 10, 0.4]]


def test_more_strokes_than_are_handed_on_at_once():
    moves = "".join(
        f"G1 X{at % 2 * 10} Y{at / 1000} E1\nG2 X{at % 2 * 10} Y{at / 1000} I600 E1\n" for at in range(500)
    )

    ends, _ = strokes(f"M83\n{moves}".encode())

    assert len(ends) > 10 * MOST_STROKES
    np.testing.assert_allclose(ends[1:, :3], ends[:-1, 3:], atol=1e-9)


def test_nothing_around_the_part_is_shown_where_the_slicer_says_what_it_draws():
    skirt = b";TYPE:Skirt\nG1 X-5 Y10 E1\nG1 X25 E1\n"
    part = b";TYPE:External perimeter\nG1 X0 Y0 F9\nG1 X20 Y20 E1\n"
    box = Box((-5, 25), (0, 20), (0, 1))

    alone = drawn(b"M83\nG1 X-5\n" + part, box, named=True)
    both = drawn(b"M83\nG1 X-5\n" + skirt + part, box, named=True)
    unnamed = drawn((b"M83\nG1 X-5\n" + skirt + part).replace(b";TYPE", b";"), box)

    assert (both == alone).all()
    assert np.count_nonzero(unnamed[..., 3]) > 1.3 * np.count_nonzero(alone[..., 3])


def test_supports_have_a_colour_of_their_own():
    text = b"M83\nG1 X0 Y10\n;TYPE:Support material\nG1 X10 E1\n;TYPE:Perimeter\nG1 X20 E1\n"

    picture = drawn(text, Box((0, 20), (0, 20), (0, 1)), named=True)

    solid = picture[picture[..., 3] == 255][:, :3].astype(int)
    assert (solid[:, 0] > solid[:, 2] + 30).any()
    assert (solid[:, 2] > solid[:, 0]).any()


@pytest.mark.parametrize(
    "name",
    [
        "ps25_cube20_marlin2_abs",
        "ps292_cyl_arc_marlin2",
        "ps292_vase",
        "ps292_sequential_two",
        "plate20_fast",
    ],
)
def test_files_without_a_picture_get_one(name):
    found = analyse(GCODE / f"{name}.gcode", FileKind.GCODE)

    assert found.result.thumbnails == (Thumbnail(400, 300, "rendered"),)
    rows, columns = np.nonzero(pixels(found.picture)[..., 3])
    assert max(np.ptp(rows) / 300, np.ptp(columns) / 400) == pytest.approx(0.84, abs=0.09)


def test_picture_of_the_slicer_is_not_drawn_anew():
    found = analyse(GCODE / "ps292gui_calib20_thumbs.gcode", FileKind.GCODE)

    assert {thumbnail.source for thumbnail in found.result.thumbnails} == {"slicer"}
    assert found.picture.width == 220


def test_file_that_draws_nothing_has_no_picture(tmp_path):
    path = tmp_path / "none.gcode"
    path.write_text("G28\nG1 X10 Y10\nM84\n")

    assert analyse(path, FileKind.GCODE).picture is None
