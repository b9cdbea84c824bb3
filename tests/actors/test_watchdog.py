from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pytest
import structlog
import trio
from actors_to_try import Clerk, Double

from farm.actors import ChildSpec, Mailbox, Runtime, Supervisor
from farm.actors.watchdog import Watchdog

SPIN_S = 0.8
LIMIT_S = 0.2


def spin_without_waiting() -> None:
    until = time.monotonic() + SPIN_S
    while time.monotonic() < until:
        pass


def hold_the_loop() -> None:
    time.sleep(LIMIT_S / 2)


async def spin(mailbox: Mailbox[str]) -> None:
    async for _ in mailbox:
        spin_without_waiting()


async def spin_once_under(watchdog: Watchdog) -> tuple[float, float]:
    """Run a spinning handler beside a good actor. Returns when the spinning began and ended."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watchdog.run)
        async with Supervisor(Runtime()).running() as supervisor:
            spinning = await supervisor.start(ChildSpec(name="spinning", run=spin))
            good = await supervisor.start(ChildSpec(name="good", run=Clerk().run))
            await trio.sleep(2 * LIMIT_S)
            began = time.monotonic()
            await spinning.tell("spin")
            assert await good.ask(Double(1)) == 2
            ended = time.monotonic()
            await trio.sleep(2 * LIMIT_S)
        nursery.cancel_scope.cancel()
    return began, ended


def test_a_spinning_handler_is_seen_by_the_watchdog_with_every_stack_and_the_beat_stops(
    tmp_path: Path, logged: list[structlog.typing.EventDict]
) -> None:
    beats: list[float] = []
    with (tmp_path / "stacks").open("w+") as stacks:
        watchdog = Watchdog(limit_s=LIMIT_S, alive=lambda: beats.append(time.monotonic()), stacks_to=stacks)
        began, ended = trio.run(spin_once_under, watchdog)
        stacks.seek(0)
        written = stacks.read()

    assert ended - began >= SPIN_S
    assert watchdog.stalls == 1
    assert written.count("in spin_without_waiting") == 1
    assert "Current thread" in written  # the watchdog's own
    assert written.count("hread 0x") >= 2
    assert not [beat for beat in beats if began + 0.1 < beat < began + SPIN_S]
    assert [beat for beat in beats if beat < began]
    assert [beat for beat in beats if beat > ended]
    assert [entry["event"] for entry in logged if "loop" in entry["event"]] == [
        "the loop stopped turning",
        "the loop turns again",
    ]


def test_stacks_that_cannot_be_written_do_not_end_the_watch(
    monkeypatch: pytest.MonkeyPatch, logged: list[structlog.typing.EventDict]
) -> None:
    monkeypatch.setattr(sys, "stderr", None)  # as under a Windows service
    watchdog = Watchdog(limit_s=LIMIT_S)

    trio.run(spin_once_under, watchdog)
    trio.run(spin_once_under, watchdog)

    assert watchdog.stalls == 2
    assert [entry["event"] for entry in logged].count("the stacks could not be written out") == 2


def test_the_thread_ends_with_its_run() -> None:
    async def run_a_moment() -> None:
        with trio.move_on_after(0.05):
            await Watchdog(limit_s=0.1).run()
        await trio.sleep(0.1)

    trio.run(run_a_moment)

    assert "watchdog" not in [thread.name for thread in threading.enumerate()]


def test_a_process_that_was_stopped_or_slept_is_no_loop_that_stands_still(
    monkeypatch: pytest.MonkeyPatch, logged: list[structlog.typing.EventDict]
) -> None:
    """As after SIGCONT: the clock has gone on, and neither the loop nor the thread has done anything."""
    away_s, real = 0.0, time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: real() + away_s)
    watchdog = Watchdog(limit_s=LIMIT_S)

    async def stop_and_go_on() -> None:
        nonlocal away_s
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watchdog.run)
            await trio.sleep(2 * LIMIT_S)
            away_s = 3600.0
            hold_the_loop()  # it does not turn before the thread has looked
            await trio.sleep(2 * LIMIT_S)
            nursery.cancel_scope.cancel()

    trio.run(stop_and_go_on)

    assert watchdog.stalls == 0
    assert not [entry for entry in logged if "loop" in entry["event"]]
