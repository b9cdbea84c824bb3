"""Which words of a move the printer can do without."""

from __future__ import annotations

import pytest

from farm.errors import Invalid
from farm.files.optimise.moves import Segment, Toolhead


def taken(*lines: str) -> list[bytes | Segment]:
    return list(Toolhead().shorten(line.encode() for line in lines))


def shortened(*lines: str) -> list[str]:
    texts = (line.text if isinstance(line, Segment) else line for line in taken(*lines))
    return [text.decode() for text in texts if text]


AT = ("M82", "G92 E0", "G1 X10 Y10 Z.2 E1 F1800")  # from here on everything is known


def after(*lines: str) -> list[str]:
    return shortened(*AT, *lines)[len(AT) :]


@pytest.mark.parametrize(
    ("line", "short"),
    [
        ("G1 X20.000 Y10.000 Z0.200 E1.50000 F1800.0", ["G1 X20 E1.5"]),
        ("G1 X-0.5 Y0.50", ["G1 X-0.5 Y.5"]),
        ("G1 X10 Y10", []),
        ("G1 F1800", []),
        ("G1 X10.0 E1", []),
        ("G1 F900 X11", ["G1 X11 F900"]),
        ("G1  X11   Y11", ["G1 X11 Y11"]),
        ("G0 X11 F1800", ["G0 X11 F1800"]),  # some firmwares keep a feed rate of their own for G0
        ("G1 X100", ["G1 X100"]),
        ("G1 X11 ; hello", ["G1 X11 ; hello"]),
        ("G1 X10 ; hello", ["; hello"]),
    ],
)
def test_what_holds_already_is_not_said_again(line, short):
    assert after(line) == short


@pytest.mark.parametrize(
    "line",
    [
        "G1 E5 X20",
        "G1 X10 S200",
        "G1 X1e1",
        "G1 X+10",
        "G1 X10.12345678901234",
        "G1 X",
        "G1 F1800 X10 F1800",
        "g1 x10",
        " G1 X10",
        "G01 X10",
        "{if wipe}G1 X10{endif}",
        "M117 G1 X10  on the way ; to 10.000",
        "M118 X10.000",
        "PARK X=10.000 SPEED='1800'",
        'SET_DISPLAY_TEXT MSG="F1800  X10.0"',
    ],
)
def test_what_is_not_plain_is_written_as_it_stands(line):
    assert after(line) == [line]


@pytest.mark.parametrize(
    "line",
    [
        "T1",
        "G28",
        "PARK",
        "M600",
        "G1 E5 X20",
        "G92",
        "G20",
        "M486 S1",
        "; printing object a",
        "@pause",
        "{x}",
    ],
)
def test_behind_what_may_move_the_toolhead_everything_is_said_again(line):
    assert after(line, "G1 X10 Y10 Z.2 E1 F1800")[1:] == ["G1 X10 Y10 Z.2 E1 F1800"]


@pytest.mark.parametrize("line", ["M104 S200", "M106 S3", "M204 P500", "M73 P1 R2", "G4 P1", "M117 T1"])
def test_what_moves_nothing_makes_it_forget_nothing(line):
    assert after(line, "G1 X10 Y10 Z.2 E1 F1800")[1:] == []


def test_places_that_count_from_the_last_one_are_left_alone():
    assert after("G91", "G1 X0.0 F1800", "G1 Z0.20", "G90", "G1 X10 Y10", "G1 X10") == [
        "G91",
        "G1 X0.0 F1800",
        "G1 Z0.20",
        "G90",
        "G1 X10 Y10",
    ]


@pytest.mark.parametrize(
    ("modes", "short"),
    [
        (["M82"], ["G1 E2"]),
        (["M83"], ["G1 E2", "G1 E2"]),
        (["M83", "G90"], ["G1 E2", "G1 E2"]),  # absolute again for Marlin, and for no other
        (["G91", "G90"], ["G1 E2"]),
        (["RESTORE_GCODE_STATE NAME=x"], ["G1 E2", "G1 E2"]),
    ],
)
def test_filament_is_left_out_only_where_all_firmwares_count_it_alike(modes, short):
    assert after(*modes, "G1 E2", "G1 E2")[len(modes) :] == short


def test_no_filament_is_left_out_where_it_counts_from_line_to_line():
    assert after("M83", "G1 X11 E0.00000", "G1 E0") == ["M83", "G1 X11"]


def test_a_feed_rate_goes_with_the_next_move():
    assert after("G1 F900", "G1 X11", "G1 X12 F600") == ["G1 X11 F900", "G1 X12 F600"]
    assert after("G1 F900", "G1 F600", "M106 S3", "G1 X11") == ["G1 F600", "M106 S3", "G1 X11"]
    assert after("G1 F900", "G1 F1800", "G1 X11") == ["G1 X11"]
    assert after("G1 F900", "G0 X11", "G1 F600") == ["G1 F900", "G0 X11", "G1 F600"]
    assert after("G1 X10 F900", "", "G1 X10 F600", "G1 X11") == ["G1 X11 F600"]
    assert after("G1 F900 ; slow", "G1 X11") == ["G1 F900 ; slow", "G1 X11"]
    assert after("G1 F900", "G91", "G1 F600", "G1 X1") == ["G1 F900", "G91", "G1 F600", "G1 X1"]


@pytest.mark.parametrize("lines", [["X10 Y10"], ["M28 a.gco"], ["E5"]])
def test_a_file_that_depends_on_each_of_its_lines_is_refused(lines):
    with pytest.raises(Invalid):
        after(*lines)


def test_printed_lines_in_the_plane_may_become_arcs_and_others_not():
    lines = [
        "M83",
        "G1 X1 Y1 F600",
        "G1 X2 E1",
        "G1 X3",
        "G1 X4 Z1 E1",
        "G1 E1",
        "G1 X5 E-1",
        "G1 Y5 E.5 F900",
    ]

    segments = [line for line in taken(*lines) if isinstance(line, Segment)]

    assert [(segment.start, segment.end, segment.mm, segment.feed) for segment in segments] == [
        ((1, 1), (2, 1), 1, None),
        ((5, 1), (5, 5), 0.5, b"900"),
    ]


@pytest.mark.parametrize("line", ["G20", "G18", "G91", "M83\nG90", "T0"])
def test_no_line_becomes_an_arc_where_it_is_not_certain_what_it_means(line):
    lines = [*AT, *line.split("\n"), "G1 X11 E2", "G1 Y11 E3"]

    assert not isinstance(taken(*lines)[-2], Segment)
