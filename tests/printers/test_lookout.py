"""What the farm does when a printer tells of trouble. People have the last word."""

from __future__ import annotations

from collections.abc import Callable

import trio

from farm.domain.anomaly import AnomalyKind, Severity
from farm.domain.command import Command, Resume, SetTemperature
from farm.domain.printer import Operation, PrinterStatus
from farm.drivers.base import Capability
from farm.errors import Refused
from farm.live.messages import ReportStatuses
from farm.printers.messages import RunCommand
from farm.queue.messages import ChangeSettings
from farm.store import baselines, events
from tests.simulation.machine import Faults
from tests.simulation.shop import Shop, open_shop

LONG_PRINT_S = 6000.0


async def begin_a_print(shop: Shop) -> None:
    await shop.add_printer("mk4", print_s=LONG_PRINT_S)
    await shop.add_job()
    await trio.sleep(1)
    await shop.clear("mk4")
    await trio.sleep(120)
    assert shop.machines["mk4"].running


def falling(by_s: float = 1.0, to: float = 150.0) -> Callable[[], float]:
    began = trio.current_time()
    return lambda: max(to, 210.0 - by_s * (trio.current_time() - began))


async def status(shop: Shop) -> PrinterStatus:
    return (await shop.farm.address("events").ask(ReportStatuses()))["mk4"]


async def command(shop: Shop, wanted: Command) -> None:
    await shop.farm.address("printer:mk4").ask(RunCommand("c", wanted))


async def told(shop: Shop, type: str = "anomalies.detected") -> list[dict]:
    facts = await shop.database.read(events.since, 0)
    return [dict(fact.data) for fact in facts if fact.type == type]


async def test_a_falling_temperature_is_told_and_the_print_paused(autojump_clock):
    async with open_shop() as shop:
        await begin_a_print(shop)
        assert (await status(shop)).anomalies == ()
        shop.machines["mk4"].nozzle = falling()
        await trio.sleep(15)
        warned = await told(shop)
        assert [each["severity"] for each in warned] == ["warn"]
        assert warned[0]["kind"] == "drop"
        assert warned[0]["evidence"]["channel"] == "tool0"
        assert warned[0]["evidence"]["values"]["target_degc"] == 210

        await trio.sleep(30)
        shown = await status(shop)
        assert shop.machines["mk4"].paused
        assert shown.operation is Operation.PAUSED
        assert shown.anomalies[0].severity is Severity.PAUSE
        assert "too cold" in shown.message
        assert shown.doubt


async def test_whoever_resumes_it_is_not_overruled_not_even_by_an_actor_that_begins_anew(autojump_clock):
    async with open_shop() as shop:
        await begin_a_print(shop)
        shop.machines["mk4"].nozzle = falling()
        await trio.sleep(60)
        assert shop.machines["mk4"].paused
        await command(shop, Resume())
        await trio.sleep(120)
        assert not shop.machines["mk4"].paused

        shop.machines["mk4"].faults = Faults(bug=1.0)
        await trio.sleep(1.2)
        shop.machines["mk4"].faults = Faults()
        await trio.sleep(600)
        assert not shop.machines["mk4"].paused


async def test_a_printer_that_cannot_be_reached_is_told_of_and_not_paused(autojump_clock):
    async with open_shop() as shop:
        await begin_a_print(shop)
        shop.machines["mk4"].faults = Faults(unreachable=1.0)
        await trio.sleep(300)
        shop.machines["mk4"].faults = Faults()
        await trio.sleep(60)

        assert [each["kind"] for each in await told(shop)] == ["silent"]
        assert not shop.machines["mk4"].paused


async def test_a_print_paused_for_long_is_cooled_and_heated_again_before_it_goes_on(autojump_clock):
    async with open_shop() as shop:
        await begin_a_print(shop)
        machine = shop.machines["mk4"]
        machine.paused = True
        await trio.sleep(1000)
        assert machine.nozzle_target == 0.0
        machine.nozzle = lambda: 25.0
        await trio.sleep(10)
        await command(shop, Resume())
        await trio.sleep(30)
        assert machine.paused
        assert machine.nozzle_target == 210.0

        machine.nozzle = lambda: 209.0
        await trio.sleep(5)
        assert not machine.paused


async def test_a_print_that_could_not_be_heated_again_does_not_go_on_cold_at_the_second_try(
    autojump_clock, monkeypatch
):
    async with open_shop() as shop:
        await begin_a_print(shop)
        machine, driver = shop.machines["mk4"], shop.drivers["mk4"]
        machine.paused = True
        await trio.sleep(1000)
        machine.nozzle = lambda: 25.0

        async def refuse(heater: str, degc: float) -> None:
            await trio.lowlevel.checkpoint()
            raise Refused("it takes no commands at the moment")

        with monkeypatch.context() as patched:
            patched.setattr(driver, "set_temperature", refuse)
            await command(shop, Resume())
            await trio.sleep(5)
        await command(shop, Resume())
        await trio.sleep(30)
        assert machine.paused
        assert machine.nozzle_target == 210.0

        machine.nozzle = lambda: 209.0
        await trio.sleep(5)
        assert not machine.paused


async def test_an_actor_that_begins_anew_knows_which_heat_a_paused_print_has_to_get_back(autojump_clock):
    async with open_shop() as shop:
        await begin_a_print(shop)
        machine = shop.machines["mk4"]
        machine.paused = True
        await trio.sleep(1000)
        assert machine.nozzle_target == 0.0
        machine.nozzle = lambda: 25.0
        machine.faults = Faults(bug=1.0)
        await trio.sleep(1.2)
        machine.faults = Faults()
        await trio.sleep(60)
        assert shop.restarts("printer:mk4") > 0

        await command(shop, Resume())
        await trio.sleep(30)
        assert machine.paused
        assert machine.nozzle_target == 210.0


async def test_a_printer_that_takes_no_temperatures_is_resumed_all_the_same(autojump_clock, monkeypatch):
    async with open_shop() as shop:
        await begin_a_print(shop)
        machine, driver = shop.machines["mk4"], shop.drivers["mk4"]
        unable = driver.capabilities - {Capability.TEMPERATURE}
        monkeypatch.setattr(type(driver), "capabilities", unable)
        machine.paused = True
        await trio.sleep(1000)
        assert [each["kind"] for each in await told(shop)] == ["paused_hot"]
        assert machine.nozzle_target == 210.0

        await command(shop, Resume())
        await trio.sleep(5)
        assert not machine.paused


async def test_the_shop_says_at_run_time_how_far_it_goes(autojump_clock):
    async with open_shop() as shop:
        await begin_a_print(shop)
        ends = {AnomalyKind.DROP: Severity.WARN}
        await shop.queue.ask(ChangeSettings({"watching": {"ends": ends}}))
        await trio.sleep(1)
        shop.machines["mk4"].nozzle = falling()
        await trio.sleep(120)

        assert not shop.machines["mk4"].paused
        assert {each["severity"] for each in await told(shop)} == {"warn"}


async def test_it_is_stopped_where_the_shop_wants_that(autojump_clock):
    async with open_shop() as shop:
        await begin_a_print(shop)
        await shop.queue.ask(ChangeSettings({"watching": {"ends": {AnomalyKind.RUNAWAY: Severity.STOP}}}))
        await trio.sleep(1)
        machine = shop.machines["mk4"]
        machine.nozzle = falling(by_s=-1.0)
        await trio.sleep(90)

        assert machine.stops == 1
        assert (await status(shop)).operation is Operation.EMERGENCY


async def test_what_is_usual_is_learned_from_a_good_print_and_forgotten_with_the_printer(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4", print_s=1500.0)
        await shop.add_job()
        await trio.sleep(1)
        await shop.clear("mk4")
        await trio.sleep(3000)

        usual = await shop.database.read(baselines.of_printer, "mk4")
        assert usual[""].prints == 1
        assert "tool0" in usual[""].heaters


async def test_what_is_over_is_told_too(autojump_clock):
    async with open_shop() as shop:
        await begin_a_print(shop)
        shop.machines["mk4"].nozzle = lambda: 203.0
        await trio.sleep(15)
        shop.machines["mk4"].nozzle = lambda: 210.0
        await trio.sleep(60)

        assert [each["kind"] for each in await told(shop, "anomalies.over")] == ["drop"]
        assert (await status(shop)).anomalies == ()


async def test_heat_with_nobody_there_is_switched_off(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await trio.sleep(30)
        await command(shop, SetTemperature("tool0", 21.0))
        await trio.sleep(3500)
        assert shop.machines["mk4"].idle_target == 21.0

        await trio.sleep(200)
        assert shop.machines["mk4"].idle_target == 0.0
        assert [each["kind"] for each in await told(shop)] == ["heated_unattended"]
