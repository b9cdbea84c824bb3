"""A person says that they have seen to a printer: it is doubted no more, unless something is wrong still."""

from __future__ import annotations

import pytest
import trio

from farm.domain.command import ClearAttention, ClearDoubt, Command, MaintenanceOff, MaintenanceOn
from farm.domain.printer import SURE, Operation, PrinterStatus
from farm.domain.user import Principal, Role
from farm.drivers.base import Loss
from farm.errors import Forbidden, Refused
from farm.live.messages import ReportStatuses
from farm.printers.messages import ChangePrinter
from farm.store import audit, printers
from tests.printers.test_watched_anew import begin_a_print, begin_anew, falling, make_doubtful
from tests.simulation.machine import Faults
from tests.simulation.planner import Youngest
from tests.simulation.shop import Shop, open_shop

ANNA = Principal("user", "1", "anna", role=Role.OPERATOR)


async def status(shop: Shop) -> PrinterStatus:
    return (await shop.farm.address("events").ask(ReportStatuses()))["mk4"]


async def tell(shop: Shop, command: Command, by: Principal = ANNA) -> None:
    await shop.tell("mk4", command, by)
    await trio.sleep(5)


async def test_whoever_has_seen_to_it_is_believed_by_the_plan_and_after_a_restart(autojump_clock):
    async with open_shop(planner=(planner := Youngest())) as shop:
        await begin_a_print(shop)
        await make_doubtful(shop)
        await tell(shop, ClearDoubt())
        assert (await status(shop)).doubt == SURE

        await begin_anew(shop, Faults(unreachable=1.0))
        await trio.sleep(1)
        assert (await status(shop)).doubt == SURE
        planner.asked.clear()
        await shop.add_job()
        await trio.sleep(30)
        (station,) = planner.asked[-1].facts.stations
        assert station.doubt == ""
        (kept,) = [
            each.detail
            for each in await shop.database.read(audit.entries)
            if each.action == "printer.commanded"
        ]
        assert kept["command"] == "clear_doubt"


async def test_what_is_still_wrong_is_no_matter_of_belief(autojump_clock):
    async with open_shop() as shop:
        await begin_a_print(shop)
        shop.machines["mk4"].nozzle = falling()
        await trio.sleep(60)
        with pytest.raises(Refused, match=r"not over yet: The nozzle is .* too cold"):
            await tell(shop, ClearDoubt())
        await tell(shop, MaintenanceOn())
        await tell(shop, MaintenanceOff())
        assert (await status(shop)).doubt


async def test_of_a_printer_that_nobody_doubts_there_is_nothing_to_clear(autojump_clock):
    async with open_shop() as shop:
        await begin_a_print(shop)
        with pytest.raises(Refused, match="there is no doubt"):
            await tell(shop, ClearDoubt())


async def test_it_takes_the_right_to_operate_the_printer(autojump_clock):
    async with open_shop() as shop:
        await begin_a_print(shop)
        await make_doubtful(shop)
        with pytest.raises(Forbidden):
            await tell(shop, ClearDoubt(), Principal("user", "2", "ben", role=Role.VIEWER))
        assert (await status(shop)).doubt


async def test_the_end_of_its_maintenance_says_so_too(autojump_clock):
    async with open_shop() as shop:
        await begin_a_print(shop)
        await make_doubtful(shop)
        await tell(shop, MaintenanceOn("new thermistor"))
        assert (await status(shop)).doubt
        await tell(shop, MaintenanceOff())
        assert (await status(shop)).doubt == SURE


async def test_and_so_does_whoever_has_seen_to_what_it_asked_for(autojump_clock):
    async with open_shop() as shop:
        await begin_a_print(shop)
        await make_doubtful(shop)
        shop.machines["mk4"].lose(Loss.FIRMWARE_ERROR, "MINTEMP")
        await trio.sleep(60)
        assert (await status(shop)).operation is Operation.ATTENTION
        assert (await status(shop)).doubt
        await tell(shop, ClearAttention())
        assert (await status(shop)).doubt == SURE


async def test_a_printer_that_is_switched_off_can_be_seen_to(autojump_clock):
    async with open_shop() as shop:
        await begin_a_print(shop, print_s=1500.0)
        await make_doubtful(shop)
        await trio.sleep(2500)
        await shop.farm.address("printers").ask(ChangePrinter("mk4", {"enabled": False}))
        await trio.sleep(5)
        assert (await status(shop)).doubt
        await tell(shop, ClearDoubt())
        assert not await shop.database.read(printers.doubt, "mk4")
