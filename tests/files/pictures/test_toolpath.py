"""Pictures of moves: as wide as filament, round, and only what is printed."""

from __future__ import annotations

import io
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from farm.domain.analysis import Box
from farm.files.pictures import toolpath
from farm.files.pictures.toolpath import LINE_MM, ToolpathPicture

BOX = Box((0, 20), (0, 20), (0, 20))
COLOURS = np.array([[200.0, 100, 50], [50, 200, 100], [np.nan] * 3])
ORANGE, GREEN, LEFT_OUT = range(3)


def pixels(picture):
    return np.asarray(Image.open(io.BytesIO(picture.data)))


def drawn(*moves, kind=ORANGE, box=BOX):
    picture = ToolpathPicture(box, COLOURS)
    picture.draw(np.array(moves, np.float64).reshape(-1, 6), np.full(len(moves), kind, np.uint8))
    return picture.picture()


def walls(step=0.2):
    """Squares of 20 mm, one above the other."""
    ring = [(0, 0), (20, 0), (20, 20), (0, 20), (0, 0)]
    return [
        (*begin, z, *end, z)
        for z in np.arange(step, 20 + step / 2, step)
        for begin, end in itertools.pairwise(ring)
    ]


def test_walls_of_a_box_look_like_a_box():
    picture = pixels(drawn(*walls()))
    left, right = picture[160, 150], picture[160, 280]

    assert left[3] == right[3] == 255
    assert int(left[0]) > int(right[0]) + 20, "the light comes from the left"
    assert picture[0, :, 3].max() == 0


def test_one_line_is_as_wide_as_filament():
    picture = pixels(drawn((0, 0, 10, 20, 20, 10), box=Box((0, 20), (0, 20), (10, 10))))
    middle = picture[:, 200, 3].astype(float) / 255
    width = middle.sum()
    rows, columns = np.nonzero(picture[..., 3])
    slope = np.ptp(rows) / np.ptp(columns)
    points_a_mm = np.hypot(np.ptp(rows), np.ptp(columns)) / length_seen((20, 20, 0))

    assert width == pytest.approx(LINE_MM * points_a_mm * np.hypot(1, slope), rel=0.15)


def length_seen(step):
    right, up, _ = toolpath.AXES @ np.array(step, float)
    return np.hypot(right, up)


def test_moves_in_any_pieces_give_the_same_bytes():
    moves = np.array(walls())
    kinds = np.arange(len(moves), dtype=np.uint8) % 2
    whole, pieces = ToolpathPicture(BOX, COLOURS), ToolpathPicture(BOX, COLOURS)
    whole.draw(moves, kinds)
    for at in range(0, len(moves), 7):
        pieces.draw(moves[at : at + 7], kinds[at : at + 7])

    assert whole.picture().data == pieces.picture().data


def test_each_kind_has_its_colour():
    red, _, _, _ = pixels(drawn(*walls(), kind=ORANGE))[160, 150].astype(int)
    _, green, _, _ = pixels(drawn(*walls(), kind=GREEN))[160, 150].astype(int)

    assert red > 120
    assert green > 120


@pytest.mark.parametrize("kind", [LEFT_OUT, 200])
def test_kinds_without_a_colour_are_left_out(kind):
    assert drawn(*walls(), kind=kind) is None


def test_what_lies_outside_the_box_is_cut_off():
    far = (-500, -500, 0, 500, 500, 0)

    assert pixels(drawn(far))[..., 3].max() > 0
    assert drawn((5000, 0, 0, 5000, 10, 0)) is None


def test_move_towards_the_eye_and_move_to_nowhere_are_dots():
    to_eye = toolpath.AXES[2] * 5
    for move in ((10, 10, 10, *(10 + to_eye)), (10, 10, 10, 10, 10, 10)):
        seen = pixels(drawn(move))[..., 3]
        assert 0 < np.count_nonzero(seen) < 200


def test_no_moves_give_no_picture():
    assert ToolpathPicture(BOX, COLOURS).picture() is None


def test_print_that_would_take_too_long_gives_no_picture(monkeypatch):
    monkeypatch.setattr(toolpath, "MOST_POINTS", 10_000)

    assert drawn(*walls()) is None


def test_box_without_size_still_shows_its_move():
    assert drawn((5, 5, 0.2, 5, 5, 0.2), box=Box((5, 5), (5, 5), (0.2, 0.2))) is not None


ordinary = st.floats(-30, 30)
odd = st.sampled_from([0.0, -0.0, 1e-300, 1e9, -1e9, np.nan, np.inf, -np.inf, 1e300])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(ordinary | odd, min_size=6, max_size=6), min_size=1, max_size=20))
def test_any_numbers_give_a_picture_or_none(moves):
    picture = drawn(*moves)

    if picture is not None:
        assert pixels(picture)[..., 3].max() > 0


@pytest.mark.parametrize("angle", [0, 40, 90, 150, 200])
def test_lines_look_the_same_from_either_end(angle):
    step = 8 * np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle)), 0])
    there, back = (10 - step, 10 + step), (10 + step, 10 - step)

    assert (pixels(drawn(np.concatenate(there))) == pixels(drawn(np.concatenate(back)))).all()


@pytest.mark.parametrize(("angle", "lit"), [(35, "upper"), (125, "left")])
def test_lines_are_lit_from_above_the_left_shoulder(angle, lit):
    """One that runs to the right as seen, and one that runs away from the eye."""
    step = 8 * np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle)), 0])
    picture = pixels(drawn(np.concatenate((10 - step, 10 + step)), box=Box((9, 11), (9, 11), (9, 11))))
    line = picture[:, 200] if lit == "upper" else picture[150]
    seen = line[line[:, 3] == 255][:, 0].astype(int)
    half = len(seen) // 2

    assert half > 5
    assert seen[:half].mean() > seen[-half:].mean() + 10
