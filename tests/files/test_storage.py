from __future__ import annotations

import errno
import hashlib

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
    upload = storage.upload(limit=LIMIT)
    await upload.__aenter__()
    await upload.write(bytes(2 * PIECE))
    assert len(everything(tmp_path)) == 1
    kept = await stored(storage, b"G1 X1")

    upload._incoming._file.close()  # the process is gone
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


async def test_slow_disk_slows_the_sender_down_and_holds_one_piece(tmp_path):
    class SlowDisk(Storage):
        async def run(self, work, *args, **kwargs):
            await trio.sleep(0.005)
            return await super().run(work, *args, **kwargs)

    storage = SlowDisk(tmp_path, min_free=0)
    await storage.open()
    most = 0
    async with storage.upload(limit=LIMIT) as upload:
        for _ in range(300):
            await upload.write(bytes(65536))
            most = max(most, len(upload._waiting))
        content = await upload.keep()

    assert content.size == 300 * 65536
    assert most < PIECE


async def test_replay_uses_no_threads(tmp_path, autojump_clock, monkeypatch):
    monkeypatch.setattr(trio.to_thread, "run_sync", None)
    storage = Storage(tmp_path, min_free=0, inline=True)
    await storage.open()

    content = await stored(storage, b"G1 X1")

    assert storage.path_of(content.sha256).read_bytes() == b"G1 X1"
