"""Whether a model fits into a printer, also turned on the plate."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.domain.analysis import BoundingBox, Box, GcodeAnalysis, MeshAnalysis
from farm.domain.fitting import Fit, fit, turn_to_fit

MK4 = (250, 210, 220)


def box(width, depth, height):
    return Box((-7, width - 7), (100, depth + 100), (0, height))


@pytest.mark.parametrize(
    ("size", "turn"),
    [
        ((20, 20, 20), 0),
        ((250, 210, 220), 0),
        ((210, 250, 220), 90),
        ((20, 20, 220.1), None),
        ((1, 325, 1), pytest.approx(50.0, abs=5)),  # the plate is 326.5 from corner to corner
        ((1, 326, 1), None),
        ((240, 230, 10), None),
        ((300, 300, 300), None),
    ],
)
def test_models_on_a_plate_of_250_by_210(size, turn):
    assert turn_to_fit(box(*size), MK4) == turn


def test_rounding_makes_nothing_too_large():
    assert turn_to_fit(Box((0.1, 250.1), (0.1, 210.1), (0.1, 220.1)), MK4) == 0


edges = st.floats(0.1, 500)


@given(edges, edges, edges, edges, st.floats(0, 90))
def test_agrees_with_trying_angles(width, depth, wide, deep, tried):
    found = turn_to_fit(box(width, depth, 10), (wide, deep, 10))

    def room(turn):
        cosine, sine = math.cos(math.radians(turn)), math.sin(math.radians(turn))
        return min(wide - width * cosine - depth * sine, deep - width * sine - depth * cosine)

    if found is None:
        assert room(tried) < 1e-3
    else:
        assert room(found) > -1e-3
        assert tried >= found or room(tried) < 1e-3, "there is a smaller turn"


CUBE = Box((0, 20), (0, 20), (0, 20))
RULER = Box((0, 10), (0, 300), (0, 2))


def model(found):
    return MeshAnalysis(kind="stl", bounding_box=BoundingBox(model=found))


def sliced(found):
    return GcodeAnalysis(bounding_box=BoundingBox(printed=found))


def test_a_model_may_be_turned_and_what_was_sliced_may_not():
    assert fit(model(CUBE), MK4) == Fit(True, 0.0)
    assert fit(sliced(CUBE), MK4) == Fit(True)
    found = fit(model(RULER), MK4)
    assert found.fits
    assert 40 < found.turn_deg < 60
    assert fit(sliced(RULER), MK4) == Fit(
        False, why="it takes 10 x 300 x 2 mm, the printer has 250 x 210 x 220"
    )


def test_what_is_missing_is_said():
    assert fit(None, MK4).why == "what is in the file is not known; look at where its analysis stands"
    assert fit(model(None), MK4) == Fit(None, why="it is not known how large this is")
    assert fit(model(CUBE), None).why == "the printer's profile does not say how large its prints may be"
