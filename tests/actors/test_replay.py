from __future__ import annotations

import hashlib
from typing import Any

import pytest
import trio
from actors_to_try import Clerk, Double, Fail
from trio._core import _run as trio_run

from farm.actors import ChildSpec, Runtime, Supervisor
from farm.actors.replay import replay
from farm.errors import FarmError


async def busy_hour() -> str:
    """Many tasks that are ready together; returns a hash of the order in which they ran."""
    trace = hashlib.sha256()
    async with Supervisor(Runtime()).running() as supervisor:
        addresses: list[Any] = [
            await supervisor.start(ChildSpec(name=f"clerk:{number}", run=Clerk().run)) for number in range(10)
        ]

        async def work(number: int) -> None:
            for step in range(20):
                address = addresses[(number + step) % 10]
                try:
                    await address.ask(Fail() if (number, step) == (7, 7) else Double(step))
                except FarmError as error:
                    trace.update(type(error).__name__.encode())
                trace.update(f"{number} {step} {trio.current_time():.9f};".encode())
                await trio.sleep(step % 3)

        async with trio.open_nursery() as nursery:
            for number in range(30):
                nursery.start_soon(work, number)
    return trace.hexdigest()


def test_the_same_seed_gives_the_same_order_of_everything() -> None:
    assert len({replay(1, busy_hour) for _ in range(3)}) == 1


def test_other_seeds_give_other_orders() -> None:
    assert len({replay(seed, busy_hour) for seed in range(5)}) == 5


def test_time_is_virtual() -> None:
    async def sleep_a_day() -> float:
        before = trio.current_time()
        await trio.sleep(86_400)
        return trio.current_time() - before

    assert replay(1, sleep_a_day) == 86_400


@pytest.mark.parametrize("fails", [False, True])
def test_the_switches_of_trio_are_put_back(fails: bool) -> None:
    private: Any = trio_run
    before = private._ALLOW_DETERMINISTIC_SCHEDULING, private._r

    async def main() -> None:
        assert private._ALLOW_DETERMINISTIC_SCHEDULING
        assert private._r is not before[1]
        if fails:
            raise ZeroDivisionError

    try:
        replay(1, main)
    except ZeroDivisionError:
        assert fails

    assert (private._ALLOW_DETERMINISTIC_SCHEDULING, private._r) == before
