"""Printers are set up, checked and taken out."""

from typing import Any

import pytest
import trio

from farm.app import Farm
from farm.domain.printer import Address, Connection, Printer, Simulation
from farm.domain.user import Principal, Role
from farm.errors import Forbidden, Invalid, NotFound, Refused
from farm.live.messages import ReportStatuses
from farm.printers.messages import AddPrinter, ChangePrinter, RemovePrinter
from farm.printers.settings import checked_printer, checked_url
from farm.store import audit
from tests.simulation.machine import Faults
from tests.simulation.shop import open_shop


def printer(**changes: object) -> Printer:
    fields: dict = {"id": "mk4", "name": "MK4", "address": Address("octoprint", "http://10.0.0.5", "key")}
    return Printer(**(fields | changes))


def simulated(**how: Any) -> Address:
    return Address("simulated", "", simulation=Simulation(**how))


def test_a_simulated_printer_needs_nothing_but_its_kind():
    checked = checked_printer(printer(address=Address("simulated", "")))
    assert checked.address == simulated(dialect="octoprint", speed=1.0, faults={})


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("http://10.0.0.5", "http://10.0.0.5"),
        (" http://10.0.0.5/ ", "http://10.0.0.5"),
        ("https://octopi.local:8443/one/", "https://octopi.local:8443/one"),
        ("http://[fe80::1]:5000", "http://[fe80::1]:5000"),
    ],
)
def test_an_address_is_kept_in_one_form(typed, kept):
    assert checked_url(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "10.0.0.5",
        "ftp://10.0.0.5",
        "http://",
        "http://anna:pw@10.0.0.5",
        "http://x/?key=1",
        "http://x:99999",
        "http://[::",
    ],
)
def test_an_address_that_cannot_be_used_is_refused_with_its_field(typed):
    with pytest.raises(Invalid) as refusal:
        checked_url(typed)
    assert refusal.value.field == "connection.url"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"id": "MK4"}, "id"),
        ({"id": ""}, "id"),
        ({"id": "../x"}, "id"),
        ({"name": " "}, "name"),
        ({"address": Address("toaster", "http://x")}, "connection.kind"),
        ({"address": Address("octoprint", "http://x", simulation=Simulation())}, "connection"),
        ({"address": Address("simulated", "http://x")}, "connection.url"),
        ({"address": Address("simulated", "", "key")}, "connection.api_key"),
        ({"address": Address("simulated", "", tls="sha256:ab")}, "connection.tls"),
        ({"address": simulated(dialect="klingon")}, "connection.dialect"),
        ({"address": simulated(speed=0.0)}, "connection.speed"),
        ({"address": simulated(speed=1e6)}, "connection.speed"),
        ({"address": simulated(speed=float("nan"))}, "connection.speed"),
        ({"health_check_interval_s": 0.0}, "health_check_interval_s"),
        ({"health_check_interval_s": float("nan")}, "health_check_interval_s"),
        ({"max_retries": -1}, "max_retries"),
    ],
)
def test_a_printer_that_is_set_up_wrong_is_refused_with_its_field(changes, field):
    with pytest.raises(Invalid) as refusal:
        checked_printer(printer(**changes))
    assert refusal.value.field == field


async def test_an_id_is_given_once(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        with pytest.raises(Invalid, match="already"):
            await shop.farm.address("printers").ask(AddPrinter(printer()))


async def test_the_audit_names_who_set_a_printer_up_and_took_it_out(autojump_clock):
    ann = Principal("user", "u1", "Ann", role=Role.ADMIN, client="10.0.0.9")
    async with open_shop() as shop:
        fleet = shop.farm.address("printers")
        await shop.add_printer("mini")
        await fleet.ask(RemovePrinter("mini"), by=ann)
        removed, added = await shop.database.read(audit.entries)
        assert (added.action, added.object, added.who) == ("printer.added", "printer:mini", "system:system")
        assert added.detail == {"kind": "octoprint", "name": "MINI", "url": "http://mini.test"}
        assert (removed.action, removed.who, removed.client) == ("printer.removed", "user:u1", "10.0.0.9")


async def test_a_viewer_sets_up_nothing(autojump_clock):
    viewer = Principal("user", "1", "Vera", role=Role.VIEWER)
    async with open_shop() as shop:
        fleet = shop.farm.address("printers")
        with pytest.raises(Forbidden):
            await fleet.ask(AddPrinter(printer()), by=viewer)
        await shop.add_printer("mk4")
        with pytest.raises(Forbidden):
            await fleet.ask(RemovePrinter("mk4"), by=viewer)


async def test_a_printer_is_taken_out_but_never_under_a_print(autojump_clock):
    async with open_shop() as shop:
        fleet = shop.farm.address("printers")
        await shop.add_printer("mk4")
        await shop.add_job()
        await trio.sleep(1)
        await shop.clear("mk4")
        await trio.sleep(60)
        with pytest.raises(Refused, match="under way"):
            await fleet.ask(RemovePrinter("mk4"))
        await trio.sleep(1000)
        await fleet.ask(RemovePrinter("mk4"))
        with pytest.raises(NotFound):
            shop.farm.address("printer:mk4")
        await trio.sleep(1)
        assert await shop.farm.address("events").ask(ReportStatuses()) == {}


async def test_a_printer_that_never_answers_is_a_state_and_keeps_being_tried(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4", Faults(unreachable=1.0))
        await shop.add_printer("mini")
        await trio.sleep(600)
        statuses = await shop.farm.address("events").ask(ReportStatuses())
        assert statuses["mk4"].connection is Connection.OFFLINE
        assert "lost a request" in statuses["mk4"].message
        assert statuses["mini"].connection is Connection.ONLINE
        assert [r.restarts for r in shop.farm.runtime.reports() if r.name.startswith("printer:")] == [0, 0]

        shop.machines["mk4"].faults = Faults()
        await trio.sleep(11)
        statuses = await shop.farm.address("events").ask(ReportStatuses())
        assert statuses["mk4"].connection is Connection.ONLINE


async def test_a_simulated_printer_that_is_taken_out_is_simulated_no_longer(autojump_clock, monkeypatch):
    ended: list[str] = []
    monkeypatch.setattr(Farm, "_removed", lambda farm, gone: ended.append(gone.id))
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        fleet = shop.farm.address("printers")
        await fleet.ask(ChangePrinter("mk4", {"name": "Left MK4"}))
        assert ended == []
        await fleet.ask(RemovePrinter("mk4"))
        assert ended == ["mk4"]
