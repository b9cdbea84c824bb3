"""Contents go when no file has them any more, and never from under an upload."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
import trio

from farm.domain.clock import new_id
from farm.domain.file import FileKind, StoredFile
from farm.domain.user import LOCAL
from farm.errors import StorageFailed
from farm.files.removal import forget, sweep
from farm.store import files
from farm.store.audit import Stamp

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CHANCE = random.Random(5)


async def commit_row(database, content, name="a.gcode"):
    file = StoredFile(
        new_id(CHANCE), name, FileKind.GCODE, content.size, content.sha256, "test", NOON
    )  # fmt: skip
    return await database.write(files.add, file)


async def uploaded(storage, database, data, name="a.gcode"):
    async with storage.upload(limit=1000) as upload:
        await upload.write(data)
        file, _ = await commit_row(database, await upload.keep(), name)
    return file


async def orphaned(storage, data):
    """A content whose row a crash has swallowed."""
    async with storage.upload(limit=1000) as upload:
        await upload.write(data)
        return await upload.keep()


async def test_sweep_takes_what_no_file_has_and_nothing_else(storage, database):
    kept = await uploaded(storage, database, b"kept")
    await orphaned(storage, b"orphan")
    await orphaned(storage, b"another")

    assert await sweep(storage, database) == 2

    assert await storage.contents() == {kept.sha256}
    assert storage.path_of(kept.sha256).read_bytes() == b"kept"
    assert await sweep(storage, database) == 0


async def test_sweep_waits_for_an_upload_and_sees_its_row(storage, database):
    """The content is there and its row is not yet: the moment in which a careless sweep would take it."""
    async with trio.open_nursery() as nursery, storage.upload(limit=1000) as upload:
        await upload.write(b"coming")
        content = await upload.keep()
        nursery.start_soon(sweep, storage, database)
        await trio.sleep(0.1)
        assert storage.path_of(content.sha256).is_file()
        await commit_row(database, content)
    assert storage.path_of(content.sha256).is_file()


async def test_upload_of_what_is_being_taken_away_brings_it_anew(storage, database, monkeypatch):
    orphan = await orphaned(storage, b"orphan")
    removing, go_on = trio.Event(), trio.Event()
    remove = storage.remove

    async def slow(sha256):
        removing.set()
        await go_on.wait()
        await remove(sha256)

    monkeypatch.setattr(storage, "remove", slow)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sweep, storage, database)
        await removing.wait()
        nursery.start_soon(uploaded, storage, database, b"orphan")
        await trio.sleep(0.1)
        go_on.set()

    assert storage.path_of(orphan.sha256).read_bytes() == b"orphan"
    assert await database.read(files.contents) == {orphan.sha256}


async def test_content_stays_while_a_file_of_another_name_has_it(storage, database):
    first = await uploaded(storage, database, b"same", "a.gcode")
    second = await uploaded(storage, database, b"same", "b.gcode")

    await database.write(files.remove, first.id, Stamp(NOON, LOCAL))
    assert not await forget(storage, database, first.sha256)
    assert storage.path_of(first.sha256).is_file()

    await database.write(files.remove, second.id, Stamp(NOON, LOCAL))
    assert await forget(storage, database, second.sha256)
    assert await storage.contents() == set()


async def test_removed_file_that_is_sent_again_is_back_under_its_id(storage, database):
    file = await uploaded(storage, database, b"again")
    await database.write(files.remove, file.id, Stamp(NOON, LOCAL))
    assert await database.read(files.by_id, file.id) is None

    async with storage.upload(limit=1000) as upload:
        await upload.write(b"again")
        back, new = await commit_row(database, await upload.keep())

    assert (back.id, new) == (file.id, True)
    assert await sweep(storage, database) == 0


async def test_locks_are_not_kept(storage, database):
    for number in range(20):
        await uploaded(storage, database, b"%d" % number, f"{number}.gcode")

    assert len(storage._locks) == 0


async def test_disk_that_refuses_to_remove_is_said(storage, database, monkeypatch):
    orphan = await orphaned(storage, b"orphan")
    storage.path_of(orphan.sha256).unlink()
    storage.path_of(orphan.sha256).mkdir()  # what cannot be unlinked

    with pytest.raises(StorageFailed):
        await forget(storage, database, orphan.sha256)
