"""STL in both forms, sound, damaged and lying."""

from __future__ import annotations

import numpy as np
import pytest

from farm.errors import Invalid
from farm.files.mesh.measure import measure
from farm.files.mesh.stl import read_stl
from tests.files.mesh.made import box, stl, stl_text


@pytest.fixture
def read(tmp_path):
    def read(content):
        path = tmp_path / "made.stl"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_stl(path)

    return read


def triangles(model):
    return np.concatenate(list(model.blocks()))


def test_binary_and_text_give_the_same_triangles(read):
    made = box(1.5, 2.25, 1e-3)

    binary, text = triangles(read(stl(made))), triangles(read(stl_text(made)))

    np.testing.assert_array_equal(binary, made.astype(np.float32))
    np.testing.assert_array_equal(text, made)


def test_binary_that_begins_with_solid_is_binary(read):
    model = read(stl(box(), head=b"solid exported by a program that does not care"))

    assert measure(model.blocks()).volume_mm3 == pytest.approx(8000)


def test_model_is_read_as_often_as_one_likes(read):
    model = read(stl_text(box()))

    assert [len(triangles(model)) for _ in range(3)] == [12, 12, 12]


def test_text_longer_than_one_piece_loses_nothing_between_pieces(read):
    made = np.tile(box(), (1300, 1, 1)) + np.arange(1300).repeat(12)[:, None, None] / 8

    model = read(stl_text(made))

    assert len(stl_text(made)) > 2 * 1024 * 1024
    np.testing.assert_array_equal(triangles(model), made)


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n\n", "\n\t "])
def test_lines_may_end_as_they_like(read, end):
    assert len(triangles(read(stl_text(box()).replace("\n", end)))) == 12


def test_words_may_be_capitals_as_some_programs_write_them(read):
    assert len(triangles(read(stl_text(box()).upper()))) == 12


@pytest.mark.parametrize(
    ("said", "meant"),
    [("1", 1.0), ("+.5", 0.5), ("-2.", -2.0), ("1E+2", 100.0), ("-1.25e-3", -0.00125), ("0.1", 0.1)],
)
def test_numbers_in_every_form(read, said, meant):
    model = read(f"solid\nfacet normal 0 0 1\nouter loop\nvertex {said} 0 0\nvertex 0 1 0\nvertex 0 0 1\n")

    assert triangles(model)[0, 0, 0] == meant


@pytest.mark.parametrize("said", ["nan", "inf", "x", "1,5", "1.2.3", "--1", "1e", "", "0x10"])
def test_what_is_no_number_is_told_and_left_out(read, said):
    text = stl_text(box()).replace("vertex 20.0", f"vertex {said}", 1)

    measures = measure(read(text).blocks())

    if said == "1e":  # an exponent without digits says nothing, and nothing is lost
        assert measures.damaged == 0
    else:
        assert (measures.triangles, measures.damaged, measures.is_closed) == (12, 1, False)


def test_facet_that_breaks_off_is_left_out_and_told(read):
    whole = stl_text(box())

    model = read(whole[: whole.rindex("vertex")])

    assert len(triangles(model)) == 11
    assert any("breaks off" in said for said in model.remarks)
    assert not measure(model.blocks()).is_closed


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "too short"),
        (b"\0" * 83, "too short"),
        (stl(box())[:-1], "announces 12 triangles and has room for 11"),
        (stl(box(), count=2**32 - 1), "announces 4,294,967,295 triangles"),
        (stl(box(), tail=b"more"), "goes on after them"),
        (stl(box()[:0]), "no triangles"),
        (b"\x89PNG\r\n\x1a\n" * 100, "this is no STL|breaks off"),
    ],
)
def test_what_is_no_stl_is_refused_in_words(read, content, words):
    with pytest.raises(Invalid, match=words):
        read(content)


@pytest.mark.parametrize("content", ["solid\nendsolid\n", "solid of nothing", "solid\n" + "facet\n" * 99])
def test_text_without_triangles_measures_as_nothing(read, content):
    assert measure(read(content).blocks()) is None


def test_line_without_an_end_is_refused_before_it_fills_memory(read):
    with pytest.raises(Invalid, match="more than a megabyte"):
        list(read("solid " + "x" * 5_000_000).blocks())


def test_lines_of_corners_without_numbers_fit_into_the_room_there_is(read):
    assert measure(read("solid\n" + "v\n" * 300_000).blocks()) is None


def test_numbers_that_signal_are_no_warning(read):
    content = bytearray(stl(box()))
    content[96:100] = b"\x01\0\x80\x7f"

    assert measure(read(bytes(content)).blocks()).damaged == 1


def test_file_that_shrinks_while_it_is_read_is_no_endless_loop(tmp_path):
    path = tmp_path / "made.stl"
    path.write_bytes(stl(box()))
    model = read_stl(path)
    path.write_bytes(b"")

    with pytest.raises(OSError, match="shorter"):
        list(model.blocks())
