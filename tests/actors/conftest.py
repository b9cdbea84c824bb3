from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator

import pytest
import structlog
from trio.testing import MockClock

from farm.actors import Runtime, Supervisor


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[structlog.typing.EventDict]]:
    """What is logged meanwhile; nothing is printed, for crashes are many here and wanted."""
    with structlog.testing.capture_logs() as entries:
        yield entries


@pytest.fixture
def runtime() -> Runtime:
    return Runtime(chance=random.Random(4))


@pytest.fixture
async def supervisor(runtime: Runtime, autojump_clock: MockClock) -> AsyncIterator[Supervisor]:
    async with Supervisor(runtime).running() as running:
        yield running
