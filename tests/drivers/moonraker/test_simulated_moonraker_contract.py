"""The same contract with simulated Moonrakers: what they promise a driver is what the real one does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from farm.drivers.websocket import Vigilance
from tests.drivers.contract import Bench, DriverContract
from tests.drivers.moonraker.moonraker_bench import MoonrakerBench
from tests.peers.moonraker import SPEED
from tests.simulator.peers import FleetProgram, SimulatedMoonraker, fleet_program

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def fleet() -> Iterator[FleetProgram]:
    with fleet_program(SPEED) as fleet:
        yield fleet


@pytest.fixture
def bench(fleet: FleetProgram) -> Iterator[Bench]:
    """A printer of its own for each test."""
    printer = SimulatedMoonraker(fleet)
    yield MoonrakerBench(printer, Vigilance(ping_s=1.0, pong_s=1.0))
    printer.remove()


class TestSimulatedMoonraker(DriverContract):
    pass
