"""File names: readable for people, harmless for printers."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.domain.file import MAX_NAME_BYTES, FileKind, kind_of, readable_name, remote_name
from farm.errors import Invalid, WrongFileType


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("cube.gcode", "cube.gcode"),
        ("shop a/Würfel.gcode", "Würfel.gcode"),
        ("C:\\prints\\x.gcode", "x.gcode"),
        ("../../etc/passwd.gcode", "passwd.gcode"),
        ("a\nb\x00.gcode", "ab.gcode"),
        ("\u202egpj.gcode", "gpj.gcode"),
        ("a.gcode. ", "a.gcode"),
        ("Wu\u0308rfel.gcode", "Würfel.gcode"),
    ],
)
def test_a_name_is_shown_as_people_wrote_it_without_its_traps(sent, shown):
    assert readable_name(sent) == shown


@pytest.mark.parametrize("sent", ["", "   ", ".", "..", "a/", "\x00\x01", "/"])
def test_a_name_with_nothing_readable_is_refused(sent):
    with pytest.raises(Invalid):
        readable_name(sent)


@given(st.text(max_size=400))
def test_a_readable_name_is_short_plain_and_stays_as_it_is(sent):
    try:
        name = readable_name(sent)
    except Invalid:
        return
    assert 0 < len(name.encode()) <= MAX_NAME_BYTES
    assert not set(name) & {"/", "\\"}
    assert not any(unicodedata.category(c) in ("Cc", "Cf") for c in name)
    assert readable_name(name) == name


def test_a_long_name_keeps_its_ending():
    assert readable_name("x" * 300 + ".gcode").endswith("x.gcode")
    assert readable_name("日" * 300 + ".gcode").endswith("日.gcode")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.gcode", FileKind.GCODE),
        ("A.GCO", FileKind.GCODE),
        ("b.g", FileKind.GCODE),
        ("a.bgcode", FileKind.BINARY_GCODE),
        ("plate_1.GCODE.3mf", FileKind.GCODE_3MF),
        ("a.ufp", FileKind.UFP),
        ("a.gcode.stl", FileKind.STL),
        ("a.obj", FileKind.OBJ),
        ("gcode.3mf", FileKind.THREE_MF),
    ],
)
def test_the_ending_tells_the_kind(name, kind):
    assert kind_of(name) is kind


@pytest.mark.parametrize("name", ["a.step", "a", "gcode", "stl", "a.gcode.exe", "a.gcode.gz"])
def test_other_endings_are_refused_with_those_that_are_taken(name):
    with pytest.raises(WrongFileType, match=r"\.gcode"):
        kind_of(name)


@given(st.text(min_size=1, max_size=300).map(lambda stem: stem + ".gcode"))
def test_a_remote_name_is_plain_ascii_and_starts_with_its_attempt(name):
    remote = remote_name("a1b2c3", name)
    assert re.fullmatch(r"a1b2c3_[A-Za-z0-9_-]+\.gcode", remote)
    assert len(remote) < 64
