"""The files' actor: each file is analysed once, whatever stops and starts in between."""

from __future__ import annotations

import random
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trio

from farm.actors import Address, Mailbox
from farm.domain.clock import new_id
from farm.domain.file import FileKind, FileState, StoredFile
from farm.domain.user import LOCAL
from farm.errors import StorageFailed
from farm.files import actor as module
from farm.files.actor import Files, FilesParts
from farm.files.messages import FileAdded
from farm.store import events, files
from farm.store.audit import Stamp

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CHANCE = random.Random(5)
CHIP = (Path(__file__).parents[1] / "data" / "gcode" / "chip6_fast.gcode").read_bytes()


@asynccontextmanager
async def working(database, storage):
    mailbox = Mailbox("files", size=4)
    actor = Files(FilesParts(database, storage, clock=lambda: NOON))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(actor.run, mailbox)
        yield Address(mailbox)
        mailbox.close()


async def uploaded(database, storage, data=CHIP, name="chip.gcode"):
    async with storage.upload(limit=10_000_000) as upload:
        await upload.write(data)
        content = await upload.keep()
        file = StoredFile(
            new_id(CHANCE), name, FileKind.GCODE, content.size, content.sha256, "test", NOON
        )  # fmt: skip
        return (await database.write(files.add, file))[0]


async def analysed(database, file):
    """The analysis of a file, once it is done."""
    with trio.fail_after(5):
        while True:
            analysis = (await database.read(files.by_id, file.id)).analysis
            if analysis.state in (FileState.READY, FileState.FAILED):
                return analysis
            await trio.sleep(0.01)


async def told(database):
    return [fact for fact in await database.read(events.since, 0) if fact.type == "file.processed"]


async def test_file_is_analysed_when_it_comes_and_that_is_told(database, storage):
    async with working(database, storage) as actor:
        file = await uploaded(database, storage)
        actor.tell_nowait(FileAdded())

        analysis = await analysed(database, file)

    assert analysis.state is FileState.READY
    assert analysis.result.time_s.slicer == 10
    assert analysis.result.filament[0].mm == 13.93
    (fact,) = await told(database)
    assert fact.rooms == ("files",)
    assert fact.data == {"file": file.id, "name": "chip.gcode", "state": "ready", "reason": None}


async def test_files_that_waited_are_found_at_the_start_and_analysed_once(database, storage):
    waiting = [await uploaded(database, storage, CHIP, f"{number}.gcode") for number in range(5)]

    for _ in range(2):
        async with working(database, storage):
            for file in waiting:
                assert (await analysed(database, file)).state is FileState.READY

    assert len(await told(database)) == 5


@pytest.mark.parametrize(
    ("data", "words"), [(b"; nothing here\n", "no G-code in this file"), (bytes(500), "no G-code text")]
)
async def test_file_that_holds_no_gcode_is_failed_with_the_reason(database, storage, data, words):
    file = await uploaded(database, storage, data)
    async with working(database, storage):
        analysis = await analysed(database, file)

    assert (analysis.state, analysis.result) == (FileState.FAILED, None)
    assert words in analysis.reason
    assert (await told(database))[0].data["reason"] == analysis.reason


async def test_missing_content_is_said(database, storage):
    file = await uploaded(database, storage)
    storage.path_of(file.sha256).unlink()
    async with working(database, storage):
        analysis = await analysed(database, file)

    assert analysis.state is FileState.FAILED
    assert "missing on the shop PC's disk; send the file again" in analysis.reason


async def test_file_that_finds_a_mistake_of_ours_stops_no_other(database, storage, monkeypatch, logged):
    real = module.describe

    def stumble(file):
        if b"poison" in file.ends.head:
            raise RecursionError("a mistake")
        return real(file)

    monkeypatch.setattr(module, "describe", stumble)
    poison = await uploaded(database, storage, b"; poison\nG28\n", "poison.gcode")
    good = await uploaded(database, storage)
    async with working(database, storage):
        assert (await analysed(database, poison)).state is FileState.FAILED
        assert (await analysed(database, good)).state is FileState.READY

    assert [entry["file"] for entry in logged if entry["event"] == "file cannot be analysed"] == [poison.id]


async def test_file_that_is_removed_meanwhile_is_no_trouble(database, storage, monkeypatch):
    file = await uploaded(database, storage)
    look = storage.look

    async def removed_meanwhile(work, sha256):
        result = await look(work, sha256)
        await database.write(files.remove, file.id, Stamp(NOON, LOCAL))
        return result

    monkeypatch.setattr(storage, "look", removed_meanwhile)
    async with working(database, storage) as actor:
        with trio.fail_after(5):
            while await database.read(files.unread) is not None:  # noqa: ASYNC110 -- another asks, too
                await trio.sleep(0.01)
        monkeypatch.setattr(storage, "look", look)
        other = await uploaded(database, storage, b"G28\n", "other.gcode")
        actor.tell_nowait(FileAdded())
        assert (await analysed(database, other)).state is FileState.READY

    assert [fact.data["file"] for fact in await told(database)] == [other.id]


async def test_trouble_of_the_database_is_waited_out(database, storage, monkeypatch, logged):
    monkeypatch.setattr(module, "AGAIN_AFTER_S", 0.05)
    write, refused = database.write, 0

    async def refusing(op, *args, **kwargs):
        nonlocal refused
        if op is files.note_analysis and refused < 2:
            refused += 1
            raise StorageFailed("the shop PC's disk refused")
        return await write(op, *args, **kwargs)

    file = await uploaded(database, storage)
    monkeypatch.setattr(database, "write", refusing)
    async with working(database, storage):
        assert (await analysed(database, file)).state is FileState.READY

    assert refused == 2
    assert len(await told(database)) == 1


async def test_contents_without_a_file_are_swept_at_the_start(database, storage, logged):
    kept = await uploaded(database, storage)
    async with storage.upload(limit=100) as upload:
        await upload.write(b"orphan")
        orphan = await upload.keep()

    async with working(database, storage):
        with trio.fail_after(5):
            while storage.path_of(orphan.sha256).exists():  # noqa: ASYNC110 -- on the disk
                await trio.sleep(0.01)
        await analysed(database, kept)

    assert await storage.contents() == {kept.sha256}
    assert [entry["count"] for entry in logged if "without a file" in entry["event"]] == [1]


async def test_lost_hint_costs_a_moment_only(database, storage, monkeypatch):
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.1)
    async with working(database, storage):
        file = await uploaded(database, storage)  # and nobody says so
        assert (await analysed(database, file)).state is FileState.READY
