"""What the farm does when a printer tells of trouble. People have the last word."""

from __future__ import annotations

from datetime import timedelta

import trio

from farm.domain.anomaly import AnomalyKind, Severity
from farm.domain.command import Command, Resume, SetTemperature
from farm.domain.printer import Operation
from farm.drivers.base import Capability
from farm.errors import Refused
from farm.printers.messages import RunCommand
from farm.queue.messages import ChangeSettings
from farm.store import baselines
from tests.printers.long_print import LONG_PRINT_S, begin_a_print, begin_anew, falling, told
from tests.simulation.machine import Faults, Machine
from tests.simulation.shop import Shop, open_shop


async def command(shop: Shop, wanted: Command) -> None:
    await shop.farm.address("printer:mk4").ask(RunCommand("c", wanted))


async def leave_it_paused(shop: Shop) -> Machine:
    """Its print is paused for so long that the farm has cooled its nozzle."""
    await begin_a_print(shop)
    machine = shop.machines["mk4"]
    machine.paused = True
    await trio.sleep(1000)
    assert machine.nozzle_target == 0.0
    machine.nozzle = lambda: 25.0
    return machine


async def see_it_heat_first(machine: Machine) -> None:
    """It was told to go on: it gets hot before it does."""
    await trio.sleep(30)
    assert machine.paused
    assert machine.nozzle_target == 210.0

    machine.nozzle = lambda: 209.0
    await trio.sleep(5)
    assert not machine.paused


async def test_a_falling_temperature_is_told_and_the_print_paused(autojump_clock):
    async with open_shop() as shop:
        await begin_a_print(shop)
        assert (await shop.status("mk4")).anomalies == ()
        shop.machines["mk4"].nozzle = falling()
        await trio.sleep(15)
        assert await told(shop) == [("drop", "warn")]
        (evidence,) = [fact.data["evidence"] for fact in await shop.facts() if "evidence" in fact.data]
        assert evidence["channel"] == "tool0"
        assert evidence["values"]["target_degc"] == 210

        await trio.sleep(30)
        shown = await shop.status("mk4")
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

        await begin_anew(shop)
        await trio.sleep(600)
        assert not shop.machines["mk4"].paused


async def test_a_printer_that_cannot_be_reached_is_told_of_and_not_paused(autojump_clock):
    async with open_shop() as shop:
        await begin_a_print(shop)
        shop.machines["mk4"].faults = Faults(unreachable=1.0)
        await trio.sleep(300)
        shop.machines["mk4"].faults = Faults()
        await trio.sleep(60)

        assert await told(shop) == [("silent", "warn")]
        assert not shop.machines["mk4"].paused


async def test_a_print_paused_for_long_is_cooled_and_heated_again_before_it_goes_on(autojump_clock):
    async with open_shop() as shop:
        machine = await leave_it_paused(shop)
        await trio.sleep(10)
        await command(shop, Resume())
        await see_it_heat_first(machine)


async def test_a_print_that_could_not_be_heated_again_does_not_go_on_cold_at_the_second_try(
    autojump_clock, monkeypatch
):
    async with open_shop() as shop:
        machine, driver = await leave_it_paused(shop), shop.drivers["mk4"]

        async def refuse(heater: str, degc: float) -> None:
            await trio.lowlevel.checkpoint()
            raise Refused("it takes no commands at the moment")

        with monkeypatch.context() as patched:
            patched.setattr(driver, "set_temperature", refuse)
            await command(shop, Resume())
            await trio.sleep(5)
        await command(shop, Resume())
        await see_it_heat_first(machine)


async def test_an_actor_that_begins_anew_knows_which_heat_a_paused_print_has_to_get_back(autojump_clock):
    async with open_shop() as shop:
        machine = await leave_it_paused(shop)
        await begin_anew(shop)
        await trio.sleep(60)
        await command(shop, Resume())
        await see_it_heat_first(machine)


async def test_a_printer_that_takes_no_temperatures_is_resumed_all_the_same(autojump_clock, monkeypatch):
    async with open_shop() as shop:
        await begin_a_print(shop)
        machine, driver = shop.machines["mk4"], shop.drivers["mk4"]
        unable = driver.capabilities - {Capability.TEMPERATURE}
        monkeypatch.setattr(type(driver), "capabilities", unable)
        machine.paused = True
        await trio.sleep(1000)
        assert await told(shop) == [("paused_hot", "warn")]
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
        assert {severity for _, severity in await told(shop)} == {"warn"}


async def test_it_is_stopped_where_the_shop_wants_that(autojump_clock):
    async with open_shop() as shop:
        await begin_a_print(shop)
        await shop.queue.ask(ChangeSettings({"watching": {"ends": {AnomalyKind.RUNAWAY: Severity.STOP}}}))
        await trio.sleep(1)
        machine = shop.machines["mk4"]
        machine.nozzle = falling(by_s=-1.0)
        await trio.sleep(90)

        assert machine.stops == 1
        assert (await shop.status("mk4")).operation is Operation.EMERGENCY


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

        assert await told(shop, "anomalies.over") == [("drop", "warn")]
        assert (await shop.status("mk4")).anomalies == ()


async def test_heat_with_nobody_there_is_switched_off(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await trio.sleep(30)
        await command(shop, SetTemperature("tool0", 21.0))
        await trio.sleep(3500)
        assert shop.machines["mk4"].idle_target == 21.0

        await trio.sleep(200)
        assert shop.machines["mk4"].idle_target == 0.0
        assert await told(shop) == [("heated_unattended", "warn")]


async def test_an_actor_that_begins_anew_leaves_heat_with_nobody_there_no_more_time(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await trio.sleep(30)
        await command(shop, SetTemperature("tool0", 21.0))
        for _ in range(3):
            await trio.sleep(1100)
            await begin_anew(shop)
        assert shop.machines["mk4"].idle_target == 21.0

        await trio.sleep(400)
        assert shop.machines["mk4"].idle_target == 0.0
        assert await told(shop) == [("heated_unattended", "warn")]


async def test_a_clock_that_is_set_makes_nobody_responsible_for_longer_or_shorter(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await trio.sleep(30)
        await command(shop, SetTemperature("tool0", 21.0))
        await trio.sleep(1800)
        shop.clocks.set_to(shop.clocks.wall() + timedelta(days=1))
        await trio.sleep(30)
        await begin_anew(shop)
        await trio.sleep(1500)
        assert shop.machines["mk4"].idle_target == 21.0

        await trio.sleep(400)
        assert shop.machines["mk4"].idle_target == 0.0


async def test_a_print_of_others_that_is_paused_hot_is_told_of_and_not_touched(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await trio.sleep(30)
        machine = shop.machines["mk4"]
        machine.begin_foreign("theirs.gcode", LONG_PRINT_S)
        await trio.sleep(60)
        machine.paused = True
        await trio.sleep(1000)

        assert await told(shop) == [("paused_hot", "warn")]
        assert machine.nozzle_target == 210.0
