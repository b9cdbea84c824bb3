"""A printer that wants smaller copies prints one: the same filament in the same place, whatever restarts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import trio

from farm.domain.job import Print, PrintState
from farm.domain.optimising import Comments, OptimisedCopy, Optimising
from farm.domain.printer import Address, Profile
from farm.files.gcode.machine import Machine as Model
from farm.files.gcode.survey import Survey, survey
from farm.printers.messages import ChangePrinter
from farm.simulator.machine import Activity, Machine
from farm.simulator.server import Plan, Running, simulate
from farm.store import files, optimised
from farm.store.changes import history
from tests.files.optimise.shapes import cylinder
from tests.one_printer_shop import Shop, shop_at
from tests.peers.octoprint import OctoPrint

ROUND = Path(__file__).parent / "data" / "gcode" / "ps292_cyl_arc_marlin2.gcode"
CUBE = Path(__file__).parent / "data" / "gcode" / "ps25_cube20_marlin2_rel.gcode"
COMPILED_WITHIN_S = 400.0
BARE = Optimising(Comments.NONE, 0.05, progress=True)
WANTS_BARE = Profile(optimise=BARE)
"""Nothing is left of the comments, round things are printed in arcs, and the printer is told its progress."""


@dataclass
class Seen:
    """The contents that simulated machines were given to print, and those machines."""

    contents: list[bytes] = field(default_factory=list)
    machines: list[Machine] = field(default_factory=list)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    seen, begin = Seen(), Machine.begin

    def look_and_begin(machine: Machine, file: Any, size: int, now: float) -> None:
        seen.contents.append(file.read())
        seen.machines.append(machine)
        file.seek(0)
        begin(machine, file, size, now)

    monkeypatch.setattr(Machine, "begin", look_and_begin)
    return seen


@asynccontextmanager
async def simulated(folder: Path, dialect: str, speed: float) -> AsyncIterator[Address]:
    """A print host of this dialect, which outlives the farm."""
    for one in (folder / "sim", folder / "farm"):
        one.mkdir()
    told: list[Running] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(simulate, Plan({dialect: 1}, speed, seed=7), folder / "sim", told.append)
        while not told:
            await trio.lowlevel.checkpoint()
        (station,) = told[0].stations
        yield Address(dialect, station.url, station.host.api_key)
        nursery.cancel_scope.cancel()


async def copy_of(shop: Shop, job: str) -> OptimisedCopy:
    """The one copy of a job's file, once it is there, or is known not to be."""
    found: list[OptimisedCopy] = []

    async def is_there() -> bool:
        (file,) = await shop.farm.database.read(files.newest, 1)
        found[:] = await shop.farm.database.read(optimised.of_content, file.sha256)
        return bool(found)

    await shop.until(is_there, COMPILED_WITHIN_S)
    return found[0]


async def first_words(shop: Shop, attempt: Print) -> str:
    return (await shop.farm.database.read(history, "print", attempt.id))[0].why


def surveyed(content: bytes) -> Survey:
    return survey(BytesIO(content), Model())


def assert_prints_the_same(was: Survey, now: Survey) -> None:
    assert now.filament_mm == pytest.approx(was.filament_mm, abs=0.002)
    assert was.printed is not None
    assert now.printed is not None
    for axis in "xyz":
        assert getattr(now.printed, axis) == pytest.approx(getattr(was.printed, axis), abs=0.052)


def printed(content: bytes) -> tuple[float, tuple[float, float, float]]:
    """How much filament a machine takes for it, and where it ends."""
    machine, now = Machine(speed=1000), 0.0
    machine.begin(BytesIO(content), len(content), now)
    while machine.activity is not Activity.IDLE:
        now += 1
        machine.tick(now)
    return machine.fed_mm, machine.position


@pytest.mark.parametrize("dialect", ["octoprint", "moonraker"])
async def test_the_copy_is_printed_and_adopted_and_takes_the_same_filament(tmp_path, seen, dialect):
    original = CUBE.read_bytes() if dialect == "octoprint" else cylinder(layers=100)
    async with simulated(tmp_path, dialect, speed=100) as address:
        async with shop_at(tmp_path / "farm") as shop:
            await shop.add(address, WANTS_BARE)
            job = await shop.queue(original)
            copy = await copy_of(shop, job)
            assert copy.reason is None
            await shop.clear()
            await shop.until(lambda: shop.print_is(job, PrintState.PRINTING))
            (attempt,) = await shop.prints(job)
            assert attempt.optimised == copy.sha256
            assert "sent as its smaller copy" in await first_words(shop, attempt)

        async with shop_at(tmp_path / "farm") as shop:  # which finds its print going on
            await shop.until(lambda: shop.print_is(job, PrintState.FINISHED))
            assert len(await shop.prints(job)) == 1
            (content,) = seen.contents
            assert content == shop.farm.storage.path_of(str(copy.sha256)).read_bytes()

    assert len(content) < len(original)
    assert content.count(b";") == 0
    was, now = surveyed(original), surveyed(content)
    assert_prints_the_same(was, now)
    assert now.progress_lines > was.progress_lines
    (machine,) = seen.machines
    fed_mm, place = printed(original)
    assert machine.fed_mm == pytest.approx(fed_mm, abs=0.002)
    assert machine.position == pytest.approx(place, abs=0.001)


async def test_the_file_itself_goes_where_no_copy_is_there_yet_and_the_log_says_so(tmp_path, seen):
    """And the second one goes as its copy, though the file lies on the printer already."""
    original = CUBE.read_bytes()
    async with (
        simulated(tmp_path, "octoprint", speed=1000) as address,
        shop_at(tmp_path / "farm") as shop,
    ):
        await shop.add(address)
        await shop.clear()
        job = await shop.queue(original, copies=2)
        await shop.until(lambda: shop.print_is(job, PrintState.FINISHED))
        changes = {"profile": {"optimise": replace(BARE, progress=False)}}
        await shop.farm.address("printers").ask(ChangePrinter("mk4", changes))
        copy = await copy_of(shop, job)
        await shop.clear()
        await shop.until(lambda: made(shop, job, 2))
        await shop.until(lambda: shop.print_is(job, PrintState.FINISHED))
        first, second = await shop.prints(job)

    assert first.optimised is None
    assert second.optimised == copy.sha256
    was, now = seen.contents
    assert was == original
    assert_prints_the_same(surveyed(was), surveyed(now))


async def made(shop: Shop, job: str, many: int) -> bool:
    return len(await shop.prints(job)) == many


async def test_what_cannot_be_made_smaller_goes_as_it_is_with_the_reason(tmp_path, seen):
    flat = b"G28\nM109 S30\nG92 E0\nG1 X10 Y10 E1 F3000\nG1 X20 Y20 E2\n"
    async with (
        simulated(tmp_path, "octoprint", speed=1000) as address,
        shop_at(tmp_path / "farm") as shop,
    ):
        await shop.add(address, Profile(optimise=Optimising()))
        job = await shop.queue(flat)
        copy = await copy_of(shop, job)
        assert copy.sha256 is None
        await shop.clear()
        await shop.until(lambda: shop.print_is(job, PrintState.FINISHED))
        (attempt,) = await shop.prints(job)
        words = await first_words(shop, attempt)

    assert words == f"reserved; sent as it is: there is no smaller copy, for {copy.reason}"
    assert seen.contents == [flat]


@pytest.mark.octoprint
async def test_a_real_octoprint_prints_the_copy(octoprint: OctoPrint, tmp_path):
    original = ROUND.read_bytes()
    await trio.to_thread.run_sync(octoprint.make_idle)
    async with shop_at(tmp_path) as shop:
        await shop.add(Address("octoprint", octoprint.url, octoprint.api_key), WANTS_BARE)
        job = await shop.queue(original)
        copy = await copy_of(shop, job)
        await shop.clear()
        await shop.until(lambda: shop.print_is(job, PrintState.PRINTING, PrintState.FINISHED))
        (attempt,) = await shop.prints(job)
        path = f"/downloads/files/local/{attempt.remote_name}"
        there = (await trio.to_thread.run_sync(octoprint.request, "GET", path)).content
        assert there == shop.farm.storage.path_of(str(copy.sha256)).read_bytes()
    await trio.to_thread.run_sync(octoprint.make_idle)

    assert len(there) < len(original)
    assert_prints_the_same(surveyed(original), surveyed(there))
