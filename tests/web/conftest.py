"""One running farm a test, on the real clock: there are real sockets and threads in it."""

from __future__ import annotations

import pytest
import structlog
from web_farm import WebFarm


@pytest.fixture
def logged():
    """What is logged meanwhile."""
    with structlog.testing.capture_logs() as entries:
        yield entries


@pytest.fixture
async def farm(tmp_path, logged):
    async with WebFarm(tmp_path).running() as farm:
        yield farm
