"""`farm printer eject`, over a running server."""

from __future__ import annotations

import json

import pytest

URL = "http://127.0.0.1:9"  # nobody answers at this port
SWEEP = "G1 Z{over} F900 ; up\n\nG1 X110 Y210 F6000\nG1 Z5\nG1 Y0 F1200\n"


@pytest.fixture
def mk4(server, shop):
    words = ["--url", URL, "--no-probe", "--api-key-stdin", "--model", "Prusa MK4"]
    assert shop.types("printer", "add", "mk4", *words, stdin="\n")[0] == 0
    return shop


def shown(shop):
    return json.loads(shop.types("printer", "eject", "mk4", "--json")[1])


def test_ejecting_is_switched_on_by_who_has_read_what_may_happen(mk4, tmp_path):
    sweep = tmp_path / "sweep.gcode"
    sweep.write_text(SWEEP)
    assert mk4.types("printer", "eject", "mk4") == (0, "mk4: people clear its plate.\n", "")
    how = ["--sweep", str(sweep), "--release", "30", "--at-most", "3"]

    code, _, err = mk4.types("printer", "eject", "mk4", "on", *how)
    assert code == 1
    assert "answers for it" in err
    assert shown(mk4) == {"auto_eject": False, "ejection": None}

    told = mk4.types("printer", "eject", "mk4", "on", *how, "--confirmed")
    words = "pushes prints off by itself once its bed is at 30 °C, 3 in a row until somebody looks."
    assert told == (0, f"mk4: {words}\n", "")
    assert shown(mk4)["ejection"]["sweep"][:2] == ["G1 Z{over} F900", "G1 X110 Y210 F6000"]

    assert mk4.types("printer", "eject", "mk4", "off")[0] == 0
    assert not shown(mk4)["auto_eject"]
    assert mk4.types("printer", "eject", "mk4", "on")[0] == 0  # as it was confirmed
    assert mk4.types("printer", "eject", "mk4", "on", "--release", "40")[0] == 1  # another is confirmed anew
    assert shown(mk4)["ejection"]["release_degc"] == 30


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("off", "--release", "30"), "goes with `on`"),
        (("on",), "--sweep is missing"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_changes(mk4, words, complaint):
    code, _, err = mk4.types("printer", "eject", "mk4", *words)
    assert code == 2
    assert complaint in err
    assert shown(mk4) == {"auto_eject": False, "ejection": None}
