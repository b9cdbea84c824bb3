"""The simulated OctoPrint says, word for word where it matters, what the real one said on record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import trio

from farm.simulator.process import FleetProcess, fleet_process
from tests.simulator.comparison import differences, outdated, unlisted
from tests.simulator.conversation import ACTS, Told, converse

RECORD = Path(__file__).parents[1] / "transcripts" / "octoprint" / "conversation-1.11.8.json"
SPEED = 5.0  # its moves then take about as long as those of OctoPrint's own virtual printer

_NO_ANALYSIS = "the simulator does not analyse files: the farm has its own analysis and asks no host for one"
_MOTION = "how long the machine takes: ours moves and heats as a printer does, the virtual one in its own way"

DIFFERENCES = {
    "*/body.options.ports*": "the ports are those of the computer",
    "*/connected.permissions*": "8 kB of OctoPrint's rights, always the same, that no client of ours reads",
    "login*/body.needs.role*": "the same rights once more",
    "events/MetadataAnalysis*": _NO_ANALYSIS,
    "*/body.gcodeAnalysis: missing": _NO_ANALYSIS,
    "*job.estimatedPrintTime: *": _NO_ANALYSIS,
    "*job.filament: *": _NO_ANALYSIS,
    "events/ConnectionsAutorefreshed: missing": "about the ports of the computer",
    "thermal runaway/event Error.logs*": "the simulator has no terminal log",
    "figures/print to the end: *": _MOTION,
    "figures/cancel while heating: *": _MOTION,
}
"""Every difference there is, by place (`*` stands for anything), and why it may stay."""

RACES = {
    "cancel while heating/event PrintCancelled.reason: missing": "one object, changed while it is being sent",
    "events in cancel while heating: *": "the pause that was cancelled is sometimes told of afterwards",
    "events in before copies: *": "an end is noted before or after the printer is free again",
    "events in print of a copy: *": "the same",
    "events in thermal runaway: *": "the failed print is told of before or after the line is closed",
    "events/PrintPaused: missing": "the same",
    "events/PositionUpdate: missing": "the same",
    "print to the end/current Printing.*": "it rushes through the chip: a picture shows any moment of it",
    "events/ClientAuthed: missing": "told before or after the client may hear it",
}
"""What the real one does one time so and one time so, depending on which of its threads is first."""


async def talk(fleet: FleetProcess, told: dict[str, Told], name: str, printer: str) -> None:
    address = fleet.printers[printer]
    told[name] = await converse(address.url, address.api_key, ACTS[name])


@pytest.fixture(scope="module")
def found() -> set[str]:
    """All differences between the record and the same talk with ours, each act with a printer of its own."""

    async def everything() -> dict[str, Told]:
        told: dict[str, Told] = {}
        async with fleet_process(len(ACTS), speed=SPEED, seed=1) as fleet:
            await trio.sleep(1)
            async with trio.open_nursery() as nursery:
                for name, printer in zip(ACTS, fleet.printers, strict=True):
                    nursery.start_soon(talk, fleet, told, name, printer)
        return told

    real = {name: Told(**act) for name, act in json.loads(RECORD.read_text()).items()}
    ours = trio.run(everything)
    return {difference for name in ACTS for difference in differences(real[name], ours[name])}


def test_every_difference_from_the_real_octoprint_stands_in_the_list(found: set[str]) -> None:
    new = unlisted(found, DIFFERENCES | RACES)
    assert not new, "\n" + "\n".join(sorted(new))


def test_every_difference_in_the_list_still_exists(found: set[str]) -> None:
    assert not outdated(found, DIFFERENCES)
