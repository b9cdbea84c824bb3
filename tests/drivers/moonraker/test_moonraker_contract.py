"""The contract of every driver, kept by Moonraker's with a real Moonraker."""

from __future__ import annotations

import pytest

from tests.drivers.contract import Bench, DriverContract
from tests.drivers.moonraker.moonraker_bench import MoonrakerBench
from tests.peers.moonraker import Moonraker

pytestmark = [pytest.mark.moonraker, pytest.mark.long]


@pytest.fixture
def bench(moonraker: Moonraker) -> Bench:
    return MoonrakerBench(moonraker)


class TestMoonraker(DriverContract):
    pass
