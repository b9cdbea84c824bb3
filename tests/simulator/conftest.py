"""A fleet whose machines live ten times as fast, and one printer of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from farm.drivers.http import Patience
from farm.drivers.octoprint.driver import OctoPrintDriver
from farm.simulator.server import Plan
from tests.simulator.fleet import Fleet, Printer, running_fleet

HASTY = Patience(connect_s=1, silence_s=0.4, whole_s=1, command_s=0.4, stored_s=0.4)


@pytest.fixture
async def fleet(nursery: trio.Nursery, tmp_path: Path) -> AsyncIterator[Fleet]:
    folder = tmp_path / "simulator"
    folder.mkdir()
    fleet = await running_fleet(nursery, folder, Plan(printers={}, speed=10, seed=1))
    yield fleet
    await fleet.aclose()


@pytest.fixture
async def printer(fleet: Fleet) -> Printer:
    return await fleet.add(id="mk4-01")


@pytest.fixture
async def driver(printer: Printer) -> AsyncIterator[OctoPrintDriver]:
    """One that does not wait long."""
    driver = OctoPrintDriver(printer.address, HASTY)
    yield driver
    with trio.move_on_after(1, shield=True):
        await driver.aclose()
