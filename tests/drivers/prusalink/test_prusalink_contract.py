"""The contract of every driver, kept by PrusaLink's with a real PrusaLink."""

from __future__ import annotations

import pytest

from tests.drivers.contract import Bench, DriverContract
from tests.drivers.prusalink.prusalink_bench import PrusaLinkBench
from tests.peers.prusalink import PrusaLink

pytestmark = [pytest.mark.prusalink, pytest.mark.long]


@pytest.fixture
def bench(prusalink: PrusaLink) -> Bench:
    return PrusaLinkBench(prusalink)


class TestPrusaLink(DriverContract):
    pass
