from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from farm.access import known
from farm.access.known import LIVES_S, Known
from farm.errors import StorageFailed


class Source:
    """What is looked up, how often, and what goes wrong."""

    def __init__(self, value):
        self.value = value
        self.asked = 0
        self.gate = None

    async def __call__(self):
        self.asked += 1
        value = self.value
        if self.gate is not None:
            await self.gate.wait()
        if isinstance(value, Exception):
            raise value
        return value


@pytest.fixture
def seconds():
    return [0.0]


@pytest.fixture
def cache(seconds):
    return Known(lambda: seconds[0])


async def test_look_up_is_remembered_for_a_few_seconds(cache, seconds):
    source = Source("mara")
    for _ in range(5):
        assert await cache.recall("f1", source) == "mara"
    assert source.asked == 1

    seconds[0] += LIVES_S
    source.value = "mara, viewer"

    assert await cache.recall("f1", source) == "mara, viewer"


async def test_change_is_seen_at_once(cache):
    source = Source("mara")
    await cache.recall("f1", source)
    source.value = None
    cache.forget()

    assert await cache.recall("f1", source) is None
    assert cache.revision == 1


async def test_what_is_not_there_is_asked_for_every_time(cache):
    source = Source(None)
    await cache.recall("f1", source)
    source.value = "mara"

    assert await cache.recall("f1", source) == "mara"


async def test_look_up_that_a_change_overtook_is_not_remembered(cache):
    source = Source("mara")
    source.gate = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(cache.recall, "f1", source)
        await wait_all_tasks_blocked()
        source.value = None
        cache.forget()
        source.gate.set()

    assert await cache.recall("f1", source) is None


async def test_broken_store_leaves_what_it_said_last_until_something_changed(cache, seconds):
    source = Source("mara")
    await cache.recall("f1", source)
    source.value = StorageFailed("disk")
    seconds[0] += 3600

    assert await cache.recall("f1", source) == "mara"
    with pytest.raises(StorageFailed):
        await cache.recall("f2", source)
    cache.forget()
    with pytest.raises(StorageFailed):
        await cache.recall("f1", source)


async def test_change_during_a_failing_look_up_is_not_answered_from_before_it(cache, seconds):
    source = Source("mara")
    await cache.recall("f1", source)
    seconds[0] += LIVES_S
    source.value, source.gate = StorageFailed("disk"), trio.Event()
    refused = []

    async def recall():
        with pytest.raises(StorageFailed):
            await cache.recall("f1", source)
        refused.append(1)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(recall)
        await wait_all_tasks_blocked()
        cache.forget()
        source.gate.set()

    assert refused == [1]


async def test_memory_is_bounded(cache, monkeypatch):
    monkeypatch.setattr(known, "HOLDS", 3)
    source = Source("x")
    for number in range(10):
        await cache.recall(f"f{number}", source)

    assert list(cache._entries) == ["f7", "f8", "f9"]
