"""A real OctoPrint whose printer tells of a falling temperature: it is told, and the print paused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import trio

from farm.detect.guard import GRACE_S
from farm.detect.limits import TOOL
from farm.domain.anomaly import AnomalyKind, Severity
from farm.domain.command import Resume
from farm.domain.event import Fact
from farm.domain.printer import Address, Operation
from farm.store import events
from tests.one_printer_shop import Shop, shop_at
from tests.peers.octoprint import OctoPrint

pytestmark = pytest.mark.octoprint

TARGET_DEGC = 210.0
FALLS_DEGC_S = 1.5
STEP_S = 0.3  # faster than OctoPrint asks its printer, which goes on to say that all is well


def long_print(seconds: int) -> bytes:
    """Heats the nozzle, and then moves for so long; see `slow_gcode`."""
    moves = "".join(f"G1 X{10 * step} F240\n" for step in range(1, 4 * seconds + 1))
    return f"G90\nG1 X0 F6000\nM109 S{TARGET_DEGC:.0f}\n{moves}".encode()


async def tell_falling(octoprint: OctoPrint, until: Callable[[], bool]) -> None:
    """The printer says by itself, again and again, that its nozzle gets colder, down to 150 degC."""
    began = trio.current_time()
    while not until():
        shown = max(150.0, TARGET_DEGC - FALLS_DEGC_S * (trio.current_time() - began))
        line = f"send T:{shown:.2f} /{TARGET_DEGC:.2f} B:21.30 /0.00"
        await trio.to_thread.run_sync(octoprint.debug, line)
        await trio.sleep(STEP_S)


async def test_a_falling_temperature_is_told_then_paused_and_whoever_resumes_is_not_overruled(
    octoprint, tmp_path
):
    await trio.to_thread.run_sync(octoprint.make_idle)
    async with shop_at(tmp_path) as shop, trio.open_nursery() as nursery:
        await shop.add(Address("octoprint", octoprint.url, octoprint.api_key))
        await shop.begin(long_print(600))
        await shop.until(lambda: is_hot(shop))
        await trio.sleep(TOOL.settle_s + 5)
        assert await troubles(shop) == []

        began, resumed = trio.current_time(), trio.Event()
        nursery.start_soon(tell_falling, octoprint, resumed.is_set)
        await shop.until(lambda: is_told(shop, Severity.WARN))
        assert trio.current_time() - began <= 15
        await shop.until(lambda: shop.shows(operation=Operation.PAUSED))
        assert trio.current_time() - began <= 45

        # Where the host reads the true value in between, that jumps, and is noted as well.
        warned, paused = (fact for fact in await troubles(shop) if fact.data["kind"] == AnomalyKind.DROP)
        assert (warned.data["severity"], paused.data["severity"]) == (Severity.WARN, Severity.PAUSE)
        numbers = paused.data["evidence"]["values"]
        assert numbers["target_degc"] == TARGET_DEGC
        assert numbers["actual_degc"] < TARGET_DEGC - TOOL.below_pause
        assert f"{numbers['actual_degc']:.1f} °C" in paused.data["sentence"]
        assert (await shop.status()).message == paused.data["sentence"]

        await shop.tell(Resume())
        await shop.until(lambda: shop.shows(operation=Operation.PRINTING))
        await trio.sleep(20)
        assert await shop.shows(operation=Operation.PRINTING)
        resumed.set()
    await trio.to_thread.run_sync(octoprint.make_idle)


async def test_a_printer_that_is_seen_for_the_first_time_never_alarms_in_its_first_seconds(
    octoprint, tmp_path
):
    await trio.to_thread.run_sync(octoprint.make_idle)
    async with shop_at(tmp_path) as shop, trio.open_nursery() as nursery:
        over = trio.Event()
        nursery.start_soon(tell_falling, octoprint, over.is_set)
        await shop.add(Address("octoprint", octoprint.url, octoprint.api_key))
        await trio.sleep(GRACE_S - 1)
        assert await troubles(shop) == []
        assert (await shop.status()).anomalies == ()
        over.set()
    await trio.to_thread.run_sync(octoprint.make_idle)


async def troubles(shop: Shop) -> list[Fact]:
    facts = await shop.farm.database.read(events.since, 0)
    return [fact for fact in facts if fact.type == "anomalies.detected"]


async def is_told(shop: Shop, severity: Severity) -> bool:
    return any(fact.data["severity"] == severity for fact in await troubles(shop))


async def is_hot(shop: Shop) -> bool:
    nozzle = (await shop.status()).temperatures.get("tool0")
    return nozzle is not None and nozzle.actual is not None and nozzle.actual >= TARGET_DEGC - 1
