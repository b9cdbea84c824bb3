"""The actor that makes smaller copies: what it keeps, what it gives up, and what it takes away again."""

from __future__ import annotations

import random
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trio

from farm.actors import Address, ChildSpec, Mailbox, Supervisor
from farm.actors.supervisor import Runtime
from farm.domain.analysis import ANALYSIS_VERSION, GcodeAnalysis
from farm.domain.file import NO_QUOTA, FileAnalysis, FileState, Quota
from farm.domain.job import Job, JobState
from farm.domain.optimising import Comments, Optimising, Proven, Savings, Size
from farm.domain.printer import Address as PrinterAddress
from farm.domain.printer import Printer, Profile
from farm.domain.user import LOCAL
from farm.errors import Invalid, StorageFailed
from farm.files import copy_worker
from farm.files.actor import Files
from farm.files.analyser import InlineAnalyser, limits_of
from farm.files.copier import ProcessCopier
from farm.files.messages import CopiesWanted
from farm.files.parts import FilesParts
from farm.files.removal import forget
from farm.files.storage import Storage
from farm.store import file_analyses, files, jobs, optimised, printers
from farm.store.audit import Stamp
from farm.workers.process import Why, WorkFailed
from farm.workers.surroundings import Surroundings
from tests.files.test_files_actor import uploaded

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
BARE = Optimising(Comments.NONE)
CUBE = Path(__file__).parents[1] / "data" / "gcode" / "ps25_cube20_marlin2_rel.gcode"
PROVEN = Proven(Savings(Size(30, 3, 2), Size(20, 2, 2)), (1.0, 1.0))
TEXT = b"G28 ; home\nG1 X10 Y10 E1 ; print\n"


class Scripted:
    """A copier to which things happen, one after the other; then it copies what is before the comments."""

    def __init__(self, storage):
        self.storage = storage
        self.happens = []
        self.made = []
        self.begun, self.over = trio.Event(), trio.Event()
        self.go_on = trio.Event()
        self.go_on.set()

    async def make(self, file, wish, target):
        self.made.append((file.name, wish))
        self.begun.set()
        await self.go_on.wait()
        original = self.storage.path_of(file.sha256).read_bytes()
        target.write_bytes(b"".join(line.partition(b" ;")[0] + b"\n" for line in original.splitlines()))
        if self.happens:
            raise self.happens.pop(0)
        return PROVEN

    async def aclose(self):
        if self.made:
            self.over.set()


async def until(look):
    with trio.fail_after(10):
        while True:
            if await look():
                return
            await trio.sleep(0.01)


class Shop:
    """Files, and a printer `mk4` that wants bare copies."""

    def __init__(self, database, storage, quota=NO_QUOTA):
        self.database, self.storage = database, storage
        self.copier = Scripted(storage)
        self.now = NOON
        self.runtime = Runtime(chance=random.Random(1))
        self.parts = FilesParts(
            self.runtime,
            database,
            storage,
            events=lambda: Address(Mailbox("events", size=1000)),
            queue=lambda: Address(Mailbox("queue", size=1000)),
            analyser=lambda: InlineAnalyser(storage),
            glancer=lambda: InlineAnalyser(storage),
            workers=1,
            clock=lambda: self.now,
            copier=self.copier,
            quota=quota,
        )

    @asynccontextmanager
    async def working(self):
        supervisor = Supervisor(self.runtime)
        async with supervisor.running():
            yield await supervisor.start(ChildSpec(name="files", run=Files(self.parts).run, mailbox_size=4))

    async def wanted(self, data=TEXT, name="cube.gcode"):
        """A file that was read, and is to be printed."""
        file = await uploaded(self.database, self.storage, data, name)
        known = FileAnalysis(FileState.READY, None, GcodeAnalysis(), ANALYSIS_VERSION)
        await self.database.write(file_analyses.note_analysis, file, known, NOON)
        await self.database.write(jobs.add, Job(name, file.id, name, 1, JobState.HELD, "test", NOON), "test")
        return file

    async def wish(self, wish):
        printer = Printer("mk4", "MK4", PrinterAddress("octoprint", "http://x"))
        await self.database.write(printers.change, replace(printer, profile=Profile(optimise=wish)), b"")

    async def remove(self, file):
        """Take a file out that nobody is to print any more; its content stays."""
        await self.database.write(jobs.enter, file.name, JobState.CANCELLED, NOON, "test", "")
        await self.database.write(files.remove, file.id, Stamp(NOON, LOCAL))

    async def copies(self, file, many=1):
        """What became of the wishes for copies of it, once there are so many."""
        found = []

        async def are_there():
            found[:] = await self.database.read(optimised.of_content, file.sha256)
            return len(found) == many

        await until(are_there)
        return found


@pytest.fixture
async def shop(database, storage, monkeypatch):
    monkeypatch.setattr(copy_worker, "REST_S", 0.01)
    printer = Printer("mk4", "MK4", PrinterAddress("octoprint", "http://x"), profile=Profile(optimise=BARE))
    await database.write(printers.add, printer, b"", NOON, "test")
    return Shop(database, storage)


async def test_a_copy_is_made_of_what_is_to_be_printed_and_kept_beside_it(shop):
    file = await shop.wanted()
    async with shop.working():
        (copy,) = await shop.copies(file)

        assert shop.storage.path_of(copy.sha256).read_bytes() == b"G28\nG1 X10 Y10 E1\n"
        assert (copy.size, copy.proven, copy.reason) == (18, PROVEN, None)
        assert shop.storage.path_of(file.sha256).read_bytes() == TEXT
    assert list(shop.storage.scratch().parent.iterdir()) == []
    assert shop.copier.over.is_set()  # its process is there only as long as it is needed


async def test_a_hint_has_it_look_again(shop):
    async with shop.working() as actor:
        await trio.sleep(0.05)
        file = await shop.wanted()
        actor.tell_nowait(CopiesWanted())
        await shop.copies(file)


@pytest.mark.parametrize(
    ("happens", "reason", "again"),
    [
        (Invalid("a copy would not print the same: it prints elsewhere"), "prints elsewhere", False),
        (StorageFailed("the shop PC's disk refused it (no space)"), "refused it", True),
        (WorkFailed(Why.PROCESSOR), "longer than it may", False),
        (WorkFailed(Why.DIED), "died over it", True),
        (WorkFailed(Why.BUG), "its log says more", False),
    ],
)
async def test_what_cannot_be_copied_stays_as_it_is_with_the_reason(shop, happens, reason, again):
    shop.copier.happens.append(happens)
    file = await shop.wanted()
    async with shop.working() as actor:
        (copy,) = await shop.copies(file)
        assert copy.sha256 is None
        assert reason in copy.reason

        shop.now += timedelta(hours=2)
        actor.tell_nowait(CopiesWanted())
        await trio.sleep(0.1)
        (copy,) = await shop.copies(file)
        assert (copy.sha256 is not None) is again
    assert list(shop.storage.scratch().parent.iterdir()) == []


async def test_copies_leave_the_room_on_the_disk_that_uploads_leave(shop, tmp_path):
    file = await shop.wanted()
    tight = Storage(tmp_path / "files", min_free=1000, free=lambda folder: 2000)
    narrow = Shop(shop.database, tight)
    async with narrow.working():
        (copy,) = await narrow.copies(file)
    assert "disk is nearly full" in copy.reason
    assert copy.again_at is not None
    assert narrow.copier.made == []


async def test_copies_are_within_the_quota(shop):
    file = await shop.wanted()
    strict = Shop(shop.database, shop.storage, Quota(each=len(TEXT) + 10))
    async with strict.working():
        (copy,) = await strict.copies(file)
    assert "your files take" in copy.reason
    assert strict.copier.made == []


async def test_copies_go_when_no_printer_wants_them_any_more_and_come_back(shop):
    file = await shop.wanted()
    async with shop.working() as actor:
        (copy,) = await shop.copies(file)
        await shop.wish(None)
        actor.tell_nowait(CopiesWanted())
        await shop.copies(file, 0)

        async def is_gone():
            return await shop.storage.contents() == {file.sha256}

        await until(is_gone)
        await shop.wish(BARE)
        actor.tell_nowait(CopiesWanted())
        (again,) = await shop.copies(file)
    assert again.sha256 == copy.sha256


async def test_copies_go_with_their_original(shop):
    file = await shop.wanted()
    async with shop.working():
        await shop.copies(file)
    await shop.remove(file)
    assert await forget(shop.storage, shop.database, file.sha256)
    assert await shop.storage.contents() == set()
    assert await shop.database.read(optimised.of_content, file.sha256) == []


async def test_a_copy_that_two_originals_have_stays_with_the_other_one(shop):
    first, second = await shop.wanted(), await shop.wanted(TEXT.replace(b"home", b"go home"), "b.gcode")
    async with shop.working():
        (one,), (other,) = await shop.copies(first), await shop.copies(second)
    assert one.sha256 == other.sha256
    await shop.remove(first)
    assert await forget(shop.storage, shop.database, first.sha256)
    assert await shop.storage.contents() == {second.sha256, other.sha256}


async def test_nothing_is_left_of_a_copy_whose_original_was_removed_while_it_was_made(shop):
    shop.copier.go_on = trio.Event()
    file = await shop.wanted()
    async with shop.working():
        await shop.copier.begun.wait()
        await shop.database.write(lambda db: db.execute("UPDATE print_jobs SET state = 'cancelled'") and None)
        removed = await shop.database.write(files.remove, file.id, Stamp(NOON, LOCAL))
        shop.storage.path_of(removed.sha256).read_bytes()
        shop.copier.go_on.set()
        await shop.copier.over.wait()
    assert await shop.storage.contents() == {file.sha256}
    assert await shop.database.read(optimised.of_content, file.sha256) == []


async def test_a_copy_whose_content_was_lost_is_made_anew_at_the_next_start(shop):
    file = await shop.wanted()
    async with shop.working():
        (copy,) = await shop.copies(file)
    shop.storage.path_of(copy.sha256).unlink()
    async with shop.working():

        async def is_there():
            return copy.sha256 in await shop.storage.contents()

        await until(is_there)


async def test_a_worker_process_makes_the_copy_of_a_real_file(database, tmp_path):
    storage = Storage(tmp_path / "files", min_free=0)
    await storage.open()
    file = await uploaded(database, storage, CUBE.read_bytes(), "cube.gcode")
    copier = ProcessCopier(storage, Surroundings(tmp_path / "workers"), limits_of(1024, 120.0))
    target = storage.scratch()
    try:
        proven = await copier.make(file, Optimising(Comments.NONE, 0.05), target)
        assert target.stat().st_size == proven.savings.after.bytes < 0.75 * file.size
        small = await uploaded(database, storage, b"G28\nG1 X10 E1\n", "small.gcode")
        with pytest.raises(Invalid, match="no smaller"):
            await copier.make(small, Optimising(Comments.ALL), target)
        with pytest.raises(StorageFailed, match="disk refused"):
            await copier.make(file, Optimising(), tmp_path / "nowhere" / "x")
    finally:
        await copier.aclose()
