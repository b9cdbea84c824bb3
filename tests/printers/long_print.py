"""A shop with one printer, "mk4", at work on a long print with a nozzle at 210 °C."""

from __future__ import annotations

from collections.abc import Callable

import trio

from tests.simulation.machine import Faults
from tests.simulation.shop import Shop

LONG_PRINT_S = 6000.0


async def begin_a_print(shop: Shop, print_s: float = LONG_PRINT_S) -> None:
    await shop.add_printer("mk4", print_s=print_s)
    await shop.add_job()
    await trio.sleep(1)
    await shop.clear("mk4")
    await trio.sleep(120)
    assert shop.machines["mk4"].running


def falling(by_s: float = 1.0, to: float = 150.0) -> Callable[[], float]:
    """A nozzle that gets so much colder each second from now on."""
    began = trio.current_time()
    return lambda: max(to, 210.0 - by_s * (trio.current_time() - began))


async def begin_anew(shop: Shop, faults: Faults | None = None) -> None:
    """The printer's actor crashes and is begun again. faults: of its machine from then on."""
    machine = shop.machines["mk4"]
    before = shop.restarts("printer:mk4")
    machine.faults = Faults(bug=1.0)
    for _ in range(100):  # and not once more
        await trio.sleep(0.1)
        if shop.restarts("printer:mk4") > before:
            break
    machine.faults = faults or Faults()


async def told(shop: Shop, type: str = "anomalies.detected") -> list[tuple[str, str]]:
    """What was told of it, by kind and severity."""
    return [(fact.data["kind"], fact.data["severity"]) for fact in await shop.facts() if fact.type == type]
