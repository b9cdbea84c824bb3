"""The whole server is stopped in the midst of prints (SIGSTOP) and goes on: as after sleep, nothing is lost.

Its printers are simulated in a process of their own, which goes on printing meanwhile.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.peers.farm_process import FarmProcess, running_farm, until

CHIP = Path(__file__).parent / "data" / "gcode" / "chip6_fast.gcode"
SCALE = float(os.environ.get("FARM_TEST_SCALE", "0.1"))
STOPPED_S = 20.0 if SCALE >= 1 else 12.0  # longer than any push socket may be silent
SOON_S, LATE_S = 60.0, 180.0
GOES_ON = {"kind": "simulated", "dialect": "octoprint", "speed": 0.1}  # two minutes
ENDS = {"kind": "simulated", "dialect": "octoprint", "speed": 1}  # some twelve seconds
PRINTERS = {"long1": GOES_ON, "long2": {**GOES_ON, "dialect": "moonraker"}, "short": ENDS}

pytestmark = pytest.mark.skipif(os.name != "posix", reason="stops processes with signals")


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[FarmProcess]:
    with running_farm(tmp_path / "data") as farm:
        yield farm


def statuses(farm: FarmProcess) -> dict[str, dict[str, Any]]:
    return {each["id"]: each["status"] for each in farm.ask("GET", "/v1/printers").json()["items"]}


def begin_prints(farm: FarmProcess) -> dict[str, str]:
    """Every printer prints a job of its own. Returns the jobs by printer."""
    octets = {"Content-Type": "application/octet-stream"}
    sent = farm.ask("POST", f"/v1/files?name={CHIP.name}", octets, content=CHIP.read_bytes())
    jobs = {}
    for name, connection in PRINTERS.items():
        wish = {"id": name, "name": name, "connection": connection}
        assert farm.ask("POST", "/v1/printers", json=wish).status_code == 201
        job = {"file": sent.json()["id"], "required_printers": [name]}
        jobs[name] = farm.ask("POST", "/v1/jobs", json=job).json()["id"]
    until(lambda: all(each["connection"] == "online" for each in statuses(farm).values()))
    for name in sorted(PRINTERS):  # the short one last
        cleared = farm.ask("POST", f"/v1/printers/{name}/commands", json={"command": "plate_cleared"})
        assert cleared.status_code == 202, cleared.text
    until(lambda: all(each["operation"] == "printing" for each in statuses(farm).values()))
    return jobs


def test_a_server_that_was_stopped_sees_to_every_print_and_begins_none_twice(farm: FarmProcess) -> None:
    jobs = begin_prints(farm)
    assert farm.process is not None
    farm.process.send_signal(signal.SIGSTOP)
    time.sleep(STOPPED_S)
    farm.process.send_signal(signal.SIGCONT)

    def alerts() -> list[dict[str, Any]]:
        told = farm.ask("GET", "/v1/events?since=0&limit=500&wait_s=0&rooms=alerts").json()
        return [each for each in told["items"] if each["type"] == "system.alert"]

    (alert,) = until(alerts)
    assert alert["data"]["stood_s"] == pytest.approx(STOPPED_S, abs=SOON_S / 4)
    assert "stood still" in alert["data"]["sentence"]
    until(lambda: all(each["connection"] == "online" for each in statuses(farm).values()))
    until(lambda: farm.ask("GET", f"/v1/jobs/{jobs['short']}").json()["state"] == "done")
    assert {statuses(farm)[name]["operation"] for name in ("long1", "long2")} == {"printing"}
    until(
        lambda: all(farm.ask("GET", f"/v1/jobs/{job}").json()["state"] == "done" for job in jobs.values()),
        LATE_S,
    )

    rows = farm.rows("SELECT printer, state FROM prints ORDER BY printer")
    assert rows == [(name, "finished") for name in sorted(PRINTERS)]
    log = farm.log.read_text()
    assert "printer offline" not in log
    assert "the loop stopped turning" not in log
    assert "Traceback" not in log
    assert len(alerts()) == 1
