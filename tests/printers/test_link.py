"""How a printer is kept in sight: who comes back at once, who is left alone for longer and longer."""

from __future__ import annotations

import gc
import random
import weakref
from collections.abc import Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, NoReturn

import pytest
import trio

from farm.domain.printer import Breaker, Operation
from farm.drivers.base import Identity, Reading
from farm.errors import Forbidden, PrinterUnreachable, ProtocolError
from farm.printers.breaker import CircuitBreaker
from farm.printers.link import AT_ONCE_S, CALM_S, WRONG_KEY_S, Ears, Link
from farm.printers.turnstile import Turnstile

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
IDLE = Reading(True, Operation.IDLE)


class Host:
    """A printer that is seen for `holds_s`, and then lost; with `problem` it cannot even be reached."""

    def __init__(self, holds_s: float = 0.0, problem: Exception | None = None) -> None:
        self.holds_s = holds_s
        self.problem = problem
        self.tried_at: list[float] = []

    async def identify(self) -> Identity:
        await trio.lowlevel.checkpoint()
        return Identity("octoprint", "1.11.8")

    async def watch(self, tell: Callable[[Reading], None]) -> NoReturn:
        self.tried_at.append(trio.current_time())
        await trio.lowlevel.checkpoint()
        if self.problem is not None:
            raise self.problem
        with trio.move_on_after(self.holds_s):
            while True:
                tell(IDLE)
                await trio.sleep(0.5)
        raise PrinterUnreachable("it closed the push socket")


class Heard:
    """What the link told: its `events` with when."""

    def __init__(self) -> None:
        self.events: list[tuple[str, float]] = []
        self.look_anew: Callable[[], None] = lambda: None  # the link's own

    def note(self, event: str) -> Callable[..., None]:
        return lambda *_: self.events.append((event, trio.current_time()))

    def times(self, event: str) -> list[float]:
        return [at for heard, at in self.events if heard == event]


@asynccontextmanager
async def held(host: Any):
    heard, chance = Heard(), random.Random(1)
    breaker = CircuitBreaker("mk4", lambda: NOON + timedelta(seconds=trio.current_time()), chance)
    ears = Ears(heard.note("online"), heard.note("seen"), heard.note("lost"))
    async with trio.open_nursery() as nursery:
        link = Link("mk4", host, breaker, Turnstile(), chance, ears)
        heard.look_anew = link.look_anew
        nursery.start_soon(link.run)
        yield heard, breaker
        nursery.cancel_scope.cancel()


async def test_a_host_that_breaks_off_at_once_every_time_is_left_alone_for_longer_and_longer(autojump_clock):
    host = Host(holds_s=0.0)
    async with held(host) as (heard, _):
        await trio.sleep(600)

    rests = [later - earlier for earlier, later in pairwise(host.tried_at)]
    assert 60 <= len(rests) <= 120
    assert all(5 <= rest <= 10.1 for rest in rests[-50:])
    assert len(heard.times("online")) == 2  # then it is not called back any more


async def test_a_host_that_is_lost_now_and_then_is_back_at_once_and_nobody_is_told(autojump_clock):
    host = Host(holds_s=CALM_S + 1)
    async with held(host) as (heard, breaker):
        await trio.sleep(100)
        assert breaker.state is Breaker.CLOSED

    assert heard.times("lost") == []
    seen = heard.times("seen")
    assert max(b - a for a, b in pairwise(seen)) <= 0.5 + AT_ONCE_S


async def test_a_host_that_comes_back_to_stay_is_told_so_and_hurried_for_again(autojump_clock):
    host = Host(problem=PrinterUnreachable("it is off"))
    async with held(host) as (heard, breaker):
        await trio.sleep(300)
        assert breaker.state is not Breaker.CLOSED
        host.problem, host.holds_s = None, 1000.0
        back_at = trio.current_time()
        await trio.sleep(30)
        (online,) = heard.times("online")
        assert online - back_at <= 10 + CALM_S + 0.5
        assert breaker.state is Breaker.CLOSED

        host.problem, lost_at = PrinterUnreachable("it is off"), trio.current_time()
        host.tried_at.clear()
        await trio.sleep(1100)
        first = [at for at in host.tried_at if at < host.tried_at[0] + 10]
        assert host.tried_at[0] > lost_at
        assert len(first) >= 4


async def test_a_key_that_is_not_taken_is_shown_seldom(autojump_clock):
    host = Host(problem=Forbidden("not this key"))
    async with held(host):
        await trio.sleep(600)
    assert len(host.tried_at) <= 600 / (WRONG_KEY_S / 2)


async def test_while_it_is_looked_for_the_breaker_is_half_open(autojump_clock):
    class Slow(Host):
        async def watch(self, tell: Callable[[Reading], None]) -> NoReturn:
            await trio.sleep(3)
            raise PrinterUnreachable("it is off")

    states = []
    async with held(Slow()) as (_, breaker):
        await trio.sleep(6.5)  # two tries: from then on it counts as lost
        for _ in range(60):
            await trio.sleep(0.5)
            states.append(breaker.state)

    assert set(states) == {Breaker.OPEN, Breaker.HALF_OPEN}


@pytest.mark.parametrize("seed", range(5))
async def test_many_that_are_lost_at_once_do_not_come_back_in_step(autojump_clock, seed):
    hosts = [Host(problem=None, holds_s=CALM_S + 1) for _ in range(50)]
    chance = random.Random(seed)
    breakers = [CircuitBreaker("mk4", lambda: NOON, chance) for _ in hosts]
    deaf = Ears(lambda: None, lambda _: None, lambda _: None)
    async with trio.open_nursery() as nursery:
        for host, breaker in zip(hosts, breakers, strict=True):
            nursery.start_soon(Link("mk4", host, breaker, Turnstile(), chance, deaf).run)
        await trio.sleep(CALM_S + 1.01 + AT_ONCE_S)
        nursery.cancel_scope.cancel()

    second = sorted(host.tried_at[1] for host in hosts)
    assert second[-1] - second[0] > AT_ONCE_S / 2


async def test_who_cannot_be_watched_is_asked_who_it_is_for_better_words(autojump_clock):
    class Stranger(Host):
        async def identify(self) -> Identity:
            await trio.lowlevel.checkpoint()
            raise ProtocolError("this is a router")

    async with held(Stranger(problem=ProtocolError("it answers 404"))) as (_, breaker):
        await trio.sleep(20)
        assert breaker.problem == "this is a router"


async def test_a_host_that_says_nothing_does_not_answer(autojump_clock):
    class Mute(Host):
        async def watch(self, tell: Callable[[Reading], None]) -> NoReturn:
            await trio.sleep_forever()

    async with held(Mute()) as (heard, breaker):
        await trio.sleep(20)
        assert breaker.problem == "mk4 does not answer"
        assert heard.times("online") == []


async def test_while_it_rests_nothing_of_a_failed_try_is_kept(autojump_clock):
    """An error holds on to all that went on when it was raised: a hundred of them make every look at the
    memory long, and meanwhile the whole farm stands still."""
    tries: list[weakref.ref[Exception]] = []

    class Off(Host):
        async def watch(self, tell: Callable[[Reading], None]) -> NoReturn:
            await trio.lowlevel.checkpoint()
            try:
                raise OSError("no route")
            except OSError as error:
                problem = PrinterUnreachable("it is off")
                tries.append(weakref.ref(problem))
                raise problem from error
            finally:
                del problem

    gc.collect()
    gc.disable()
    try:
        async with held(Off()) as (heard, _):
            await trio.sleep(60)
            assert len(heard.times("lost")) > 5
            assert [problem() for problem in tries] == [None] * len(tries)
    finally:
        gc.enable()


async def test_who_looks_anew_connects_at_once_and_counts_it_as_no_loss(autojump_clock):
    host = Host(holds_s=1e9)
    async with held(host) as (heard, breaker):
        await trio.sleep(600)
        heard.look_anew()
        await trio.sleep(0.1)
        assert len(host.tried_at) == 2
        assert len(heard.times("online")) == 2  # whoever follows a print knows that something was missed
        assert heard.times("lost") == []
        assert breaker.state is Breaker.CLOSED
        host.holds_s = 1.0  # what comes later is a loss like any other
        heard.look_anew()
        await trio.sleep(20)
        assert heard.times("lost") != []


async def test_a_host_that_is_left_alone_is_tried_at_once_when_all_are_looked_at_anew(autojump_clock):
    host = Host(problem=PrinterUnreachable("switched off"))
    async with held(host) as (heard, _):
        await trio.sleep(600)
        tries = len(host.tried_at)
        host.problem, host.holds_s = None, 1e9
        heard.look_anew()
        await trio.sleep(0.1)
        assert len(host.tried_at) == tries + 1
        assert heard.events[-1][0] == "seen"
