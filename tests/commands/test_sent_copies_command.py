"""`farm printer optimise`, over a running server."""

from __future__ import annotations

import json

import pytest

URL = "http://127.0.0.1:9"  # nobody answers at this port


@pytest.fixture
def mk4(server, shop):
    words = ["--url", URL, "--no-probe", "--api-key-stdin"]
    assert shop.types("printer", "add", "mk4", *words, stdin="\n")[0] == 0
    return shop


def shown(shop):
    return json.loads(shop.types("printer", "optimise", "mk4", "--json")[1])


def test_copies_are_switched_on_changed_and_switched_off(mk4):
    assert mk4.types("printer", "optimise", "mk4") == (0, "mk4: files are sent as they are.\n", "")
    assert shown(mk4) is None

    told = mk4.types("printer", "optimise", "mk4", "on", "--tolerance", "0.02", "--progress")
    words = (
        "smaller copies are sent; comments: those that print hosts read; arcs within 0.02 mm; progress told."
    )
    assert told == (0, f"mk4: {words}\n", "")

    told = mk4.types("printer", "optimise", "mk4", "on", "--comments", "none", "--no-arcs", "--no-progress")
    assert told == (0, "mk4: smaller copies are sent; comments: none; no arcs.\n", "")
    assert shown(mk4) == {
        "comments": "none", "arc_tolerance_mm": None, "arc_step_mm": 1.0, "progress": False,
    }  # fmt: skip

    mk4.types("printer", "optimise", "mk4", "on", "--arc-step", "0.5")  # and all else stays
    assert shown(mk4)["arc_step_mm"] == 0.5
    assert shown(mk4)["comments"] == "none"
    assert mk4.types("printer", "optimise", "mk4", "off") == (0, "mk4: files are sent as they are.\n", "")
    assert shown(mk4) is None


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("off", "--progress"), "goes with `on`"),
        (("--comments", "all"), "goes with `on`"),
        (("on", "--tolerance", "7"), "not from 0.001 to 0.5"),
        (("on", "--tolerance", "0.1", "--no-arcs"), "not allowed with"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_changes(mk4, words, complaint):
    code, _, err = mk4.types("printer", "optimise", "mk4", *words)
    assert code == 2
    assert complaint in err
    assert shown(mk4) is None


def test_a_printer_that_is_not_there_is_said(mk4):
    code, _, err = mk4.types("printer", "optimise", "mk5", "on")
    assert (code, "mk5" in err) == (1, True)
