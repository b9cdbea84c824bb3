"""MeatPack against a packer of our own, written from the same description, and against a real file's text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.files.containers.meatpack import MOST_GROWTH, unpack
from tests.files.containers.made import meatpack

unpack(b"")  # compiled here, and not within a test that has a deadline

MOVES = b"G1 X111.966 Y89.465 E2.20349\nG28\nM104 S200\nG92 E0\nT0\n"


@pytest.mark.parametrize("spaces", [True, False])
def test_what_was_packed_comes_out(spaces: bool):
    assert unpack(meatpack(MOVES, spaces=spaces)) == MOVES


def test_comments_stand_as_they_are():
    text = b"; Layer 1: \xc3\xa4 [\xfe]\nG1 X1 Y2\n;TYPE:Skirt/Brim\n;WIDTH:0.7\nG1 X2 Y3\n"

    assert unpack(meatpack(text)) == text
    assert unpack(meatpack(text, comments=False)) == b"G1 X1 Y2\nG1 X2 Y3\n"


def test_half_of_a_byte_stands_for_a_space_or_for_an_e():
    assert unpack(b"\xff\xff\xfb\xbd\xbe") == b"G X "
    assert unpack(b"\xff\xff\xfb\xff\xff\xf7\xbd") == b"G E"
    assert unpack(b"\xff\xff\xfb\xff\xff\xf7\xff\xff\xf6\xb1") == b"1 "


def test_literals_follow_their_byte():
    assert unpack(b"\xff\xff\xfb\xffAB") == b"AB"
    assert unpack(b"\xff\xff\xfb\xf1A") == b"1A"
    assert unpack(b"\xff\xff\xfb\x1fA") == b"A1"


def test_text_that_is_not_packed_passes():
    assert unpack(b"G28 ; home\n") == b"G28 ; home\n"
    assert unpack(b"\xff\xff\xfb\x1d\x0c\xff\xff\xf9G90\n") == b"G1\nG90\n"


def test_line_of_an_odd_length_is_filled_up_and_the_filling_left_out():
    assert unpack(b"\xff\xff\xfb\x1d\x0c\x1d") == b"G1\nG1"


@pytest.mark.parametrize(
    "cut", [b"\xff\xff\xfb\xff", b"\xff\xff\xfb\xffA", b"\xff\xff\xfb\xf1", b"\xff\xff", b"\xff", b""]
)
def test_end_in_the_middle_is_left_out(cut: bytes):
    assert len(unpack(cut)) <= 2


WORDS = st.builds("{}{}".format, st.sampled_from("XYZEFIJ"), st.decimals(-999, 999, places=3))
LETTERS = st.characters(codec="ascii", min_codepoint=32, exclude_characters=";")
LINES = st.one_of(
    st.lists(WORDS, min_size=1, max_size=6).map(lambda words: "G1 " + " ".join(words)),
    st.text(LETTERS, min_size=1, max_size=40).map("; {}".format),
    st.integers(0, 999).map("M{}".format),
)


@settings(deadline=None)
@given(st.lists(LINES, max_size=30), st.booleans())
def test_every_text_comes_out_as_it_went_in(lines: list[str], spaces: bool):
    text = "".join(f"{line}\n" for line in lines).encode()

    assert unpack(meatpack(text, spaces=spaces)) == text


@settings(deadline=None)
@given(st.binary(max_size=2000))
def test_no_bytes_bring_it_down_or_grow_without_end(data: bytes):
    assert len(unpack(data)) <= MOST_GROWTH * len(data)
    assert len(unpack(b"\xff\xff\xfb\xff\xff\xf7" + data)) <= MOST_GROWTH * (len(data) + 6)
