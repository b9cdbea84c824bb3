"""What the shop is told of a model that is odd, and of one that is not."""

from __future__ import annotations

import numpy as np
import pytest

from farm.domain.file import FileKind
from farm.files.mesh.analysis import analyse_model
from tests.files.mesh.made import box, box_3mf, stl


@pytest.fixture
def warnings(tmp_path):
    def warnings(content, kind=FileKind.STL):
        path = tmp_path / f"made.{kind}"
        path.write_bytes(content)
        return analyse_model(path, kind)[0].warnings

    return warnings


def test_sound_model_has_none(warnings):
    assert warnings(stl(box())) == ()


def test_inch_drawn_as_a_millimetre_is_told_with_what_it_would_be(warnings):
    (said,) = warnings(stl(box(1, 1, 1)))

    assert "only 1 mm large" in said
    assert "in inches it would be 25.4 mm, in metres 1,000 mm" in said


def test_unit_that_the_file_says_is_believed(warnings):
    assert warnings(box_3mf("micron"), FileKind.THREE_MF) == ()


def test_two_metres_are_told(warnings):
    (said,) = warnings(stl(box(2000, 20, 20)))

    assert "2,000 mm large" in said
    assert warnings(box_3mf("meter"), FileKind.THREE_MF) == (
        said.replace("2,000", "20,000").replace("mm,", "m,"),
    )


def test_one_triangle_turned_is_told(warnings):
    triangles = box()
    triangles[3] = triangles[3, ::-1]

    (said,) = warnings(stl(triangles))

    assert "turned inside out" in said


def test_worst_comes_first(warnings):
    triangles = box(1, 1, 1)
    triangles[0, 0, 0] = np.nan

    said = warnings(stl(triangles))

    assert [word in line for word, line in zip(("no number", "holes", "unit"), said, strict=True)] == [
        True
    ] * 3
