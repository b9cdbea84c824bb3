"""A peer that sends too much is slowed down, forgiven when it stops, and given up when it does not."""

from __future__ import annotations

from typing import NoReturn

import pytest
import trio

from farm.drivers.pace import Allowance, Flooded, Pace


def test_an_allowance_forgives_a_burst_but_no_flood() -> None:
    allowance = Allowance(40, 400, now=0.0)

    assert not any(allowance.take(1, now=0.0) for _ in range(400))
    assert allowance.take(1, now=0.0) == pytest.approx(1 / 40)
    assert allowance.take(30, now=1.0) == 0
    assert not any(allowance.take(2, now=1.0 + second) for second in range(1, 1000))
    assert not any(allowance.take(1, now=2000.0) for _ in range(400))
    assert allowance.take(40, now=2000.0) == pytest.approx(1.0)


async def test_a_peer_that_does_not_stop_is_slowed_down_and_then_given_up(autojump_clock: object) -> None:
    pace = Pace("It talks too much", Allowance(10, 20, trio.current_time()), patience_s=3)
    began, heard = trio.current_time(), 0

    async def hear_it_out() -> NoReturn:
        nonlocal heard
        while True:
            await trio.sleep(pace.wait_s(1, trio.current_time()))
            heard += 1

    with pytest.raises(Flooded, match="It talks too much"):
        await hear_it_out()

    assert trio.current_time() - began == pytest.approx(3, abs=0.2)
    assert heard == pytest.approx(20 + 3 * 10, abs=2)


async def test_a_peer_that_stops_in_time_is_forgiven(autojump_clock: object) -> None:
    pace = Pace("It talks too much", Allowance(10, 20, trio.current_time()), patience_s=3)

    for _ in range(50):
        for _ in range(40):  # two seconds too many
            await trio.sleep(pace.wait_s(1, trio.current_time()))
        await trio.sleep(2)
