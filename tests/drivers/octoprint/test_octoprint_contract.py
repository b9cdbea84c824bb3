"""The contract of every driver, kept by OctoPrint's with a real OctoPrint."""

from __future__ import annotations

import pytest

from tests.drivers.contract import Bench, DriverContract
from tests.drivers.octoprint.octoprint_bench import OctoPrintBench
from tests.peers.octoprint import OctoPrint

pytestmark = [pytest.mark.octoprint, pytest.mark.long]


@pytest.fixture
def bench(octoprint: OctoPrint) -> Bench:
    return OctoPrintBench(octoprint)


class TestOctoPrint(DriverContract):
    pass
