"""A few at a time, in order of arrival, and nobody is held up for long by one who is not there."""

from __future__ import annotations

import time
from typing import Any

import trio
import trio.lowlevel

from farm.printers.turnstile import CALM_S, MOST, PATIENCE_TURNS, TURN_S, Turnstile


class Crowd:
    """Printers that want in at the same time, each of which takes so long (None: for ever)."""

    def __init__(self, turnstile: Turnstile, nursery: trio.Nursery) -> None:
        self.came: list[tuple[float | None, float]] = []
        self.inside = self.peak = 0
        self._turnstile = turnstile
        self._nursery = nursery

    def arrive(self, *takes_s: float | None) -> None:
        for one in takes_s:
            self._nursery.start_soon(self._pass, one)

    async def _pass(self, takes_s: float | None) -> None:
        place = await self._turnstile.enter()
        self.came.append((takes_s, trio.current_time()))
        self.inside += 1
        self.peak = max(self.peak, self.inside)
        try:
            await trio.sleep(float("inf") if takes_s is None else takes_s)
        finally:
            self.inside -= 1
            place.leave()
            place.leave()  # twice is harmless


async def test_a_thousand_pass_a_few_at_a_time(nursery: trio.Nursery, autojump_clock: Any) -> None:
    crowd, began = Crowd(Turnstile(), nursery), trio.current_time()
    crowd.arrive(*[0.01] * 1000)
    await trio.sleep(2)

    assert len(crowd.came) == 1000
    assert crowd.peak == MOST
    assert crowd.came[-1][1] - began < 0.01 * 1000 / MOST + 0.1


async def test_who_came_first_goes_first(nursery: trio.Nursery, autojump_clock: Any) -> None:
    turnstile, order = Turnstile(2), []

    async def arrive(number: int) -> None:
        place = await turnstile.enter()
        order.append(number)
        await trio.sleep(0.01)
        place.leave()

    for number in range(20):
        nursery.start_soon(arrive, number)
        await trio.sleep(0.001)
    await trio.sleep(1)

    assert order == list(range(20))


async def test_printers_that_are_off_hold_the_others_up_for_a_moment_only(
    nursery: trio.Nursery, autojump_clock: Any
) -> None:
    crowd, began = Crowd(Turnstile(), nursery), trio.current_time()
    crowd.arrive(*[None] * 120)  # the dead ones first, which is the worst
    await trio.lowlevel.checkpoint()
    crowd.arrive(*[0.02] * 80)
    await trio.sleep(10)

    living = [at - began for takes_s, at in crowd.came if takes_s is not None]
    assert len(living) == 80
    assert max(living) < 3 * PATIENCE_TURNS * TURN_S


async def test_one_that_is_off_is_shown_out_also_while_others_come_and_go(
    nursery: trio.Nursery, autojump_clock: Any
) -> None:
    crowd, began = Crowd(Turnstile(2), nursery), trio.current_time()
    crowd.arrive(None)
    await trio.lowlevel.checkpoint()
    crowd.arrive(*[0.01] * 200)
    await trio.sleep(10)

    # Through one place it would take two seconds; the other one is free again after half of one.
    assert crowd.came[-1][1] - began < 1.5


async def test_a_busy_loop_shows_nobody_out(nursery: trio.Nursery) -> None:
    crowd = Crowd(Turnstile(2), nursery)
    crowd.arrive(None, None, None)
    await trio.lowlevel.checkpoint()

    for _ in range(5):  # ten times the patience, had it been counted in seconds alone
        time.sleep(PATIENCE_TURNS * TURN_S)  # noqa: ASYNC251 - the loop is busy with something else
        await trio.lowlevel.checkpoint()

    assert len(crowd.came) == 2


async def test_who_gives_up_waiting_leaves_the_line(nursery: trio.Nursery, autojump_clock: Any) -> None:
    turnstile = Turnstile(1)
    first = await turnstile.enter()
    with trio.move_on_after(0.1):
        await turnstile.enter()
    first.leave()
    with trio.fail_after(0.1):
        (await turnstile.enter()).leave()


async def test_calm_is_when_all_have_had_their_turn(nursery: trio.Nursery, autojump_clock: Any) -> None:
    turnstile = Turnstile(2)
    crowd, began = Crowd(turnstile, nursery), trio.current_time()
    crowd.arrive(*[None] * 20)  # each pair keeps the next one waiting
    await turnstile.calm()

    assert len(crowd.came) == 20
    assert trio.current_time() - crowd.came[-1][1] >= CALM_S
    assert trio.current_time() - began < 20


async def test_it_is_soon_calm_where_nobody_comes(autojump_clock: Any) -> None:
    began = trio.current_time()
    await Turnstile().calm()

    assert trio.current_time() - began == CALM_S
