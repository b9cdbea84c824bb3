"""Words that become commands: one line stays one command, and a number is one that firmwares read."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.drivers.base import command_line, plain_number
from farm.errors import Invalid


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("M115", "M115"),
        ("  G1  X10\tY5  ", "G1 X10 Y5"),
        ("G28 ; home first", "G28"),
        ("M117 hello\nM112", "M117 hello M112"),
        ("M117 hello\r\nM112", "M117 hello M112"),
        ("M117 a\x00b\x1b[0m\x85\u2028c", "M117 a b [0m c"),
        ("M117 Größe 日本", "M117 Größe 日本"),
        (";", ""),
        ("\n\r \t", ""),
        ("", ""),
    ],
)
def test_a_line_is_one_command_without_comment(text: str, line: str) -> None:
    assert command_line(text) == line


@given(st.text())
def test_no_text_becomes_two_commands(text: str) -> None:
    line = command_line(text)

    assert ";" not in line
    assert line.splitlines() in ([], [line])
    assert line == "" or line.isprintable()
    assert command_line(line) == line


@given(st.floats(-999_999, 999_999))
def test_a_number_is_written_short_and_without_exponent(value: float) -> None:
    plain = plain_number(value, "x")

    assert re.fullmatch(r"-?\d{1,6}\.\d{1,3}", repr(plain))
    assert abs(plain - value) <= 0.001
    assert repr(plain) != "-0.0"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e6, -1e300])
def test_what_no_firmware_reads_as_a_number_is_refused(value: float) -> None:
    with pytest.raises(Invalid) as caught:
        plain_number(value, "target_degc")
    assert caught.value.field == "target_degc"
