"""The files' actors: each file is read once, whatever stops, starts and dies in between."""

from __future__ import annotations

import random
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
import trio
import trio.testing

from farm.actors import Address, ChildSpec, Mailbox, Supervisor
from farm.actors.supervisor import ActorState, Runtime
from farm.domain.analysis import ANALYSIS_VERSION, with_rendered
from farm.domain.clock import new_id
from farm.domain.file import FileState, StoredFile, kind_of
from farm.domain.user import LOCAL
from farm.errors import Invalid, StorageFailed
from farm.files import actor as files_actor
from farm.files import file_worker
from farm.files.actor import Files
from farm.files.analyser import InlineAnalyser
from farm.files.messages import FileAdded
from farm.files.parts import FilesParts
from farm.files.pictures.thumbnails import PNG, Picture
from farm.files.removal import forget
from farm.live.messages import FileProgress
from farm.store import events, file_analyses, files
from farm.store.audit import Stamp
from farm.workers.process import State, Why, WorkFailed

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CHANCE = random.Random(5)
SECONDS = count()
DATA = Path(__file__).parents[1] / "data"
CHIP = (DATA / "gcode" / "chip6_fast.gcode").read_bytes()
UP_TO_DATE = ANALYSIS_VERSION


class Scripted(InlineAnalyser):
    """An analyser to which things happen: by what a file begins with, and how often that has been so."""

    def __init__(self, storage):
        super().__init__(storage)
        self.begun = []
        self.happens = {}
        self.closed = 0
        self.go_on = trio.Event()
        self.go_on.set()
        self.drawn, self.asked_to_draw = [], []
        self.go_on_drawing = trio.Event()
        self.go_on_drawing.set()

    async def read(self, file, tell):
        self.begun.append(file.name)
        await self.go_on.wait()
        tell(0.5)
        problems = self.happens.get(file.name)
        if problems:
            raise problems.pop(0)
        found = await super().read(file, tell)
        return replace(found, undrawn=bool(self.drawn))

    async def draw(self, file, box):
        self.asked_to_draw.append((file.name, box))
        await self.go_on_drawing.wait()
        drawn = self.drawn.pop(0)
        if isinstance(drawn, Exception):
            raise drawn
        return drawn

    async def aclose(self):
        self.closed += 1


class Shop:
    def __init__(self, database, storage, workers=1, calm=trio.lowlevel.checkpoint):
        self.database, self.storage = database, storage
        self.analysers = []
        self.runtime = Runtime(chance=random.Random(1))
        self.events = Mailbox("events", size=1000)
        self.queue = Mailbox("queue", size=1000)
        self.parts = FilesParts(
            self.runtime,
            database,
            storage,
            events=lambda: Address(self.events),
            queue=lambda: Address(self.queue),
            analyser=self._analyser,
            glancer=lambda: InlineAnalyser(storage),
            workers=workers,
            clock=lambda: NOON,
            calm=calm,
        )
        self.files = Files(self.parts)

    def _analyser(self):
        self.analysers.append(Scripted(self.storage))
        return self.analysers[-1]

    @property
    def begun(self):
        return [name for analyser in self.analysers for name in analyser.begun]

    def happens(self, name, *problems):
        for analyser in self.analysers:
            analyser.happens[name] = list(problems)

    @asynccontextmanager
    async def working(self):
        supervisor = Supervisor(self.runtime)
        async with supervisor.running():
            yield await supervisor.start(ChildSpec(name="files", run=self.files.run, mailbox_size=4))

    async def uploaded(self, data=CHIP, name="chip.gcode"):
        return await uploaded(self.database, self.storage, data, name)

    async def analysed(self, file):
        """The analysis of a file, once it is done."""
        with trio.fail_after(10):
            while True:
                analysis = (await self.database.read(files.by_id, file.id)).analysis
                if analysis.state in (FileState.READY, FileState.FAILED) and analysis.version:
                    return analysis
                await trio.sleep(0.01)

    def heard(self):
        return [delivery.message for delivery in self.events.take_waiting(1000)]


@pytest.fixture
def shop(database, storage):
    return Shop(database, storage)


async def uploaded(database, storage, data=CHIP, name="chip.gcode"):
    async with storage.upload(limit=10_000_000) as upload:
        await upload.write(data)
        content = await upload.keep()
        id, at = new_id(CHANCE), NOON + timedelta(seconds=next(SECONDS))
        file = StoredFile(id, name, kind_of(name), content.size, content.sha256, "test", at)
        return (await database.write(files.add, file))[0]


async def told(database):
    return [fact for fact in await database.read(events.since, 0) if fact.type == "file.processed"]


async def test_file_is_read_when_it_comes_and_that_is_told(shop):
    async with shop.working() as actor:
        file = await shop.uploaded()
        actor.tell_nowait(FileAdded())

        analysis = await shop.analysed(file)

    assert analysis.state is FileState.READY
    assert analysis.result.time_s.slicer == 10
    assert analysis.result.filament[0].mm == 13.93
    (fact,) = await told(shop.database)
    assert fact.rooms == ("files",)
    assert fact.data == {"file": file.id, "name": "chip.gcode", "state": "ready", "reason": None}


async def test_progress_is_told_as_a_state(shop):
    async with shop.working():
        file = await shop.uploaded()
        shop.runtime.address("files:1").tell_nowait(FileAdded())
        await shop.analysed(file)

    assert shop.heard()[-1] == FileProgress(file.id, 0.5)


async def test_files_that_waited_are_found_at_the_start_and_read_once(shop, database, storage):
    waiting = [await shop.uploaded(CHIP, f"{number}.gcode") for number in range(5)]

    for anew in (shop, Shop(database, storage)):
        async with anew.working():
            for file in waiting:
                assert (await anew.analysed(file)).state is FileState.READY

    assert len(await told(database)) == 5


async def test_several_workers_share_the_files_and_none_is_read_twice(database, storage):
    shop = Shop(database, storage, workers=3)
    waiting = [await shop.uploaded(CHIP, f"{number}.gcode") for number in range(12)]

    async with shop.working():
        for file in waiting:
            await shop.analysed(file)

    assert sorted(shop.begun) == sorted(file.name for file in waiting)
    assert all(analyser.begun for analyser in shop.analysers)
    assert shop.files.states() == [State.READY] * 3


@pytest.mark.parametrize(
    ("data", "words"), [(b"; nothing here\n", "no G-code in this file"), (bytes(500), "no G-code text")]
)
async def test_file_that_holds_no_gcode_is_failed_with_the_reason(shop, data, words):
    file = await shop.uploaded(data)
    async with shop.working():
        analysis = await shop.analysed(file)

    assert (analysis.state, analysis.result) == (FileState.FAILED, None)
    assert words in analysis.reason
    assert (await told(shop.database))[0].data["reason"] == analysis.reason


async def test_missing_content_is_said(shop):
    file = await shop.uploaded()
    shop.storage.path_of(file.sha256).unlink()
    async with shop.working():
        analysis = await shop.analysed(file)

    assert analysis.state is FileState.FAILED
    assert "missing on the shop PC's disk; send the file again" in analysis.reason


# -- what dies over files


async def test_file_over_which_a_process_died_by_chance_is_read_again_after_the_others(shop, logged):
    first, second = await shop.uploaded(name="a.gcode"), await shop.uploaded(name="b.gcode")
    shop.happens("a.gcode", WorkFailed(Why.DIED))
    async with shop.working():
        assert (await shop.analysed(second)).state is FileState.READY
        assert (await shop.analysed(first)).state is FileState.READY

    assert shop.begun == ["a.gcode", "b.gcode", "a.gcode"]


@pytest.mark.parametrize(
    ("why", "tries"), [(Why.DIED, 2), (Why.TIME, 2), (Why.MEMORY, 1), (Why.PROCESSOR, 1)]
)
async def test_file_that_fells_its_worker_is_failed_in_words_and_not_tried_for_ever(shop, logged, why, tries):
    poison, good = await shop.uploaded(name="poison.gcode"), await shop.uploaded(name="good.gcode")
    shop.happens("poison.gcode", *[WorkFailed(why)] * 9)
    async with shop.working():
        failed = await shop.analysed(poison)
        assert (await shop.analysed(good)).state is FileState.READY

    assert failed.state is FileState.FAILED
    assert failed.reason.endswith("; is it damaged?")
    assert shop.begun.count("poison.gcode") == tries


async def test_deaths_are_counted_over_restarts_of_the_farm(shop, database, storage, logged):
    file = await shop.uploaded()
    await database.write(file_analyses.claim, UP_TO_DATE)
    await database.write(file_analyses.put_back, file.id, felled=True)
    shop.happens("chip.gcode", WorkFailed(Why.DIED))

    async with shop.working():
        assert (await shop.analysed(file)).state is FileState.FAILED

    assert len(shop.begun) == 1


async def test_file_in_hand_when_the_farm_ends_is_read_at_the_next_start(shop, database, storage):
    file = await shop.uploaded()
    shop.analysers[0].go_on = trio.Event()
    async with shop.working():
        with trio.fail_after(5):
            while not shop.begun:  # noqa: ASYNC110
                await trio.sleep(0.01)
        assert (await database.read(files.by_id, file.id)).analysis.state is FileState.PROCESSING

    anew = Shop(database, storage)
    async with anew.working():
        assert (await anew.analysed(file)).state is FileState.READY


async def test_mistake_of_ours_in_a_worker_counts_as_a_death_and_the_worker_is_back(shop, logged):
    poison, good = await shop.uploaded(name="poison.gcode"), await shop.uploaded(name="good.gcode")
    shop.happens("poison.gcode", KeyError("a mistake"), WorkFailed(Why.DIED))
    async with shop.working():
        assert (await shop.analysed(good)).state is FileState.READY
        assert (await shop.analysed(poison)).state is FileState.FAILED

    assert shop.begun.count("poison.gcode") == 2
    assert shop.analysers[0].closed >= 2  # with the crash, too


async def test_worker_for_which_no_process_can_be_had_is_shown_and_no_file_is_to_blame(shop, logged):
    file = await shop.uploaded()
    shop.happens("chip.gcode", *[WorkFailed(Why.NO_START)] * 2)
    async with shop.working():
        assert (await shop.analysed(file)).state is FileState.READY
        (report,) = [report for report in shop.runtime.reports() if report.name == "files:1"]

    assert (report.state, report.restarts) == (ActorState.RUNNING, 2)
    assert "did not start" in report.last_error


# -- drawn


async def test_what_is_in_a_file_is_known_before_its_picture_is_drawn(shop, database, storage):
    file = await shop.uploaded()
    (analyser,) = shop.analysers
    analyser.drawn.append((Picture(PNG, 64, 48, b"small"), Picture(PNG, 400, 300, b"large")))
    analyser.go_on_drawing = trio.Event()
    async with shop.working():
        known = await shop.analysed(file)
        assert known.state is FileState.READY
        assert await storage.picture(file.sha256, None) is None

        analyser.go_on_drawing.set()
        with trio.fail_after(10):
            while True:
                analysis = await shop.analysed(file)
                if analysis.result.thumbnails:
                    break
                await trio.sleep(0.01)
        assert await storage.picture(file.sha256, None) == b"large"

    assert analysis.result == with_rendered(known.result, 400, 300)
    assert (analysis.state, analysis.version) == (FileState.READY, UP_TO_DATE)
    assert analyser.asked_to_draw == [(file.name, known.result.bounding_box)]
    assert len(await told(database)) == 1
    drawn = [fact for fact in await database.read(events.since, 0) if fact.type == "file.drawn"]
    assert [fact.data for fact in drawn] == [{"file": file.id, "name": file.name}]


@pytest.mark.parametrize("happens", [(), Invalid("no"), WorkFailed(Why.MEMORY), WorkFailed(Why.DIED)])
async def test_a_file_of_which_no_picture_can_be_drawn_is_ready_all_the_same(shop, storage, logged, happens):
    first, second = await shop.uploaded(), await shop.uploaded(name="b.gcode", data=CHIP + b"\n")
    shop.analysers[0].drawn[:] = [happens]
    async with shop.working():
        for file in (first, second):
            assert (await shop.analysed(file)).state is FileState.READY
    assert shop.begun == ["chip.gcode", "b.gcode"]
    assert await storage.picture(first.sha256, None) is None


async def test_a_picture_of_what_was_removed_meanwhile_is_not_kept(shop, database, storage):
    file = await shop.uploaded()
    (analyser,) = shop.analysers
    analyser.drawn.append((Picture(PNG, 64, 48, b"small"),))
    analyser.go_on_drawing = trio.Event()
    async with shop.working():
        await shop.analysed(file)
        await database.write(files.remove, file.id, Stamp(NOON, LOCAL))
        await forget(storage, database, file.sha256)
        later = await shop.uploaded(name="b.gcode", data=CHIP + b"\n")
        analyser.go_on_drawing.set()
        await shop.analysed(later)
    assert await storage.picture(file.sha256, None) is None


# -- read again


async def test_file_is_read_again_when_somebody_wishes_it(shop):
    file = await shop.uploaded()
    shop.happens("chip.gcode", Invalid("not today"))
    async with shop.working() as actor:
        assert (await shop.analysed(file)).reason == "not today"
        await shop.database.write(file_analyses.analyse_again, file.id, Stamp(NOON, LOCAL))
        actor.tell_nowait(FileAdded())
        assert (await shop.analysed(file)).state is FileState.READY

    assert [fact.data["state"] for fact in await told(shop.database)] == ["failed", "ready"]


async def test_what_an_older_farm_has_read_is_read_again_after_everything_new(shop, database, monkeypatch):
    old = [await shop.uploaded(name=f"old{number}.gcode") for number in range(2)]
    async with shop.working():
        for file in old:
            await shop.analysed(file)
    for module in (file_worker,):
        monkeypatch.setattr(module, "ANALYSIS_VERSION", UP_TO_DATE + 1)
    new = await shop.uploaded(name="new.gcode")
    before = len(await told(database))

    anew = Shop(database, shop.storage)
    async with anew.working():
        await anew.analysed(new)
        with trio.fail_after(5):
            while await database.read(file_analyses.waiting, UP_TO_DATE + 1):  # noqa: ASYNC110
                await trio.sleep(0.01)

    assert anew.begun[0] == "new.gcode"
    assert sorted(anew.begun[1:]) == ["old0.gcode", "old1.gcode"]
    assert len(await told(database)) == before + 1  # of what was only read again nobody is told


async def test_result_stays_while_a_file_is_read_again(shop, database):
    file = await shop.uploaded()
    async with shop.working():
        await shop.analysed(file)
    await database.write(file_analyses.analyse_again, file.id, Stamp(NOON, LOCAL))
    again = await database.read(files.by_id, file.id)

    assert again.analysis.state is FileState.QUEUED
    assert again.analysis.result.time_s.slicer == 10


# -- while the analysis is compiled


async def test_slicers_word_is_there_while_the_first_worker_gets_ready(shop, database, monkeypatch):
    monkeypatch.setattr(files_actor, "GLANCE_AFTER_S", 0)
    monkeypatch.setattr(files_actor, "LOOK_EVERY_S", 0.05)
    compiled = trio.Event()
    monkeypatch.setattr(shop.analysers[0], "get_ready", compiled.wait)
    bad, good = await shop.uploaded(bytes(500), "bad.gcode"), await shop.uploaded()
    model = await shop.uploaded(b"solid", "model.stl")
    async with shop.working():
        with trio.fail_after(5):
            while (await database.read(files.by_id, good.id)).analysis.result is None:  # noqa: ASYNC110
                await trio.sleep(0.01)
        seen = [(await database.read(files.by_id, file.id)).analysis for file in (bad, good, model)]
        compiled.set()
        assert (await shop.analysed(good)).state is FileState.READY

    assert [analysis.state for analysis in seen] == [FileState.QUEUED] * 3
    assert [analysis.result is not None for analysis in seen] == [False, True, False]
    assert seen[1].result.time_s.slicer == 10


# -- trouble


async def test_workers_get_ready_when_it_is_calm_and_at_once_for_a_file(database, storage, monkeypatch):
    calm, asked = trio.Event(), trio.Event()
    shop = Shop(database, storage, calm=calm.wait)

    async def get_ready():
        asked.set()
        await trio.lowlevel.checkpoint()

    monkeypatch.setattr(shop.analysers[0], "get_ready", get_ready)
    async with shop.working():
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert not asked.is_set()
        calm.set()
        with trio.fail_after(5):
            await asked.wait()

    restless = Shop(database, storage, calm=trio.sleep_forever)
    async with restless.working() as actor:
        file = await restless.uploaded()
        actor.tell_nowait(FileAdded())
        assert (await restless.analysed(file)).state is FileState.READY
    waiting = await shop.uploaded(name="waits.gcode")
    anew = Shop(database, storage, calm=trio.sleep_forever)
    async with anew.working():
        assert (await anew.analysed(waiting)).state is FileState.READY


async def test_file_that_is_removed_meanwhile_is_no_trouble(shop, database):
    file, go_on = await shop.uploaded(), trio.Event()
    shop.analysers[0].go_on = go_on
    async with shop.working() as actor:
        with trio.fail_after(5):
            while not shop.begun:  # noqa: ASYNC110
                await trio.sleep(0.01)
        await database.write(files.remove, file.id, Stamp(NOON, LOCAL))
        go_on.set()
        other = await shop.uploaded(b"G28\n", "other.gcode")
        actor.tell_nowait(FileAdded())
        assert (await shop.analysed(other)).state is FileState.READY

    assert [fact.data["file"] for fact in await told(database)] == [other.id]


async def test_file_that_is_removed_and_sent_again_while_it_is_read_is_read_once_more(shop, database):
    file, go_on = await shop.uploaded(), trio.Event()
    shop.analysers[0].go_on = go_on
    async with shop.working() as actor:
        with trio.fail_after(5):
            while not shop.begun:  # noqa: ASYNC110
                await trio.sleep(0.01)
        await database.write(files.remove, file.id, Stamp(NOON, LOCAL))
        again = await shop.uploaded()
        actor.tell_nowait(FileAdded())
        go_on.set()
        analysis = await shop.analysed(again)

    assert again.id == file.id
    assert analysis.state is FileState.READY


async def test_worker_without_a_process_leaves_a_single_file_to_the_one_that_has_one(database, storage):
    shop = Shop(database, storage, workers=2)
    shop.analysers[1].state = State.COLD
    async with shop.working() as actor:
        for number in range(3):
            file = await shop.uploaded(name=f"{number}.gcode")
            actor.tell_nowait(FileAdded())
            await shop.analysed(file)

    assert len(shop.analysers[0].begun) == 3
    assert shop.analysers[1].begun == []


async def test_trouble_of_the_database_is_waited_out(shop, database, monkeypatch, logged):
    monkeypatch.setattr(file_worker, "AGAIN_AFTER_S", 0.05)
    write, refused = database.write, 0

    async def refusing(op, *args, **kwargs):
        nonlocal refused
        if getattr(op, "func", op) is file_analyses.note_analysis and refused < 2:
            refused += 1
            raise StorageFailed("the shop PC's disk refused")
        return await write(op, *args, **kwargs)

    file = await shop.uploaded()
    monkeypatch.setattr(database, "write", refusing)
    async with shop.working():
        assert (await shop.analysed(file)).state is FileState.READY

    assert refused == 2
    assert len(await told(database)) == 1


async def test_contents_without_a_file_are_swept_at_the_start(shop, storage, logged):
    kept = await shop.uploaded()
    async with storage.upload(limit=100) as upload:
        await upload.write(b"orphan")
        orphan = await upload.keep()

    async with shop.working():
        with trio.fail_after(5):
            while storage.path_of(orphan.sha256).exists():  # noqa: ASYNC110 -- on the disk
                await trio.sleep(0.01)
        await shop.analysed(kept)

    assert await storage.contents() == {kept.sha256}
    assert [entry["count"] for entry in logged if "without a file" in entry["event"]] == [1]


async def test_lost_hint_costs_a_moment_only(shop, monkeypatch):
    monkeypatch.setattr(file_worker, "LOOK_EVERY_S", 0.1)
    async with shop.working():
        file = await shop.uploaded()  # and nobody says so
        assert (await shop.analysed(file)).state is FileState.READY
