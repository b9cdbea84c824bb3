"""The simulated PrusaLink answers what the real one did on record, on the same walk through a life."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.peers.record_prusalink import record
from tests.simulator.comparison import outdated, unlisted, value_differences
from tests.simulator.peers import SimulatedPrusaLink, fleet_program

pytestmark = pytest.mark.long

RECORD = Path(__file__).parents[1] / "transcripts" / "prusalink" / "prusalink-0.8.1.json"
SPEED = 3.0  # its prints outlast the walk, and their ends do not take as long as for a photograph

_NO_ANALYSIS = "the simulator does not analyse files: the farm has its own analysis"
_PAGE = "how a page for people looks"
_FORGETS = "the real one forgets how far it is when somebody is wanted, and hears it again afterwards"

DIFFERENCES = {
    "*.meta.normal_*_present: missing": _NO_ANALYSIS,
    ".delete, gone.body: *": _PAGE,
    ".no key*.body: *": _PAGE,
    ".no key*.headers.www-authenticate: *": "the nonce, and what goes with it",
    ".starting: version.body.url: missing": "where more is said about it",
    ".info.body.name: *": "who it is",
    ".info.body.serial: *": "who it is",
    ".version.body.hostname: *": "who it is",
    ".waits for somebody: *.inaccurate_estimates: *": _FORGETS,
    ".waits for somebody: *.time_*": _FORGETS,
}
"""Every difference there is, by place (`*` stands for anything), and why it may stay."""


@pytest.fixture(scope="module")
def found() -> set[str]:
    """All differences between the record and the same walk with ours."""
    with fleet_program(SPEED) as fleet:
        answers = record(SimulatedPrusaLink(fleet))
    return set(value_differences("", json.loads(RECORD.read_text()), answers))


def test_every_difference_from_the_real_prusalink_stands_in_the_list(found: set[str]) -> None:
    new = unlisted(found, DIFFERENCES)
    assert not new, "\n" + "\n".join(sorted(new))


def test_every_difference_in_the_list_still_exists(found: set[str]) -> None:
    assert not outdated(found, DIFFERENCES)
