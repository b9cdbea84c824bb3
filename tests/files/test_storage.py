from __future__ import annotations

import errno
import hashlib
import random

import pytest
import trio

from farm.errors import StorageFailed, StorageFull, TooLarge
from farm.files import storage as module
from farm.files.storage import MB, PIECE, Content, Storage

LIMIT = 50 * MB


@pytest.fixture
async def storage(tmp_path):
    storage = Storage(tmp_path, min_free=0)
    await storage.open()
    return storage


def everything(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


async def stored(storage, data):
    async with storage.upload(limit=LIMIT) as upload:
        for at in range(0, len(data), 300_000):
            await upload.write(data[at : at + 300_000])
        return await upload.keep()


async def test_content_lies_under_its_hash_and_is_what_was_sent(storage, tmp_path):
    data = bytes(range(256)) * 10_000

    content = await stored(storage, data)

    assert content == Content(hashlib.sha256(data).hexdigest(), len(data))
    assert storage.path_of(content.sha256).read_bytes() == data
    assert everything(tmp_path) == [storage.path_of(content.sha256)]


async def test_same_content_twice_lies_there_once(storage, tmp_path):
    assert await stored(storage, b"G1 X1") == await stored(storage, b"G1 X1")

    assert len(everything(tmp_path)) == 1


async def test_damaged_content_is_mended_by_the_next_upload(storage):
    content = await stored(storage, b"G1 X1")
    storage.path_of(content.sha256).write_bytes(b"G1")

    await stored(storage, b"G1 X1")

    assert storage.path_of(content.sha256).read_bytes() == b"G1 X1"


async def test_what_is_not_kept_leaves_nothing(storage, tmp_path):
    async with storage.upload(limit=LIMIT) as upload:
        await upload.write(bytes(2 * PIECE))

    assert everything(tmp_path) == []


async def test_cancelled_upload_leaves_nothing(storage, tmp_path):
    with trio.move_on_after(0.05) as scope:
        async with storage.upload(limit=LIMIT) as upload:
            await upload.write(bytes(2 * PIECE))
            await trio.sleep_forever()

    assert scope.cancelled_caught
    assert everything(tmp_path) == []


async def test_more_than_the_limit_is_refused_when_declared_and_when_it_comes(storage, tmp_path):
    with pytest.raises(TooLarge, match=r"0\.001 MB"):
        async with storage.upload(limit=1000, declared=1001):
            pass
    with pytest.raises(TooLarge):  # noqa: PT012
        async with storage.upload(limit=1000) as upload:
            await upload.write(bytes(600))
            await upload.write(bytes(600))

    assert everything(tmp_path) == []


async def test_room_is_kept_on_the_disk(tmp_path):
    free = 900 * MB
    storage = Storage(tmp_path, min_free=500 * MB, free=lambda folder: free)
    await storage.open()
    with pytest.raises(StorageFull, match="900 MB free, 401 MB coming, 500 MB must stay free"):
        async with storage.upload(limit=1000 * MB, declared=401 * MB):
            pass

    with pytest.raises(StorageFull):  # noqa: PT012
        async with storage.upload(limit=1000 * MB, declared=399 * MB) as upload:
            await upload.write(bytes(PIECE))
            free = 500 * MB  # somebody else fills the disk meanwhile
            await upload.write(bytes(PIECE))

    assert everything(tmp_path) == []


@pytest.mark.parametrize(
    ("number", "problem"),
    [(errno.ENOSPC, StorageFull), (errno.EDQUOT, StorageFull), (errno.EIO, StorageFailed)],
)
async def test_disk_that_refuses_is_said_in_words_and_leaves_nothing(
    storage, tmp_path, monkeypatch, number, problem
):
    def refuse(descriptor):
        raise OSError(number, "the disk says no")

    monkeypatch.setattr(module.os, "fsync", refuse)

    with pytest.raises(problem, match="disk"):
        await stored(storage, b"G1 X1")

    assert everything(tmp_path) == []


async def test_what_an_earlier_run_left_is_swept(storage, tmp_path):
    kept = await stored(storage, b"G1 X1")
    (tmp_path / "incoming" / "0123456789abcdef").write_bytes(bytes(2 * PIECE))

    await Storage(tmp_path, min_free=0).open()

    assert everything(tmp_path) == [storage.path_of(kept.sha256)]


async def test_everything_is_durable_before_it_is_kept(storage, monkeypatch):
    steps = []
    for name in ("fsync", "replace"):
        real = getattr(module.os, name)
        monkeypatch.setattr(
            module.os, name, lambda *args, name=name, real=real: (steps.append(name), real(*args))[1]
        )

    await stored(storage, b"G1 X1")

    assert steps == ["fsync", "replace", "fsync", "fsync", "fsync"]  # file, name, the folders on its way


async def test_content_that_another_upload_just_put_there_is_durable_too(storage, monkeypatch):
    """The other one may not have come as far as syncing the folders, and its process may die there."""
    await stored(storage, b"G1 X1")
    synced = []
    monkeypatch.setattr(module, "sync_folder", synced.append)

    content = await stored(storage, b"G1 X1")

    target = storage.path_of(content.sha256)
    assert synced == list(target.parents)[:3]


async def test_folder_that_cannot_be_used_is_said_in_words(tmp_path):
    (tmp_path / "content").write_text("a file where a folder should be")

    with pytest.raises(StorageFailed):
        await Storage(tmp_path, min_free=0).open()


class SlowDisk(Storage):
    """Takes a moment for everything. at_work: the most pieces it was given at once."""

    at_work = busy = 0

    async def run(self, work, *args, **kwargs):
        self.busy += 1
        self.at_work = max(self.at_work, self.busy)
        try:
            await trio.sleep(0.005)
            return await super().run(work, *args, **kwargs)
        finally:
            self.busy -= 1


@pytest.mark.parametrize("size", [1000, 65536, 3 * PIECE])
async def test_slow_disk_slows_the_sender_down_and_two_pieces_are_held(tmp_path, size):
    storage = SlowDisk(tmp_path, min_free=0)
    await storage.open()
    most, data = 0, random.Random(1).randbytes(20_000_000)
    async with storage.upload(limit=LIMIT) as upload:
        for at in range(0, len(data), size):
            await upload.write(data[at : at + size])
            most = max(most, sum(map(len, upload._waiting)))
        content = await upload.keep()

    assert content == Content(hashlib.sha256(data).hexdigest(), len(data))
    assert storage.path_of(content.sha256).read_bytes() == data
    assert most < PIECE
    assert storage.at_work == 1


async def test_what_has_come_is_looked_at_when_the_disk_has_all_of_it(tmp_path):
    storage = SlowDisk(tmp_path, min_free=0)
    await storage.open()
    data = random.Random(3).randbytes(2 * PIECE + 5)
    async with storage.upload(limit=LIMIT) as upload:
        await upload.write(data[: 2 * PIECE])
        await upload.write(data[2 * PIECE :])
        content = await upload.look()

    assert content == Content(hashlib.sha256(data).hexdigest(), len(data))
    assert everything(tmp_path) == []


async def test_single_bytes_are_not_held_one_by_one(storage):
    async with storage.upload(limit=LIMIT) as upload:
        for number in range(10_000):
            await upload.write(b"%d" % (number % 10))
        await upload.write(bytes(100_000))
        await upload.write(b"x")
        assert len(upload._waiting) == 3
        content = await upload.keep()

    assert content.size == 110_001


@pytest.mark.parametrize("last", [True, False])
async def test_trouble_with_a_piece_is_told_with_the_next_or_at_the_end(storage, tmp_path, monkeypatch, last):
    def refuse(incoming, piece):
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(module.Incoming, "append", refuse)
    with pytest.raises(StorageFull):  # noqa: PT012
        async with storage.upload(limit=LIMIT) as upload:
            await upload.write(bytes(PIECE))
            await (upload.keep() if last else upload.write(bytes(PIECE)))

    assert everything(tmp_path) == []


async def test_client_that_leaves_while_its_file_is_kept_takes_nothing_out_of_it(tmp_path):
    """A handler that is cancelled keeps the file behind a shield; the pieces under way must not be lost."""
    storage = SlowDisk(tmp_path, min_free=0)
    await storage.open()
    data = random.Random(2).randbytes(2 * PIECE + 5)
    with trio.CancelScope() as handler:
        async with storage.upload(limit=LIMIT) as upload:
            for at in range(0, len(data), PIECE):
                await upload.write(data[at : at + PIECE])
            handler.cancel()
            with trio.CancelScope(shield=True):
                content = await upload.keep()

    assert storage.path_of(content.sha256).read_bytes() == data


async def test_upload_that_is_left_while_the_disk_works_leaves_nothing(tmp_path):
    storage = SlowDisk(tmp_path, min_free=0)
    await storage.open()

    with pytest.raises(TooLarge):  # noqa: PT012
        async with storage.upload(limit=3 * PIECE) as upload:
            await upload.write(bytes(PIECE))
            await upload.write(bytes(3 * PIECE))
    with trio.CancelScope() as scope:
        async with storage.upload(limit=LIMIT) as upload:
            await upload.write(bytes(PIECE))
            scope.cancel()

    assert scope.cancel_called
    assert everything(tmp_path) == []


async def test_replay_uses_no_threads(tmp_path, autojump_clock, monkeypatch):
    monkeypatch.setattr(trio.to_thread, "run_sync", None)
    storage = Storage(tmp_path, min_free=0, inline=True)
    await storage.open()

    content = await stored(storage, b"G1 X1")

    assert storage.path_of(content.sha256).read_bytes() == b"G1 X1"
