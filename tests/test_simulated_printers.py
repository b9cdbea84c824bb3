"""Printers that the farm simulates itself: driven as real ones, by a process that the server owns."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from farm.data_folder import DataFolder
from tests.peers.farm_process import until

CHECKOUT = Path(__file__).resolve().parents[1]
CHIP = Path(__file__).parent / "data" / "gcode" / "chip6_fast.gcode"
FARM = [sys.executable, "-P", "-m", "farm"]
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": str(CHECKOUT),
    "FARM_FILES__MIN_FREE_MB": "0",
    "FARM_QUEUE__PLATE_UNDO_S": "0",
}
PRINTER: dict[str, Any] = {
    "id": "sim1", "name": "Sim", "connection": {"kind": "simulated", "speed": 20},
}  # fmt: skip
SOON_S = 30.0
wait_for = partial(until, within_s=SOON_S)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="ends processes with signals")


@contextmanager
def served(folder: Path) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """The farm as a person starts it, and somebody at the shop PC who may do everything."""
    command = [*FARM, "serve", "--data", str(folder), "--port", "0"]
    with (
        (folder.parent / "log").open("a") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=ENVIRONMENT) as server,
    ):
        try:
            assert server.stdout is not None
            assert server.stdout.readline().startswith("Listening on"), (folder.parent / "log").read_text()
            access = DataFolder(folder).local_access()
            assert access is not None
            token = {"Authorization": f"Bearer {access.token}"}
            with httpx.Client(base_url=access.url, headers=token, timeout=10, trust_env=False) as http:
                yield server, http
        finally:
            server.kill()


def status(http: httpx.Client) -> dict[str, Any]:
    return dict(http.get("/v1/printers/sim1").json()["status"])


def simulators_of(server: subprocess.Popen[str]) -> list[psutil.Process]:
    return [child for child in psutil.Process(server.pid).children() if "simulate" in child.cmdline()]


def simulator_of(server: subprocess.Popen[str]) -> psutil.Process:
    (process,) = simulators_of(server)
    return process


def begin_a_print(http: httpx.Client, gcode: bytes | None = None) -> str:
    """Clears the plate, sends a file, and waits until it prints. Returns the job's id."""
    wait_for(lambda: status(http)["connection"] == "online")
    cleared = http.post("/v1/printers/sim1/commands", json={"command": "plate_cleared"})
    assert cleared.status_code == 202, cleared.text
    octets = {"Content-Type": "application/octet-stream"}
    file = http.post(
        "/v1/files", params={"name": CHIP.name}, content=gcode or CHIP.read_bytes(), headers=octets
    )
    job = http.post("/v1/jobs", json={"file": file.json()["id"]})
    assert job.status_code == 201, job.text
    wait_for(lambda: status(http)["operation"] == "printing")
    return str(job.json()["id"])


@pytest.mark.parametrize(
    ("dialect", "speed"),
    [
        ("octoprint", 20),
        ("moonraker", 20),
        pytest.param("prusalink", 1, marks=pytest.mark.long),  # a look each five seconds must meet the print
    ],
)
def test_a_simulated_printer_prints_and_ends_with_its_farm(tmp_path: Path, dialect: str, speed: int) -> None:
    connection = {"kind": "simulated", "dialect": dialect, "speed": speed}
    printer = {**PRINTER, "connection": connection}
    with served(tmp_path / "data") as (server, http):
        assert simulators_of(server) == []  # nobody needs it yet
        assert http.post("/v1/printers", json=printer).status_code == 201
        job = begin_a_print(http)
        connection = http.get("/v1/printers/sim1").json()["connection"]
        assert (connection["kind"], connection["dialect"]) == ("simulated", dialect)
        wait_for(lambda: http.get(f"/v1/jobs/{job}").json()["state"] == "done")
        simulator = simulator_of(server)
        assert os.getsid(simulator.pid) != os.getsid(
            server.pid
        )  # a Ctrl-C in the terminal is not its business

        server.send_signal(signal.SIGINT)

        assert server.wait(10) == 0
        assert not simulator.is_running()
    assert "Traceback" not in (tmp_path / "log").read_text()


@pytest.mark.long
def test_a_simulator_that_dies_is_started_again_and_its_print_waits_for_a_person(tmp_path: Path) -> None:
    with served(tmp_path / "data") as (server, http):
        assert http.post("/v1/printers", json={**PRINTER, "connection": {"kind": "simulated"}}).is_success
        job = begin_a_print(http)
        first = simulator_of(server)
        first.kill()

        review = 60 + SOON_S  # the printer is given a minute to remember
        wait_for(lambda: http.get(f"/v1/jobs/{job}").json()["state"] == "needs_review", within_s=review)

        assert status(http)["connection"] == "online"
        assert status(http)["plate"] == "unknown"
        assert simulator_of(server).pid != first.pid


def test_a_killed_farm_takes_its_simulator_along_and_the_next_one_goes_on(tmp_path: Path) -> None:
    with served(tmp_path / "data") as (server, http):
        assert http.post("/v1/printers", json=PRINTER).status_code == 201
        wait_for(lambda: status(http)["connection"] == "online")
        simulator = simulator_of(server)
        server.kill()
        simulator.wait(10)

    with served(tmp_path / "data") as (_, http):
        wait_for(lambda: status(http)["connection"] == "online")
        assert http.delete("/v1/printers/sim1").status_code == 204


def test_a_nozzle_whose_heater_fails_is_told_of_and_its_print_is_to_be_paused(tmp_path):
    fails = {"mishaps": [{"what": "heater_fails", "every_s": 1}]}
    # So slow that it fails on its way there: at 200 °C it would be one that falls.
    weak = {**PRINTER, "connection": {**PRINTER["connection"], "speed": 2, "faults": fails}}
    with served(tmp_path / "data") as (_, http):
        assert http.post("/v1/printers", json=weak).status_code == 201
        begin_a_print(http, b"G90\nG28\nM109 S200\nG1 X10 F600\n")

        (found,) = wait_for(lambda: status(http)["anomalies"], within_s=90)

        assert (found["kind"], found["evidence"]["channel"]) == ("not_heating", "tool0")
        assert status(http)["message"] == found["sentence"]
        wait_for(
            lambda: [each for each in status(http)["anomalies"] if each["severity"] == "pause"], within_s=90
        )
