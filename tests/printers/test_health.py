"""Whether a printer that pushes still answers: how often it is asked, and what follows when it does not."""

from __future__ import annotations

import random

import trio

from farm.domain.printer import Breaker, Connection
from farm.drivers.base import Capability
from farm.errors import Forbidden, PrinterUnreachable
from farm.printers.health import HealthCheck
from farm.printers.link import WRONG_KEY_S
from farm.printers.messages import ChangePrinter
from tests.simulation.machine import MachineDriver
from tests.simulation.shop import open_shop


class Host:
    """Counts when it was asked."""

    def __init__(self, *capabilities: Capability) -> None:
        self.capabilities = frozenset(capabilities)
        self.asked_at: list[float] = []

    async def check(self) -> None:
        self.asked_at.append(trio.current_time())
        await trio.lowlevel.checkpoint()


def check_of(host: Host, interval_s: float) -> HealthCheck:
    return HealthCheck(host, random.Random(1), interval_s, lambda: True, lambda _: None)


async def test_a_printer_that_pushes_is_asked_in_its_interval_and_in_another_one_at_once(autojump_clock):
    host = Host(Capability.PUSH)
    check = check_of(host, 3600)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(check.run)
        await trio.sleep(600)
        assert host.asked_at == []
        check.set_interval(30)  # nobody waits for the end of the hour
        await trio.sleep(300)
        nursery.cancel_scope.cancel()
    assert 9 <= len(host.asked_at) <= 11


async def test_a_printer_that_is_asked_all_the_time_is_not_asked_once_more(autojump_clock):
    host = Host()
    await check_of(host, 1).run()
    assert host.asked_at == []


async def test_a_host_that_pushes_and_answers_nothing_opens_its_breaker_and_closes_it_again(
    autojump_clock, monkeypatch
):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await trio.sleep(3)
        deaf = True

        async def check(driver: MachineDriver) -> None:
            await trio.lowlevel.checkpoint()
            if deaf:
                raise PrinterUnreachable("it does not answer")

        monkeypatch.setattr(MachineDriver, "check", check)
        await trio.sleep(120)
        status = await shop.status("mk4")
        assert (status.connection, status.message) == (Connection.ONLINE, "it does not answer")
        assert status.breaker is not Breaker.CLOSED

        deaf = False
        await trio.sleep(45)
        assert (await shop.status("mk4")).breaker is Breaker.CLOSED


async def test_a_key_that_was_taken_away_is_noticed_although_the_host_goes_on_pushing(
    autojump_clock, monkeypatch
):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await shop.farm.address("printers").ask(ChangePrinter("mk4", {"health_check_interval_s": 5}))
        await trio.sleep(3)
        taken = False

        async def check(driver: MachineDriver) -> None:
            await trio.lowlevel.checkpoint()
            if not taken:
                raise Forbidden("this key is not taken")

        monkeypatch.setattr(MachineDriver, "check", check)
        await trio.sleep(10)
        status = await shop.status("mk4")
        assert (status.connection, status.message) == (Connection.OFFLINE, "this key is not taken")

        taken = True
        await trio.sleep(WRONG_KEY_S + 5)
        assert (await shop.status("mk4")).connection is Connection.ONLINE
