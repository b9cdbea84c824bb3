"""One running farm a test. The test names `autojump_clock` itself: only so its run is on virtual time."""

from __future__ import annotations

import random

import pytest
import structlog
from live_farm import LiveFarm


@pytest.fixture(autouse=True)
def logged():
    """What is logged meanwhile, so that wanted crashes fill no screen."""
    with structlog.testing.capture_logs() as entries:
        yield entries


@pytest.fixture
async def farm(tmp_path):
    async with LiveFarm(tmp_path, random.Random(7)).running() as farm:
        yield farm
