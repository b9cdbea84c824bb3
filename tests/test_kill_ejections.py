"""kill -9 of the server in every gap of an ejection, against printers that live in another process.

They count what is started on them. Whatever the moment: no ejection begins twice, and a plate counts as clear
only where a printer has come to the end of its ejection, or a person has cleared it.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from farm.domain.analysis import ANALYSIS_VERSION, BoundingBox, Box, GcodeAnalysis
from farm.domain.file import FileAnalysis, FileState
from farm.store import file_analyses, files
from farm.store.connection import FARM, dial_existing, for_writing
from tests.peers.farm_process import FarmProcess
from tests.test_farm_ejects import PRINT, SWEEP
from tests.test_kill_nine import IMPATIENT_FARM, LOSING, SCALE, WELL, Simulator, simulator

KILLS_A_GAP = 5 if SCALE >= 1 else 1
PRINTERS = 3
TRIES = 3  # some gaps are a few milliseconds wide
SPEED = 20.0  # a bed cools down in six seconds
ENDS_WITHIN_S = 150.0
OPEN = ("cooling", "uploading", "starting", "pushing", "paused")
EJECTS = {
    "volume_mm": [220, 220, 250],
    "auto_eject": True,
    "ejection": {"sweep": list(SWEEP), "release_degc": 50, "at_most": 100, "confirmed": True},
}
A_PART = GcodeAnalysis(bounding_box=BoundingBox(Box((10.0, 90.0), (10.0, 20.0), (0.2, 1.0))))

States = dict[str, str]
"""Of every ejection, by its name on its printer."""


@dataclass(frozen=True)
class Gap:
    """switches: of every printer until the kill. reached: whether now is the moment."""

    name: str
    switches: dict[str, Any]
    reached: Callable[[States, Counter[str]], bool]


def _some(state: str, started: bool | None = None) -> Callable[[States, Counter[str]], bool]:
    def reached(states: States, starts: Counter[str]) -> bool:
        return any(
            now == state and (started is None or (starts[name] > 0) is started)
            for name, now in states.items()
        )

    return reached


GAPS = [
    Gap("committed, the bed cools", WELL, _some("cooling")),
    Gap("its file is sent", {"slow_ms": 300}, _some("uploading")),
    Gap("start committed, not sent or not received", WELL, _some("starting", started=False)),
    Gap("start received, not answered", {"slow_ms": 1500}, _some("starting", started=True)),
    Gap("answer swallowed", LOSING, _some("starting", started=True)),
    Gap("it pushes", WELL, _some("pushing")),
    Gap("it is over, the plate just counted clear", WELL, _some("done")),
]


def ejections(server: FarmProcess) -> States:
    return dict(server.rows("SELECT remote_name, state FROM ejections"))


def set_up(server: FarmProcess, printers: Simulator) -> str:
    """A farm whose printers eject, and a file of which is known how high its print is; its id."""
    server.start(IMPATIENT_FARM)
    server.make_owner()
    for printer in printers.printers:
        connection = {"kind": "octoprint", "url": printer["url"], "api_key": printer["api_key"]}
        wish = {"id": printer["id"], "name": printer["id"], "connection": connection, "profile": EJECTS}
        added = server.ask("POST", "/v1/printers", json=wish)
        assert added.status_code == 201, added.text
    file = str(server.ask("POST", "/v1/files?name=part.gcode", content=PRINT).json()["id"])
    server.kill()
    with closing(for_writing(dial_existing(server.folder / "farm.db"), FARM)) as db:
        known = FileAnalysis(FileState.READY, None, A_PART, ANALYSIS_VERSION)
        file_analyses.note_analysis(db, files.existing(db, file), known, datetime.now(UTC))
    server.start(IMPATIENT_FARM)
    return file


def begin_prints(server: FarmProcess, file: str) -> None:
    """What people do: clear every plate that is not, and wish for a print each."""
    statuses = server.ask("GET", "/v1/printers").json()["items"]
    stuck = [each["id"] for each in statuses if each["status"]["plate"] != "clear"]
    if stuck:
        server.ask("POST", "/v1/plates/clear", json={"printers": stuck})
    for job, state in server.rows("SELECT id, state FROM print_jobs"):
        if state in ("needs_review", "quarantined"):
            server.ask("POST", f"/v1/jobs/{job}/retry")
    for _ in statuses:
        server.ask("POST", "/v1/jobs", json={"file": file})


def reach(gap: Gap, server: FarmProcess, printers: Simulator) -> bool:
    """Let the shop work until a new ejection is in the gap; False when all of them have passed it by."""
    before = set(ejections(server))
    deadline = time.monotonic() + ENDS_WITHIN_S
    while time.monotonic() < deadline:
        new = {name: state for name, state in ejections(server).items() if name not in before}
        starts = printers.starts() if "starting" in new.values() else Counter[str]()
        if gap.reached(new, starts):
            return True
        if len(new) == PRINTERS and not any(state in OPEN for state in new.values()):
            return False
        time.sleep(0.004)
    return False


def let_end(server: FarmProcess, printers: Simulator) -> None:
    """Until every ejection is over, whoever has the next word."""
    deadline = time.monotonic() + ENDS_WITHIN_S
    while open_ones := [name for name, state in ejections(server).items() if state in OPEN]:
        check(server, printers)
        assert time.monotonic() < deadline, f"never decided: {open_ones}"
        time.sleep(0.5)
    check(server, printers)


def check(server: FarmProcess, printers: Simulator) -> None:
    counted = [name for (name,) in server.rows("SELECT remote_name FROM ejections WHERE state = 'done'")]
    cleared = server.rows(
        """SELECT id FROM state_changes
           WHERE thing = 'plate' AND to_state = 'clear' AND why LIKE '%auto-eject%'"""
    )
    plates = dict(server.rows("SELECT id, plate FROM printers"))
    left = server.rows(
        """SELECT ejections.printer FROM ejections WHERE state != 'done' AND began_at = (
               SELECT max(began_at) FROM ejections AS newer WHERE newer.printer = ejections.printer)
           AND NOT EXISTS (SELECT 1 FROM state_changes WHERE thing = 'plate' AND to_state = 'clear'
               AND thing_id = ejections.printer AND at > ejections.began_at)"""
    )
    finished = sum((Counter(printer["finished"]) for printer in printers.all()), Counter[str]())
    twice = {name: times for name, times in printers.starts().items() if times > 1}
    assert not twice, f"begun twice: {twice}"
    assert all(finished[name] == 1 for name in counted), "counted clear, and no printer came to its end"
    assert len(cleared) == len(counted), "a plate was counted clear without an ejection, or not with one"
    assert not [printer for (printer,) in left if plates[printer] == "clear"], "taken for clear, wrongly"


@pytest.mark.timeout(3600)
@pytest.mark.skipif(os.name != "posix", reason="kills with SIGKILL")
def test_no_ejection_begins_twice_or_counts_unseen_wherever_the_server_is_killed(tmp_path: Path) -> None:
    chance, kills = random.Random(7), Counter[str]()
    with (
        simulator(tmp_path / "simulator.log", printers=PRINTERS, speed=SPEED) as printers,
        httpx.Client(trust_env=False) as http,
    ):
        server = FarmProcess(tmp_path / "data", http)
        try:
            file = set_up(server, printers)
            for gap in GAPS * KILLS_A_GAP:
                for _ in range(TRIES):
                    begin_prints(server, file)
                    printers.change(**gap.switches)
                    if reach(gap, server, printers):
                        kills[gap.name] += 1
                        break
                time.sleep(chance.choice([0, 0, 0.002, 0.01]))
                server.kill()
                printers.change(**WELL)
                server.start(IMPATIENT_FARM)
                let_end(server, printers)
        finally:
            if server.process is not None:
                server.kill()
    assert set(ejections(server).values()) == {"done", "left"}
    print(f"\nkills: {dict(kills)}")  # noqa: T201
    for gap in GAPS:
        assert kills[gap.name] >= 0.8 * KILLS_A_GAP, f"the gap was hardly reached: {kills}"
