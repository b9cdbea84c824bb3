"""One printer's actor: crashes are lived through, and what it prints is adopted."""

import pytest
import trio

from farm.actors import ActorState
from farm.domain.job import PrintState
from farm.domain.printer import Connection, Operation
from farm.drivers.base import Outcome, OutcomeKind
from farm.errors import Refused
from farm.live.messages import ReportStatuses
from farm.printers.messages import StartPrint
from tests.simulation.machine import Faults
from tests.simulation.shop import Shop, open_shop


async def begin_a_print(shop: Shop) -> str:
    await shop.add_printer("mk4")
    job = await shop.add_job()
    await trio.sleep(1)
    await shop.clear("mk4")
    await trio.sleep(30)
    assert shop.machines["mk4"].running
    return job.id


async def crash_once(shop: Shop) -> None:
    machine = shop.machines["mk4"]
    machine.faults = Faults(bug=1.0)
    await trio.sleep(1.2)
    machine.faults = Faults()


def restarts(shop: Shop, name: str) -> int:
    return next(report.restarts for report in shop.farm.runtime.reports() if report.name == name)


async def test_a_crashed_actor_adopts_its_running_print(autojump_clock):
    async with open_shop() as shop:
        job = await begin_a_print(shop)
        await shop.add_printer("mini")
        await crash_once(shop)
        await trio.sleep(1000)

        (attempt,) = await shop.prints(job)
        assert attempt.state is PrintState.FINISHED
        assert shop.machines["mk4"].starts == {attempt.remote_name: 1}
        assert restarts(shop, "printer:mk4") >= 1
        assert restarts(shop, "printer:mini") == restarts(shop, "queue") == 0


async def test_a_print_that_ends_while_its_actor_is_faulted_is_known_when_it_is_back(autojump_clock):
    async with open_shop() as shop:
        job = await begin_a_print(shop)
        shop.machines["mk4"].faults = Faults(bug=1.0)
        await trio.sleep(120)
        (report,) = [r for r in shop.farm.runtime.reports() if r.name == "printer:mk4"]
        assert report.state is ActorState.FAULTED
        await trio.sleep(1000)
        shop.machines["mk4"].faults = Faults()
        await trio.sleep(400)
        (attempt,) = await shop.prints(job)
        assert attempt.state is PrintState.FINISHED


async def test_the_status_shows_what_is_printing_and_where_it_stands(autojump_clock):
    async with open_shop() as shop:
        job = await begin_a_print(shop)
        status = (await shop.farm.address("events").ask(ReportStatuses()))["mk4"]
        assert status.operation is Operation.PRINTING
        assert status.print is not None
        assert status.print.job == job
        assert 0 < status.print.progress < 1
        assert not status.foreign
        assert status.temperatures["tool0"].target == 210.0


async def test_a_short_loss_of_the_network_is_not_shown_as_offline(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await trio.sleep(5)
        shop.machines["mk4"].faults = Faults(unreachable=1.0)
        await trio.sleep(1.5)
        assert (await shop.farm.address("events").ask(ReportStatuses()))[
            "mk4"
        ].connection is Connection.ONLINE
        await trio.sleep(5)
        assert (await shop.farm.address("events").ask(ReportStatuses()))[
            "mk4"
        ].connection is Connection.OFFLINE
        shop.machines["mk4"].faults = Faults()
        await trio.sleep(5)
        assert (await shop.farm.address("events").ask(ReportStatuses()))[
            "mk4"
        ].connection is Connection.ONLINE


async def test_a_start_for_a_print_it_does_not_know_is_refused(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await trio.sleep(1)
        with pytest.raises(Refused, match="knows nothing"):
            await shop.farm.address("printer:mk4").ask(StartPrint("never-heard-of"))
        assert shop.machines["mk4"].starts == {}


async def test_a_printer_lost_while_its_host_is_asked_is_not_shown_as_it_was_before(
    autojump_clock, monkeypatch
):
    async with open_shop() as shop:
        await begin_a_print(shop)
        machine, driver = shop.machines["mk4"], shop.drivers["mk4"]

        async def answer_late(name: str, mark: str = "") -> Outcome:
            machine.faults = Faults(unreachable=1.0)
            await trio.sleep(8)
            return Outcome(OutcomeKind.FINISHED, "printed")

        monkeypatch.setattr(driver, "outcome", answer_late)
        machine.end(good=True)
        shown = []
        for _ in range(60):
            await trio.sleep(0.25)
            shown.append((await shop.farm.address("events").ask(ReportStatuses()))["mk4"].connection)

        assert Connection.ONLINE not in shown[shown.index(Connection.OFFLINE) :]
        assert shown[-1] is Connection.OFFLINE
