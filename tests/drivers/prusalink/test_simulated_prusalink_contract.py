"""The same contract with simulated PrusaLinks: what they promise a driver is what the real one does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.drivers.contract import Bench, DriverContract
from tests.drivers.prusalink.prusalink_bench import PrusaLinkBench
from tests.simulator.peers import FleetProgram, SimulatedPrusaLink, fleet_program

pytestmark = pytest.mark.long

SPEED = 4.0


class SimulatedBench(PrusaLinkBench):
    """The simulated machine moves as fast as it is told, times SPEED; the real one's stand-in does not."""

    short = b"G90\nG1 X20 F240\nG1 X0 F240\n"  # 2 s
    long = b"G90\n" + b"".join(b"M73 P%d R%d\nG1 X%d F240\n" % (n, 99 - n, n % 2 * 20) for n in range(99))
    heating = b"M109 S250\n" + short


@pytest.fixture(scope="module")
def fleet() -> Iterator[FleetProgram]:
    with fleet_program(SPEED) as fleet:
        yield fleet


@pytest.fixture
def bench(fleet: FleetProgram) -> Iterator[Bench]:
    """A printer of its own for each test."""
    printer = SimulatedPrusaLink(fleet)
    yield SimulatedBench(printer)
    printer.remove()


class TestSimulatedPrusaLink(DriverContract):
    pass
