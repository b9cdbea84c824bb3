"""A moment that moves: slept past where it moves on, kept where it comes closer, nobody woken in between."""

from __future__ import annotations

import trio

from farm.drivers.alarm import TICK_S, Alarm


class Moment:
    """A moment that others move, and how often it was asked for."""

    def __init__(self, at: float) -> None:
        self.at = trio.current_time() + at
        self.asked = 0

    def __call__(self) -> float:
        self.asked += 1
        return self.at


async def woken_at(alarm: Alarm, moment: Moment) -> float:
    began = trio.current_time()
    await alarm.sleep_past(moment)
    return trio.current_time() - began


async def test_who_sleeps_wakes_at_the_moment(autojump_clock):
    assert 5 <= await woken_at(Alarm(), Moment(5)) <= 5 + TICK_S
    assert await woken_at(Alarm(), Moment(0)) == 0
    assert await woken_at(Alarm(), Moment(-1)) == 0


async def test_a_moment_that_moves_on_is_slept_past_and_nobody_is_woken(autojump_clock, nursery):
    moment = Moment(5)

    async def put_off() -> None:
        for _ in range(10):
            await trio.sleep(2)
            moment.at += 2

    nursery.start_soon(put_off)

    assert 25 <= await woken_at(Alarm(), moment) <= 25 + TICK_S
    assert moment.asked < 10


async def test_a_moment_that_comes_closer_is_kept_if_that_is_told(autojump_clock, nursery):
    alarm, moment = Alarm(), Moment(100)
    begins = trio.current_time()

    async def hurry() -> None:
        for at in (90, 60, 80, 9, 30):
            await trio.sleep(1)
            moment.at = begins + at
            alarm.set(moment.at)
        moment.at = begins + 9

    nursery.start_soon(hurry)

    assert 9 <= await woken_at(alarm, moment) <= 9 + TICK_S


async def test_many_alarms_ring_each_at_their_own_moment(autojump_clock):
    woken: dict[int, float] = {}

    async def sleep(number: int) -> None:
        woken[number] = await woken_at(Alarm(), Moment(number / 100))

    async with trio.open_nursery() as nursery:
        for number in range(200):
            nursery.start_soon(sleep, number)

    assert all(number / 100 <= at <= number / 100 + 2 * TICK_S for number, at in woken.items())


async def test_who_is_cancelled_is_not_woken_later_and_can_sleep_again(autojump_clock):
    alarm = Alarm()
    with trio.move_on_after(1) as patience:
        await alarm.sleep_past(Moment(3))
    assert patience.cancelled_caught

    assert 10 <= await woken_at(alarm, Moment(10)) <= 10 + TICK_S
    alarm.set(0)  # nobody sleeps: nothing happens
    await trio.sleep(1)
