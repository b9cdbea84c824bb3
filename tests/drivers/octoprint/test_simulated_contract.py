"""The same contract with simulated OctoPrints: what they promise a driver is what the real one does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from farm.drivers.websocket import Vigilance
from tests.drivers.contract import Bench, DriverContract
from tests.drivers.octoprint.octoprint_bench import OctoPrintBench

pytestmark = pytest.mark.long

DOWN_S = 4.0  # long enough to be asked three times on two busy cores
SPEED = 5


def asked(method: str, url: str, **more: Any) -> httpx.Response:
    # Without TLS there is nothing to verify, and loading the system's certificates takes 0.1 s.
    return httpx.request(method, url, timeout=10, trust_env=False, verify=False, **more)  # noqa: S501


@dataclass
class Fleet:
    """A simulator in its own process. control: the address of its switches."""

    process: subprocess.Popen[bytes]
    control: str

    def switch(self, method: str, path: str, body: object = None) -> Any:
        answer = asked(method, f"{self.control}{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None


@dataclass
class SimulatedOctoPrint:
    """One printer of the fleet, arranged like `tests.peers.octoprint.OctoPrint`."""

    fleet: Fleet
    id: str
    url: str
    api_key: str

    def request(self, method: str, path: str, body: object = None) -> httpx.Response:
        return asked(method, self.url + path, json=body, headers={"X-Api-Key": self.api_key})

    def stop(self, kill: bool = False) -> None:
        """Away for a while; its printer's job is forgotten as by the real one."""
        self.fleet.switch("POST", f"/printers/{self.id}/do", {"what": "restart", "down_s": DOWN_S})

    def start(self) -> None:
        deadline = time.monotonic() + 10 * DOWN_S
        while True:
            try:
                if self.request("GET", "/api/connection").json()["current"]["state"] == "Operational":
                    return
            except (httpx.TransportError, ValueError, KeyError):
                assert time.monotonic() < deadline
            time.sleep(0.1)

    def freeze(self) -> None:
        os.kill(self.fleet.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.fleet.process.pid, signal.SIGCONT)


class SimulatedBench(OctoPrintBench):
    """The simulated machine moves as fast as it is told, times SPEED."""

    short = b"G90\nG1 X20 F240\nG1 X0 F240\n"  # 2 s
    heats_to_degc = 60
    heating = b"M109 S60\nG28\n"

    def pause_at_the_machine(self) -> None:
        pause = {"command": "pause", "action": "pause"}
        assert self.server.request("POST", "/api/job", pause).is_success


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    command = [sys.executable, "-m", "farm", "simulate", "--json", "--until-input-ends", "--printers", "1"]
    command += ["--speed", str(SPEED)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            yield Fleet(process, told["control"])
        finally:
            process.terminate()


@pytest.fixture
def bench(fleet: Fleet) -> Iterator[Bench]:
    """A printer of its own for each test."""
    told = fleet.switch("POST", "/printers", {})
    printer = SimulatedOctoPrint(fleet, told["id"], told["url"], told["api_key"])
    printer.start()
    yield SimulatedBench(printer, Vigilance(ping_s=1.0, pong_s=1.0))
    fleet.switch("DELETE", f"/printers/{printer.id}")


class TestSimulatedOctoPrint(DriverContract):
    pass
