"""The same contract with simulated OctoPrints: what they promise a driver is what the real one does."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from farm.drivers.websocket import Vigilance
from tests.drivers.contract import Bench, DriverContract
from tests.drivers.octoprint.octoprint_bench import OctoPrintBench
from tests.simulator.peers import FleetProgram, SimulatedHost, fleet_program

pytestmark = pytest.mark.long

SPEED = 5


class SimulatedOctoPrint(SimulatedHost):
    """Arranged like `tests.peers.octoprint.OctoPrint`."""

    def __init__(self, fleet: FleetProgram) -> None:
        super().__init__(fleet, "octoprint")

    def start(self) -> None:
        self._wait(self._is_operational, "Operational")

    def _is_operational(self) -> bool:
        try:
            return bool(self.request("GET", "/api/connection").json()["current"]["state"] == "Operational")
        except (httpx.TransportError, ValueError, KeyError):
            return False


class SimulatedBench(OctoPrintBench):
    """The simulated machine moves as fast as it is told, times SPEED."""

    short = b"G90\nG1 X20 F240\nG1 X0 F240\n"  # 2 s
    heats_to_degc = 60
    heating = b"M109 S60\nG28\n"

    def pause_at_the_machine(self) -> None:
        pause = {"command": "pause", "action": "pause"}
        assert self.server.request("POST", "/api/job", pause).is_success


@pytest.fixture(scope="module")
def fleet() -> Iterator[FleetProgram]:
    with fleet_program(SPEED) as fleet:
        yield fleet


@pytest.fixture
def bench(fleet: FleetProgram) -> Iterator[Bench]:
    """A printer of its own for each test."""
    printer = SimulatedOctoPrint(fleet)
    printer.start()
    yield SimulatedBench(printer, Vigilance(ping_s=1.0, pong_s=1.0))
    printer.remove()


class TestSimulatedOctoPrint(DriverContract):
    pass
