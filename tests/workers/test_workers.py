"""Worker processes: whatever an errand does, it is told in words, and the next one is done."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import structlog
import trio

from farm.errors import Invalid
from farm.workers.process import MOST_WORDS, State, Why, Worker, WorkFailed
from farm.workers.surroundings import Surroundings
from farm.workers.wire import Limits

MB = 1_000_000
LIMITS = Limits(memory=100 * MB, processor_s=20, wall_s=20, answer=100_000)
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to these limits")


@pytest.fixture
def logged():
    with structlog.testing.capture_logs() as entries:
        yield entries


@contextlib.asynccontextmanager
async def working(folder, **options):
    worker = Worker("tests.workers.trade", Surroundings(folder), **options)
    try:
        yield worker
    finally:
        await worker.aclose()


@pytest.fixture
async def worker(tmp_path, logged):
    async with working(tmp_path / "workers") as worker:
        yield worker


async def ask(worker, deed, detail=None, answer=object, limits=LIMITS, **options):
    return await worker.do({"deed": deed, "detail": detail}, answer, limits, **options)


async def still_works(worker):
    return await ask(worker, "add", [1, 2], int) == 3


def is_gone(pid):
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


async def gone(pid, within_s=5.0):
    with trio.fail_after(within_s):
        while not is_gone(pid):  # noqa: ASYNC110 -- another process
            await trio.sleep(0.02)


async def test_errand_is_done_in_another_process_that_is_kept_warm(worker):
    await worker.warm_up()
    pid = worker.pid

    assert await ask(worker, "add", [1, 2, 3], int) == 6
    assert await ask(worker, "add", [4], int) == 4
    assert (worker.pid, worker.state) == (pid, State.READY)
    assert pid != os.getpid()


@LINUX
async def test_worker_has_no_sockets_no_secrets_and_waits_for_others(tmp_path, monkeypatch, logged):
    monkeypatch.setenv("FARM_SERVER__SECRET", "planted")
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            ends = stack.enter_context(contextlib.closing(trio.socket.socket()))
            os.set_inheritable(ends.fileno(), True)
        async with working(tmp_path) as worker:
            seen = await ask(worker, "look around", answer=dict)

    assert not [name for name in seen["descriptors"] if "socket" in name]
    assert len([name for name in seen["descriptors"] if name.startswith("pipe:")]) == 4
    assert "planted" not in seen["environment"].values()
    assert not [name for name in seen["environment"] if "FARM" in name]
    assert seen["nice"] == os.nice(0) + 10
    assert seen["folder"] == seen["temporary"] == str(tmp_path)


async def test_progress_is_told(worker):
    shares = []

    assert await ask(worker, "go on", 4, int, tell=shares.append) == 4

    assert shares == [0.0, 0.25, 0.5, 0.75]


async def test_answers_that_are_good_already_come_before_the_last(worker):
    heard = []

    assert await ask(worker, "get better", 3, int, hear=heard.append) == 3

    assert heard == [0, 1, 2]


async def test_what_was_heard_stays_when_the_time_runs_out(worker):
    heard = []
    await worker.warm_up()

    with pytest.raises(WorkFailed, match="not done in time"):
        await ask(worker, "get better and hang", 3, int, replace(LIMITS, wall_s=0.5), hear=heard.append)

    assert heard == [0, 1, 2]


async def test_what_is_turned_down_is_told_in_its_words_and_the_process_is_kept(worker):
    await worker.warm_up()
    pid = worker.pid

    with pytest.raises(Invalid, match="there is nothing in it"):
        await ask(worker, "turn down", "there is nothing in it")

    assert worker.pid == pid
    assert await still_works(worker)


@LINUX
async def test_one_errand_may_write_a_large_file_and_the_next_one_may_not(worker, tmp_path):
    large = replace(LIMITS, file=25 * MB)

    await ask(worker, "write", str(tmp_path / "large"), None, large)

    assert (tmp_path / "large").stat().st_size == 20 * MB
    with pytest.raises(WorkFailed):
        await ask(worker, "write", str(tmp_path / "another"), None)


@pytest.mark.parametrize(
    ("deed", "detail", "limits", "why"),
    [
        ("die", signal.SIGKILL, LIMITS, Why.DIED),
        ("die", signal.SIGSEGV, LIMITS, Why.DIED),
        ("hang", os.devnull, Limits(100 * MB, 20, 0.5, 1000), Why.TIME),
        ("burn", 60, Limits(100 * MB, 20, 0.5, 1000), Why.TIME),
        ("stumble", None, LIMITS, Why.BUG),
        ("nothing we know", None, LIMITS, Why.BUG),
        ("answer", 100_001, LIMITS, Why.ANSWER),
        ("answer", 200 * MB, Limits(1000 * MB, 20, 20, 1000), Why.ANSWER),
        pytest.param("eat", 300, LIMITS, Why.MEMORY, marks=LINUX),
        pytest.param("burn", 60, Limits(100 * MB, 0.1, 20, 1000), Why.PROCESSOR, marks=LINUX),
        pytest.param("babble", b"\0\0\0\4what", LIMITS, Why.NONSENSE, marks=LINUX),
        pytest.param("babble", b"\xff\xff\xff\xff", LIMITS, Why.NONSENSE, marks=LINUX),
        pytest.param("write", "large", LIMITS, Why.BUG, marks=LINUX),
        ("connect", None, LIMITS, Why.BUG),
        ("run", None, LIMITS, Why.BUG),
    ],
)
async def test_harm_is_told_in_words_and_the_next_errand_is_done(worker, deed, detail, limits, why):
    await worker.warm_up()
    pid = worker.pid

    with pytest.raises(WorkFailed) as failed:
        await ask(worker, deed, detail, bytes, limits)

    assert failed.value.why is why
    assert (worker.state, worker.pid) == (State.COLD, None)
    assert is_gone(pid)
    assert await still_works(worker)


async def test_process_that_does_not_even_stand_still_by_itself_is_ended(worker, monkeypatch):
    monkeypatch.setattr("farm.workers.process.GRACE_S", 0.2)
    await worker.warm_up()
    pid = worker.pid

    with pytest.raises(WorkFailed) as failed:
        await ask(worker, "stop", None, int, Limits(100 * MB, 20, 0.3, 1000))

    assert failed.value.why is Why.TIME
    assert is_gone(pid)


async def test_hung_worker_says_in_the_log_what_it_was_at(worker, logged):
    with pytest.raises(WorkFailed):
        await ask(worker, "hang", os.devnull, int, Limits(100 * MB, 20, 0.5, 1000))

    (entry,) = [entry for entry in logged if entry["event"] == "work failed"]
    assert "_say_where_and_hang" in entry["said"]


@pytest.mark.parametrize(
    ("deed", "detail", "limits", "why"),
    [
        ("eat slowly", 300, LIMITS, Why.MEMORY),
        ("burn", 60, Limits(100 * MB, 0.3, 20, 1000), Why.PROCESSOR),
    ],
)
async def test_server_watches_where_the_system_does_not(
    tmp_path, logged, monkeypatch, deed, detail, limits, why
):
    monkeypatch.setattr("farm.workers.process.LOOK_EVERY_S", 0.02)
    unlimited = Limits(10_000 * MB, 1000, limits.wall_s, limits.answer)
    async with working(tmp_path, watched=True) as worker:
        with pytest.raises(WorkFailed) as failed:
            await ask(_Unheld(worker, unlimited), deed, detail, int, limits)

        assert failed.value.why is why
        assert await still_works(worker)


class _Unheld:
    """A worker on a system that holds no process to anything: the limits it is told are none."""

    def __init__(self, worker, told):
        self._worker, self._told = worker, told

    async def do(self, asked, answer, limits):
        import farm.workers.process as module

        real, told = module.framed, self._told
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "framed", lambda errand: real(module.Errand(errand.asked, told)))
            return await self._worker.do(asked, answer, limits)


async def test_what_it_prints_harms_nobody(worker):
    assert await ask(worker, "print", answer=str) == ""
    assert len(worker._process._words) == MOST_WORDS
    assert await still_works(worker)


async def test_cancelled_errand_ends_its_process_at_once(worker, tmp_path):
    place = tmp_path / "pid"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, worker, "hang", str(place))
        with trio.fail_after(5):
            while not (place.exists() and place.read_text("ascii")):  # noqa: ASYNC110 -- another process
                await trio.sleep(0.01)
        cancelled = time.monotonic()
        nursery.cancel_scope.cancel()

    assert time.monotonic() - cancelled < 1
    assert is_gone(int(place.read_text("ascii")))
    assert await still_works(worker)


async def test_process_is_replaced_after_so_many_errands(tmp_path, logged):
    pids = []
    async with working(tmp_path, errands=3) as worker:
        for _ in range(7):
            await worker.warm_up()
            pids.append(worker.pid)
            await ask(worker, "add", [], int)

    assert len(set(pids)) == 3
    assert all(map(is_gone, pids))


async def test_worker_that_cannot_start_is_told(tmp_path, logged):
    worker = Worker("tests.workers.no_such_module", Surroundings(tmp_path))

    with pytest.raises(WorkFailed, match="did not start"):
        await worker.warm_up()

    assert worker.state is State.COLD
    assert "No module named 'tests.workers.no_such_module'" in logged[-1]["said"]


async def test_process_that_died_while_it_waited_is_replaced(worker):
    await worker.warm_up()
    os.kill(worker.pid, signal.SIGKILL)
    with trio.fail_after(5):
        while not worker._process.is_over:  # noqa: ASYNC110 -- its threads end one after the other
            await trio.sleep(0.01)

    assert await still_works(worker)


@pytest.mark.parametrize("deed", ["idle", "burn"])
async def test_worker_does_not_outlive_the_server(tmp_path, deed):
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.workers.parent", str(tmp_path / "workers"), deed],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    with server:
        pid = int(server.stdout.readline())
        assert psutil.pid_exists(pid)
        server.send_signal(signal.SIGKILL)
        await gone(pid)
