"""OBJ: faces of all sorts, indices of all sorts."""

from __future__ import annotations

import numpy as np
import pytest

from farm.errors import Invalid
from farm.files.mesh import obj as reader
from farm.files.mesh.measure import measure
from farm.files.mesh.obj import read_obj
from tests.files.mesh.made import box, obj

SQUARE = "v 0 0 0\nv 10 0 0\nv 10 10 0\nv 0 10 0\n"


@pytest.fixture
def read(tmp_path):
    def read(text):
        path = tmp_path / "made.obj"
        path.write_text(text, encoding="utf-8")
        return read_obj(path)

    return read


def triangles(model):
    return np.concatenate(list(model.blocks()))


def test_box_comes_back_as_it_was(read):
    made = box(1, 2, 3)

    np.testing.assert_array_equal(triangles(read(obj(made))), made)


@pytest.mark.parametrize(
    "face",
    [
        "f 1 2 3",
        "f 1/1 2/2 3/3",
        "f 1//7 2//8 3//9",
        "f 1/1/1 2/2/2 3/3/3",
        "f\t-4 -3 -2 # back",
        "  f 1 2 3 ",
    ],
)
def test_face_in_every_form(read, face):
    assert triangles(read(SQUARE + face)).tolist() == [[[0, 0, 0], [10, 0, 0], [10, 10, 0]]]


def test_faces_with_more_corners_become_fans(read):
    assert triangles(read(SQUARE + "f 1 2 3 4\n")).tolist() == [
        [[0, 0, 0], [10, 0, 0], [10, 10, 0]],
        [[0, 0, 0], [10, 10, 0], [0, 10, 0]],
    ]


def test_faces_may_name_corners_that_come_later(read):
    assert len(triangles(read("f 1 2 3\n" + SQUARE))) == 1


def test_corners_with_colours_and_weights_and_lines_of_other_things(read):
    others = "mtllib a.mtl\no box\nvt 0 0\nvn 0 0 1\ng a\ns off\nusemtl m\nl 1 2\n"
    text = others + "v 0 0 0 1 0 0\nv 1 0 0 1.0\n" + others + "v 0 1 0\nf 1 2 3\n" + others

    assert triangles(read(text)).tolist() == [[[0, 0, 0], [1, 0, 0], [0, 1, 0]]]


@pytest.mark.parametrize(
    "face",
    [
        "f 0 1 2",
        "f 1 2 5",
        "f -5 1 2",
        "f a b c",
        "f 1 2",
        "f 1 2 99999999999999999999",
        "f 1.5 2 3",
        "f 1 2 -",
    ],
)
def test_faces_without_their_corners_are_left_out_and_told(read, face):
    model = read(SQUARE + face + "\nf 1 2 3\n")

    assert len(triangles(model)) == 1
    assert model.remarks == ("1 faces name corners that are not there, and were left out.",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no faces"),
        (SQUARE, "has no faces"),
        ("f 1 2 3\n", "none of its|its 0 corners"),
        (SQUARE + "f 7 8 9\n", "its 4 corners"),
        ("\N{BYTE ORDER MARK}" + "v 0 0 0" * 200_000, "more than a megabyte"),
    ],
)
def test_what_has_nothing_to_print_is_refused_in_words(read, text, words):
    with pytest.raises(Invalid, match=words):
        read(text)


def test_numbers_that_are_none_are_told_and_left_out(read):
    measures = measure(read(obj(box()).replace("v 0.0 0.0 0.0", "v nan 1e999 zero", 1)).blocks())

    assert measures.triangles == 12
    assert 3 <= measures.damaged <= 6
    assert not measures.is_closed


def test_lines_of_corners_without_numbers_fit_into_the_room_there_is(read):
    text = "v \n" * 300_000 + "v\t\n" * 300_000 + SQUARE + "f -1 -2 -3\n" + "f \n" * 300_000

    assert len(triangles(read(text))) == 1


def test_long_file_loses_nothing_between_pieces(read):
    made = np.tile(box(), (1500, 1, 1)) + np.arange(1500).repeat(12)[:, None, None] * 100 / 7
    text = obj(made)

    measures = measure(read(text).blocks())

    assert len(text) > 1024 * 1024 / 2
    assert (measures.triangles, measures.bodies) == (18_000, 1500)
    assert measures.volume_mm3 == pytest.approx(1500 * 8000)


def test_more_than_the_farm_takes_is_refused(read, monkeypatch):
    monkeypatch.setattr(reader, "MOST_TRIANGLES", 5)

    with pytest.raises(Invalid, match="simplify"):
        read(obj(box()))
