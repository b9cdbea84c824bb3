"""What is known to be wrong with a printer when its actor begins anew: not lost, nor told or done twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import trio

from farm.detect.guard import CALM_S, FIND_AGAIN_S, GRACE_S
from farm.domain.anomaly import AnomalyKind, Severity
from farm.domain.command import Resume
from farm.domain.printer import Connection, Doubt, Operation, PrinterStatus
from farm.errors import StorageFull
from farm.printers import lookout
from farm.printers.messages import ChangePrinter, RemovePrinter, RunCommand
from farm.store import anomalies, baselines, printers
from tests.printers.long_print import begin_a_print, begin_anew, falling, told
from tests.simulation.machine import Faults
from tests.simulation.planner import Youngest
from tests.simulation.shop import Shop, open_shop

COLD_DEGC = 180.0


def rising() -> Callable[[], float]:
    began = trio.current_time()
    return lambda: min(210.0, COLD_DEGC + trio.current_time() - began)


async def make_doubtful(shop: Shop) -> PrinterStatus:
    """Something was wrong with it for a while, and is over."""
    machine = shop.machines["mk4"]
    machine.nozzle = lambda: 203.0
    await trio.sleep(15)
    machine.nozzle = lambda: 210.0
    await trio.sleep(60)
    shown = await shop.status("mk4")
    assert shown.anomalies == ()
    assert shown.doubt
    return shown


def same(one: Doubt, other: Doubt) -> bool:
    """What is kept is kept to the millisecond."""
    assert one.since is not None
    assert other.since is not None
    return one.why == other.why and abs(one.since - other.since) < timedelta(milliseconds=1)


async def test_a_doubt_is_known_before_the_printer_is_seen_again(autojump_clock):
    async with open_shop(planner=(planner := Youngest())) as shop:
        await begin_a_print(shop)
        before = await make_doubtful(shop)
        assert same(await shop.database.read(printers.doubt, "mk4"), before.doubt)
        await begin_anew(shop, Faults(unreachable=1.0))
        await trio.sleep(1)

        shown = await shop.status("mk4")
        assert shown.connection is not Connection.ONLINE
        assert same(shown.doubt, before.doubt)
        planner.asked.clear()
        await shop.add_job()
        await trio.sleep(30)
        (station,) = planner.asked[-1].facts.stations
        assert station.doubt == before.doubt.why


async def test_a_doubt_keeps_its_beginning_and_takes_its_newest_reason(autojump_clock):
    async with open_shop() as shop:
        await begin_a_print(shop)
        before = (await make_doubtful(shop)).doubt
        await begin_anew(shop)
        await trio.sleep(600)
        shop.machines["mk4"].nozzle = falling(to=200.0)
        await trio.sleep(60)

        after = (await shop.status("mk4")).doubt
        assert after.why != before.why
        assert same(Doubt(before.why, after.since), before)


async def test_a_doubt_that_a_good_print_has_cleared_stays_cleared(autojump_clock):
    async with open_shop() as shop:
        await begin_a_print(shop, print_s=1500.0)
        await make_doubtful(shop)
        await trio.sleep(2500)
        await begin_anew(shop)
        await trio.sleep(30)
        assert (await shop.status("mk4")).doubt  # the print that was troubled, and then over, clears nothing

        await shop.add_job()
        await shop.clear("mk4")
        await trio.sleep(2500)
        assert not (await shop.status("mk4")).doubt
        await begin_anew(shop)
        await trio.sleep(30)
        assert not (await shop.status("mk4")).doubt


async def test_a_print_that_was_troubled_before_is_no_good_print_after(autojump_clock):
    async with open_shop() as shop:
        await begin_a_print(shop, print_s=2500.0)
        await make_doubtful(shop)
        await begin_anew(shop)
        await trio.sleep(4000)

        assert shop.machines["mk4"].running is None
        assert (await shop.status("mk4")).doubt
        assert await shop.database.read(baselines.of_printer, "mk4") == {}


async def test_what_is_wrong_is_told_once_and_its_end_too(autojump_clock):
    async with open_shop() as shop:
        await begin_a_print(shop)
        shop.machines["mk4"].nozzle = falling(to=COLD_DEGC)
        await trio.sleep(60)
        assert shop.machines["mk4"].paused
        before = await told(shop)
        await begin_anew(shop, Faults(unreachable=1.0))
        await trio.sleep(1)
        assert [each.kind for each in (await shop.status("mk4")).anomalies] == [AnomalyKind.DROP]

        shop.machines["mk4"].faults = Faults()
        await trio.sleep(400)
        assert await told(shop) == before
        assert await told(shop, "anomalies.over") == []
        shop.machines["mk4"].nozzle = rising()
        await trio.sleep(60 + GRACE_S + FIND_AGAIN_S + CALM_S)
        assert await told(shop, "anomalies.over") == [("drop", "pause")]
        assert (await shop.status("mk4")).anomalies == ()
        assert await shop.database.read(anomalies.current, "mk4") == []


async def test_whoever_resumes_what_was_paused_before_is_not_overruled(autojump_clock):
    async with open_shop() as shop:
        await begin_a_print(shop)
        shop.machines["mk4"].nozzle = falling(to=COLD_DEGC)
        await trio.sleep(60)
        before = await told(shop)
        await begin_anew(shop)
        await trio.sleep(60)
        await shop.farm.address("printer:mk4").ask(RunCommand("c", Resume()))
        await trio.sleep(900)

        assert not shop.machines["mk4"].paused
        assert await told(shop) == before


async def test_whoever_resumed_it_while_nobody_watched_is_not_overruled(autojump_clock):
    async with open_shop() as shop:
        await begin_a_print(shop)
        machine = shop.machines["mk4"]
        machine.nozzle = falling(to=COLD_DEGC)
        await trio.sleep(60)
        await begin_anew(shop, Faults(unreachable=1.0))
        machine.paused = False
        await trio.sleep(30)
        machine.faults = Faults()
        await trio.sleep(900)

        assert not machine.paused


async def test_a_pause_that_did_not_come_about_is_made_good(autojump_clock, monkeypatch):
    async with open_shop() as shop:
        await begin_a_print(shop)
        machine, driver = shop.machines["mk4"], shop.drivers["mk4"]

        async def lost() -> None:
            await trio.sleep_forever()

        with monkeypatch.context() as patched:
            patched.setattr(driver, "pause", lost)
            machine.nozzle = falling(to=COLD_DEGC)
            await trio.sleep(45)
            assert ("drop", "pause") in await told(shop)
            await begin_anew(shop)
        assert not machine.paused
        await trio.sleep(120)

        assert machine.paused
        assert (await shop.status("mk4")).operation is Operation.PAUSED


async def test_a_printer_that_is_switched_off_has_nothing_that_is_wrong_now(autojump_clock):
    async with open_shop() as shop:
        await begin_a_print(shop)
        shop.machines["mk4"].nozzle = falling(to=COLD_DEGC)
        await trio.sleep(60)
        await shop.farm.address("printers").ask(ChangePrinter("mk4", {"enabled": False}))
        await trio.sleep(30)
        shown = await shop.status("mk4")
        assert shown.anomalies == ()
        assert shown.doubt

        await shop.farm.address("printers").ask(ChangePrinter("mk4", {"enabled": True}))
        await trio.sleep(5)
        assert [each.severity for each in (await shop.status("mk4")).anomalies] == [Severity.PAUSE]


async def test_with_the_printer_goes_what_was_wrong_with_it(autojump_clock):
    async with open_shop() as shop:
        await begin_a_print(shop)
        shop.machines["mk4"].nozzle = falling(to=COLD_DEGC)
        await trio.sleep(60)
        await shop.farm.address("printers").ask(RemovePrinter("mk4", force=True))

        assert await shop.database.read(anomalies.current, "mk4") == []


async def test_what_could_not_be_kept_before_its_printer_was_taken_out_is_not_kept_after(
    autojump_clock, monkeypatch
):
    def refuse(*_: object) -> None:
        raise StorageFull("the disk is full")

    async with open_shop() as shop:
        await begin_a_print(shop)
        with monkeypatch.context() as patched:
            patched.setattr(anomalies, "note", refuse)
            patched.setattr(lookout, "TRY_AGAIN_S", 3600.0)
            shop.machines["mk4"].nozzle = falling(to=COLD_DEGC)
            await trio.sleep(60)
        assert (await shop.status("mk4")).anomalies
        await shop.farm.address("printers").ask(RemovePrinter("mk4", force=True))

        assert await shop.database.read(anomalies.current, "mk4") == []
        assert await told(shop) == []
