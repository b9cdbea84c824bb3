"""The process measures itself."""

from __future__ import annotations

import mmap
import time

import pytest
import trio
import trio.lowlevel

from farm.actors import vitals
from farm.actors.vitals import Vitals
from farm.platform import Use, use_of_this_process


async def test_a_loop_that_is_held_up_shows_how_late_it_was(nursery, tmp_path):
    measured = Vitals(tmp_path)
    nursery.start_soon(measured.run)
    await until(lambda: measured.report().lateness_max_s is not None)

    time.sleep(0.4)  # noqa: ASYNC251 -- that is the fault
    await trio.sleep(0.1)

    report = measured.report()
    assert 0.3 < report.lateness_max_s < 2
    assert 0 <= report.lateness_p99_s <= report.lateness_max_s


async def test_a_busy_process_shows_its_processor_time_memory_and_disk(nursery, tmp_path, monkeypatch):
    monkeypatch.setattr(vitals, "SAMPLE_S", 0.2)
    measured = Vitals(tmp_path)
    assert measured.report().use is measured.report().processor is measured.report().disk_free is None
    nursery.start_soon(measured.run)

    with trio.fail_after(30):
        while measured.report().processor is None:  # two samples make a share; each is taken in a thread
            end = time.process_time() + 0.5
            while time.process_time() < end:
                await trio.lowlevel.checkpoint()
    report = measured.report()

    assert report.processor > 0.2
    assert report.use.memory > 5_000_000
    assert report.use.threads >= 1
    assert report.disk_free > 0
    assert report.uptime_s > 0.4


async def test_a_folder_that_is_gone_is_a_number_that_is_not_known(nursery, tmp_path):
    measured = Vitals(tmp_path / "none")
    nursery.start_soon(measured.run)
    await until(lambda: measured.report().use is not None)
    assert measured.report().disk_free is None


async def test_processor_time_is_told_for_the_span_between_two_looks(autojump_clock, tmp_path):
    spent = iter([10.0, 12.5, 12.5])
    measured = Vitals(tmp_path, look=lambda: Use(1, next(spent), 1, 1))
    for seconds, expected in ((0, None), (5, 0.5), (5, 0.0)):
        await trio.sleep(seconds)
        measured._take(*measured._sample())
        assert measured.report().processor == expected


def test_the_process_itself_is_looked_at():
    used = use_of_this_process()
    with mmap.mmap(-1, 50_000_000) as held:  # not what the process has set free before, and may use again
        held.write(bytes(50_000_000))
        after = use_of_this_process()
    assert after.memory - used.memory > 30_000_000
    assert after.processor_s >= used.processor_s > 0
    assert used.descriptors > 2


async def until(holds):
    with trio.fail_after(30):
        while not holds():  # noqa: ASYNC110
            await trio.sleep(0.05)


@pytest.fixture
async def nursery():
    async with trio.open_nursery() as nursery:
        yield nursery
        nursery.cancel_scope.cancel()
