"""What the shop may say of printers that push their prints off, and which prints they may."""

import re
from dataclasses import replace

import pytest

from farm.domain.ejecting import Ejecting, Ended, check_ejecting, ejection_gcode, why_not_ejected
from farm.errors import Invalid

SWEEP = ("G1 Z{over} F900", "G28 X Y", "G1 X110 Y220 F6000", "G1 Z5", "G1 Y0 F1200", "M400")
VOLUME = (220.0, 220.0, 250.0)
WISH = Ejecting(SWEEP, 30.0)
GOOD = Ended(True, 20.0, frozenset({"PLA"}), 0)


def test_an_ejection_goes_up_first_and_heats_nothing():
    lines = ejection_gcode(WISH, 20.0, VOLUME).splitlines()
    assert lines[:5] == ["G21", "G90", "G1 Z25.00 F900", "M104 S0", "M140 S0"]
    assert lines[5:-3] == [*SWEEP[1:], "M400"]
    assert lines[-3:] == ["G4 P4000"] * 3  # a PrusaLink has to be met at it


def test_it_goes_over_a_high_print_as_far_as_it_can():
    assert "G1 Z250.00 F900" in ejection_gcode(WISH, 248.0, VOLUME)


@pytest.mark.parametrize(
    ("wish", "field", "words"),
    [
        ({"release_degc": 200.0}, "release_degc", "come loose"),
        ({"at_most": 0}, "at_most", "look after 1 to 100"),
        ({"cool_within_s": 1.0}, "cool_within_s", "between 60 and 21600"),
        ({"max_height_mm": 300.0}, "max_height_mm", "at most 250 mm"),
        ({"min_height_mm": 20.0, "max_height_mm": 10.0}, "min_height_mm", "more than the most"),
        ({"sweep": (*SWEEP, "M109 S200")}, "sweep", "line 7 of the sweep is no plain move: M109 S200"),
        ({"sweep": (*SWEEP, "M112")}, "sweep", "no plain move"),
        ({"sweep": (*SWEEP, "G28")}, "sweep", "no plain move"),
        ({"sweep": (*SWEEP, "G1 X221")}, "sweep", "leaves the printer: X221"),
        ({"sweep": SWEEP[1:]}, "sweep", "begins by going up"),
    ],
)
def test_what_cannot_be_is_told_by_field(wish, field, words):
    with pytest.raises(Invalid, match=re.escape(words)) as caught:
        check_ejecting(replace(WISH, **wish), VOLUME, "e")
    assert caught.value.field == f"e.{field}"


def test_a_printer_of_unknown_size_has_no_sweep():
    with pytest.raises(Invalid, match="how large") as caught:
        check_ejecting(WISH, None, "e")
    assert caught.value.field == "profile.volume_mm"


def test_a_good_end_is_pushed_off():
    assert why_not_ejected(WISH, GOOD) == ""
    assert why_not_ejected(replace(WISH, materials=frozenset({"pla"})), GOOD) == ""


@pytest.mark.parametrize(
    ("ended", "wish", "words"),
    [
        ({"seen": False}, {}, "did not see"),
        ({"done": 5}, {}, "5 prints were pushed off since somebody looked"),
        ({"done": 1}, {"at_most": 1}, "1 print was pushed off"),
        ({"top_mm": None}, {}, "how high"),
        ({"top_mm": 20.5}, {"max_height_mm": 20.0}, "20.5 mm high; up to 20 mm"),
        ({"top_mm": 1.0}, {"min_height_mm": 5.0}, "1 mm high; from 5 mm on"),
        ({"materials": None}, {"materials": frozenset({"PLA"})}, "made of"),
        ({"materials": frozenset({"TPU", "PLA"})}, {"materials": frozenset({"PLA"})}, "made of TPU"),
    ],
)
def test_other_ends_are_left_to_a_person(ended, wish, words):
    assert words in why_not_ejected(replace(WISH, **wish), replace(GOOD, **ended))
