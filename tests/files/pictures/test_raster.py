"""Pictures of models: what is near hides what is far, what is lit is bright, and nothing else is drawn."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from farm.files.pictures import raster
from farm.files.pictures.canvas import AXES, HEIGHT, WIDTH, Canvas, shaded
from farm.files.pictures.raster import draw_model
from tests.files.mesh.made import box


def pixels(picture):
    """Shape (HEIGHT, WIDTH, 4)."""
    return np.asarray(Image.open(io.BytesIO(picture.data)))


def drawn(*parts):
    return pixels(draw_model(lambda: iter(parts)))


def brightness(picture, where):
    return picture[where][..., :3].astype(float).mean()


def test_picture_is_a_png_of_the_size_the_page_shows():
    picture = draw_model(lambda: iter([box()]))

    assert (picture.media, picture.width, picture.height) == ("image/png", 400, 300)
    assert pixels(picture).shape == (300, 400, 4)


def test_same_model_gives_the_same_bytes_in_whatever_pieces():
    whole, halves = [box()], [box()[:5], box()[5:]]

    assert draw_model(lambda: iter(whole)).data == draw_model(lambda: iter(halves)).data


def test_background_is_clear_and_the_model_is_not():
    picture = drawn(box())

    assert set(np.unique(picture[[0, -1]][..., 3])) == {0}
    assert picture[HEIGHT // 2, WIDTH // 2, 3] == 255
    assert set(np.unique(picture[..., 3])) - {0, 255}, "edges are smooth"


def test_model_fills_the_frame_one_way_and_lies_in_its_middle():
    rows, columns = np.nonzero(drawn(box())[..., 3])
    fill = max(np.ptp(rows) / HEIGHT, np.ptp(columns) / WIDTH)

    assert 0.85 < fill < 0.95
    assert (rows.min() + rows.max()) / 2 == pytest.approx(HEIGHT / 2, abs=1.5)
    assert (columns.min() + columns.max()) / 2 == pytest.approx(WIDTH / 2, abs=1.5)


@pytest.mark.parametrize("scale", [1e-4, 1, 1e6])
def test_size_does_not_matter(scale):
    picture, expected = drawn(box() * scale), drawn(box())

    assert np.abs(picture.astype(int) - expected).max() <= 32  # a point of nine on an edge may go either way
    assert (picture != expected).any(axis=2).sum() < 200


def test_top_front_and_right_are_told_apart():
    picture = drawn(box())
    top, front, right = (slice(60, 80), 200), (slice(150, 230), 150), (slice(150, 200), 280)

    assert brightness(picture, top) > brightness(picture, front) + 20
    assert brightness(picture, front) > brightness(picture, right) + 20


def test_light_on_page_and_dark_page_both_show_the_model():
    picture = drawn(box())
    solid = picture[picture[..., 3] == 255][:, :3] @ [0.2126, 0.7152, 0.0722]

    assert solid.max() < 200, "seen on white"
    assert solid.min() > 60, "seen on black"


def test_inside_out_looks_the_same():
    turned = np.ascontiguousarray(box()[:, ::-1])

    assert (drawn(turned) == drawn(box())).all()


def test_what_is_behind_is_hidden_whichever_comes_first():
    to_eye = AXES[2]
    near, far = box(20, 20, 20) + 100 * to_eye, box(4, 4, 4) + 8 - 100 * to_eye
    alone = drawn(near)

    assert (drawn(near, far) == alone).all()
    assert (drawn(far, near) == alone).all()


def test_flat_sheet_is_covered_without_a_gap():
    """200 x 200 squares of two triangles: nothing shines through where they meet."""
    at = np.stack(np.meshgrid(np.arange(201.0), np.arange(201.0), [0.0], indexing="ij"), -1)[:, :, 0]
    a, b, c, d = at[:-1, :-1], at[1:, :-1], at[1:, 1:], at[:-1, 1:]
    sheet = np.concatenate([np.stack(t, 2).reshape(-1, 3, 3) for t in ((a, b, c), (a, c, d))])

    picture, plain = (
        drawn(sheet),
        drawn(np.array([[a[0, 0], b[-1, 0], c[-1, -1]], [a[0, 0], c[-1, -1], d[0, -1]]])),
    )

    assert (picture == plain).all()


@pytest.mark.parametrize(
    "nothing", [np.empty((0, 3, 3)), np.full((3, 3, 3), np.nan), np.full((3, 3, 3), 1e12)]
)
def test_nothing_to_see_gives_no_picture(nothing):
    assert draw_model(lambda: iter([nothing])) is None


def test_model_that_would_take_too_long_gives_no_picture(monkeypatch):
    monkeypatch.setattr(raster, "MOST_POINTS", 1_000_000)

    assert draw_model(lambda: iter([box()] * 50)) is None
    assert draw_model(lambda: iter([box()])) is not None


ordinary = st.floats(-1e3, 1e3)
odd = st.sampled_from([0.0, -0.0, 1e-300, 1e8, -1e8, np.nan, np.inf, -np.inf, 1e300])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(ordinary | odd, min_size=9, max_size=9), min_size=1, max_size=20))
def test_any_numbers_give_a_picture_or_none(numbers):
    triangles = np.array(numbers, np.float64).reshape(-1, 3, 3)
    picture = draw_model(lambda: iter([triangles]))

    if picture is not None:
        assert pixels(picture).shape == (HEIGHT, WIDTH, 4)


def test_each_pixel_is_the_mean_of_its_points():
    canvas = Canvas.around(np.zeros(3), np.ones(3), 3)
    canvas.colours[:2, :3] = shaded(np.array([180.0, 120, 60]), 0.5)
    corner = pixels(canvas.picture())[-1, 0]

    assert corner.tolist() == [90, 60, 30, round(255 * 2 * 3 / 3**2)]
