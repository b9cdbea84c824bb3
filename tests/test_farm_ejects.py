"""Prints that are pushed off, on each kind of print host: simulated ones, and a real OctoPrint."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
import trio

from farm.domain.analysis import ANALYSIS_VERSION, BoundingBox, Box, GcodeAnalysis
from farm.domain.ejecting import Ejecting
from farm.domain.file import FileAnalysis, FileKind, FileState, StoredFile
from farm.domain.printer import SIMULATED, Address, Profile, Simulation
from farm.drivers import kinds
from farm.drivers.prusalink.driver import PrusaLinkDriver
from farm.printers import adoption
from farm.queue.messages import AddJob
from farm.store import changes, file_analyses, files
from tests.drivers.prusalink.prusalink_bench import QUICK
from tests.one_printer_shop import Shop, shop_at
from tests.peers.octoprint import OctoPrint

PRINT = b"G28\nG90\nM140 S60\nM190 S60\nG1 X10 Y10 Z1 F3000\nG1 X90 E1 F300\nG1 X10 E2\nM104 S0\n"
"""It leaves its bed on."""
SWEEP = ("G1 Z{over} F900", "G1 X100 Y200 F6000", "G1 Z5", "G1 Y10 F1200", "M400")
A_PART = GcodeAnalysis(bounding_box=BoundingBox(Box((10.0, 90.0), (10.0, 20.0), (0.2, 1.0))))
EJECTS = Profile((220.0, 220.0, 250.0), auto_eject=True, ejection=Ejecting(SWEEP, 50.0, confirmed=True))
FAST = 20.0  # times real time; a simulated bed cools from 60 to 50 degC in two minutes of its own
WITHIN_S = 110.0


async def queue(shop: Shop, gcode: bytes, copies: int) -> str:
    """Queue a file of which is known how high its print is."""
    async with shop.farm.storage.upload(limit=10_000) as upload:
        await upload.write(gcode)
        content = await upload.keep()
    read = FileAnalysis(FileState.PROCESSING)
    at = datetime.now(UTC)
    file = StoredFile("f", "part.gcode", FileKind.GCODE, content.size, content.sha256, "test", at, read)
    stored, _ = await shop.farm.database.write(files.add, file)
    ready = FileAnalysis(FileState.READY, None, A_PART, ANALYSIS_VERSION)
    await shop.farm.database.write(file_analyses.note_analysis, stored, ready, at)
    return (await shop.farm.address("queue").ask(AddJob(stored.id, copies=copies))).id


async def check_two_prints_one_after_the_other(shop: Shop, gcode: bytes = PRINT) -> None:
    """One clearing by hand, and two prints: the second begins where nobody took off the first."""
    job = await queue(shop, gcode, copies=2)
    await shop.clear()

    async def second_begins() -> bool:
        return len(await shop.prints(job)) == 2

    await shop.until(second_begins, WITHIN_S)
    first, _ = await shop.prints(job)
    assert first.good == 1
    history = await shop.farm.database.read(changes.history, "plate", "mk4")
    (reason,) = [change.why for change in history if "auto-eject" in change.why]
    assert reason.endswith("1 of 5 since a person looked")
    ejector = (await shop.status()).ejector
    assert ejector is not None
    assert ejector.done == 1


@pytest.mark.parametrize("dialect", ["octoprint", "moonraker"])
async def test_two_prints_are_pushed_off_a_simulated_printer(tmp_path: Path, dialect: str) -> None:
    async with shop_at(tmp_path) as shop:
        simulated = Address(SIMULATED, "", simulation=Simulation(dialect, FAST))
        await shop.add(simulated, EJECTS)
        await check_two_prints_one_after_the_other(shop)


async def test_two_prints_that_cool_by_themselves_are_pushed_off_a_simulated_prusalink(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot be told to cool: that is up to its prints. Looks come faster, as it lives faster."""
    quick = kinds.Kind(partial(PrusaLinkDriver, rhythm=QUICK), PrusaLinkDriver.capabilities)
    monkeypatch.setattr(kinds, "KINDS", {**kinds.KINDS, "prusalink": quick})
    async with shop_at(tmp_path) as shop:
        await shop.add(Address(SIMULATED, "", simulation=Simulation("prusalink", FAST)), EJECTS)
        await check_two_prints_one_after_the_other(shop, PRINT + b"M140 S0\n")


@asynccontextmanager
async def idle(octoprint: OctoPrint) -> AsyncIterator[None]:
    await trio.to_thread.run_sync(octoprint.make_idle)
    yield
    await trio.to_thread.run_sync(octoprint.make_idle)


@pytest.mark.octoprint
async def test_two_prints_are_pushed_off_a_real_octoprint(octoprint, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(adoption, "DECIDE_WITHIN_S", 5.0)
    async with idle(octoprint), shop_at(tmp_path) as shop:
        await shop.add(Address("octoprint", octoprint.url, octoprint.api_key), EJECTS)
        await check_two_prints_one_after_the_other(shop)
