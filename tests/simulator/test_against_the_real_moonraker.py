"""The simulated Moonraker answers and pushes what the real one did on record, on the same walk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pytest
import trio

from tests.peers.record_moonraker import record, record_pushes
from tests.simulator.comparison import TIMING_TOLERANCE_S, outdated, unlisted, value_differences
from tests.simulator.peers import SimulatedMoonraker, fleet_program

RECORDS = Path(__file__).parents[1] / "transcripts" / "moonraker"
ANSWERS, PUSHES = RECORDS / "moonraker-0.11.0.json", RECORDS / "push-0.11.0.json"
SPEED = 5.0  # that of the stand-in for Klipper behind the real one
BY_THEMSELVES = ("notify_status_update", "notify_proc_stat_update")
"""What is told whether anything happens or not."""
AT_ITS_LEISURE = "notify_filelist_changed"
"""What is told whenever a watcher of the disk comes round to it."""

Json = Any
Scene = list[tuple[float, Json]]

_STAND_IN = "the real one was recorded with a stand-in for Klipper, which shows less or says it otherwise"
_COMPUTER = "about the computer it runs on"

DIFFERENCES = {
    "*.traceback: *": "where in Moonraker's sources it went wrong; the words in it are the same",
    "*: klipper.body.result.*": _COMPUTER,
    "*.warnings: *": _COMPUTER,
    "*.cpu_temp: *": _COMPUTER,
    "*: status.body.result.status.*: only ours": _STAND_IN,
    "*.display_status.message: null instead of str": _STAND_IN,
    "*/states.mcu: only ours": _STAND_IN,
    "*/states.extruder.power: only ours": _STAND_IN,
    "*/states.heater_generic drybox: missing": _STAND_IN,
    "*/states.temperature_sensor board: missing": _STAND_IN,
    ".G-code refused in two lines.*": _STAND_IN,
    ".stopped: status.body.result.status.print_stats.message: *": _STAND_IN,
    ".history, stopped.*": _STAND_IN,
    "*.job.metadata.*": "the simulator does not analyse files: the farm has its own analysis",
    "events in greeting: *": "the real one had just been started",
    "greeting/notify_klippy_ready: missing": "the same",
    "events in emergency stop: *": "the stand-in says its last words twice",
    "events in * started again: *": "Klipper's last line in the terminal, which the stand-in leaves out",
    "events in restarted in the middle: *": "the same",
}
"""Every difference there is, by place (`*` stands for anything), and why it may stay."""

RACES = {".G-code out of range.body.error.message: *": "it says how far the extruder had come"}


@pytest.fixture(scope="module")
def found() -> set[str]:
    """All differences between the records and the same walks with ours."""
    with fleet_program(SPEED) as fleet, ThreadPoolExecutor(1) as beside:
        answers = beside.submit(record, SimulatedMoonraker(fleet))
        pushes = trio.run(record_pushes, SimulatedMoonraker(fleet))
    return {
        *value_differences("", json.loads(ANSWERS.read_text()), answers.result()),
        *push_differences(json.loads(PUSHES.read_text()), json.loads(json.dumps(pushes))),
    }


def push_differences(real: dict[str, Scene], ours: dict[str, Scene]) -> Iterator[str]:
    """Of each scene: what was told in which order, how the first of each kind looks, and in which rhythm."""
    for name, scene in real.items():
        expected, came = list(_events(scene)), list(_events(ours[name]))
        if expected != came:
            yield f"events in {name}: {' '.join(came)} instead of {' '.join(expected)}"
        shapes, other = _shapes(scene), _shapes(ours[name])
        yield from value_differences(f"{name}/", shapes, other)
    for kind in BY_THEMSELVES:
        if abs(_period(real, kind) - _period(ours, kind)) > TIMING_TOLERANCE_S:
            yield f"rhythm of {kind}: another"


def _events(scene: Scene) -> Iterator[str]:
    for _, message in scene:
        kind = message.get("method", "answer")
        if kind not in (*BY_THEMSELVES, AT_ITS_LEISURE):
            action = (message.get("params") or [{}])[0]
            yield f"{kind} {action['action']}" if isinstance(action, dict) and "action" in action else kind


def _shapes(scene: Scene) -> dict[str, Json]:
    """The first message of each kind; of states, all that was told in the scene."""
    shapes: dict[str, Json] = {}
    for _, message in scene:
        if message.get("method") == "notify_status_update":
            states = shapes.setdefault("states", {})
            for name, fields in message["params"][0].items():
                states.setdefault(name, {}).update(fields)
        elif "method" in message:
            shapes.setdefault(message["method"], message)
    return shapes


def _period(scenes: dict[str, Scene], kind: str) -> float:
    """Seconds between two of a kind, where nothing is in the way."""
    times = [at for scene in scenes.values() for at, message in scene if message.get("method") == kind]
    return median(later - earlier for earlier, later in pairwise(times))


def test_every_difference_from_the_real_moonraker_stands_in_the_list(found: set[str]) -> None:
    new = unlisted(found, DIFFERENCES | RACES)
    assert not new, "\n" + "\n".join(sorted(new))


def test_every_difference_in_the_list_still_exists(found: set[str]) -> None:
    assert not outdated(found, DIFFERENCES)
