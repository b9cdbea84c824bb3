"""What is to be done after so many hours of printing: counted, told when due, done, and reckoned with."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import trio

from farm.domain.command import Cancel, Pause, Resume
from farm.domain.job import JobState
from farm.domain.maintenance import ChoreState, Standing
from farm.domain.user import Grant, Principal, Role
from farm.errors import Forbidden, Invalid, NotFound, Refused
from farm.printers import maintenance as clerk
from farm.printers.foreign_time import KEEP_EVERY_S
from farm.printers.messages import AddChore, ChangeChore, ChangePrinter, ChoreIsDone, RemoveChore
from farm.printers.messages import RemovePrinter as Remove
from farm.store import audit, maintenance, prints
from farm.store.changes import Change
from tests.simulation.shop import NOON, Shop, open_shop

PRINT_S = 3600.0
ROUGHLY = pytest.approx


async def wish(shop: Shop, message: Any, by: Principal | None = None) -> Any:
    fleet = shop.farm.address("printers")
    return await (fleet.ask(message) if by is None else fleet.ask(message, by=by))


async def begin_a_print(shop: Shop, name: str = "mk4", copies: int = 1) -> str:
    if name not in shop.machines:
        await shop.add_printer(name, print_s=PRINT_S)
    job = await shop.add_job(copies=copies, required_printers=frozenset({name}))
    await trio.sleep(1)
    await shop.clear(name)
    await trio.sleep(60)
    assert shop.machines[name].running
    return job.id


async def printed_s(shop: Shop, name: str = "mk4") -> float:
    return await shop.database.read(maintenance.printed_h, name) * 3600


async def standing(shop: Shop, name: str = "mk4") -> Standing:
    (found,) = await shop.database.read(maintenance.standings, name)
    return found


async def told(shop: Shop) -> list[tuple[str, str]]:
    facts = [fact for fact in await shop.facts() if fact.type.startswith("maintenance.")]
    return [(fact.type.removeprefix("maintenance."), fact.data["printer"]) for fact in facts]


async def test_hours_of_printing_count_and_pauses_do_not(autojump_clock):
    async with open_shop() as shop:
        await begin_a_print(shop)
        machine = shop.machines["mk4"]
        began_at = machine.began_at
        await shop.tell("mk4", Pause())
        await trio.sleep(400)
        await shop.tell("mk4", Resume())
        await trio.sleep(600)
        await shop.tell("mk4", Cancel())
        await trio.sleep(30)
        whole_s = trio.current_time() - began_at
        assert await printed_s(shop) == ROUGHLY(660, abs=40)
        assert whole_s > 1050


def test_a_clock_that_is_set_in_a_print_takes_no_hours_away_and_adds_no_years(monkeypatch):
    hour = timedelta(hours=1)
    at_h = {0: "printing", 1: "paused", 2: "printing", -20: "paused", -19: "printing", 500_000: "finished"}
    changes = [Change(NOON + at * hour, None, state, "", "") for at, state in at_h.items()]
    monkeypatch.setattr(prints, "history", lambda *_: changes)
    assert prints.printed_s(None, "p1") == 3600


async def test_hours_of_prints_that_others_started_count_as_far_as_they_were_seen(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await trio.sleep(3)
        shop.machines["mk4"].begin_foreign("benchy.gcode", 1000)
        await trio.sleep(1000 + KEEP_EVERY_S)
        assert await printed_s(shop) == ROUGHLY(1000, abs=10)


async def test_a_chore_that_comes_due_is_told_once_and_later_that_it_is_overdue(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await wish(shop, AddChore("mk4", "lubricate the rods", every_h=2.0))
        seen = []
        for _ in range(4):
            await shop.database.write(maintenance.count, "mk4", 3600.0, NOON)
            seen.append((await standing(shop)).state)
        assert seen == [ChoreState.OK, ChoreState.DUE, ChoreState.OVERDUE, ChoreState.OVERDUE]
        assert await told(shop) == [("added", "mk4"), ("due", "mk4"), ("overdue", "mk4")]


async def test_what_was_done_counts_anew_and_says_by_whom(autojump_clock):
    vera = Principal("user", "1", "Vera", role=Role.OPERATOR)
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        chore = (await wish(shop, AddChore("mk4", "new nozzle", every_h=100, since_h=130))).chore.id
        assert (await standing(shop)).state is ChoreState.OVERDUE
        done = await wish(shop, ChoreIsDone("mk4", chore, "hardened steel"), by=vera)
        assert (done.state, done.since_h) == (ChoreState.OK, 0)
        assert (done.last.who, done.last.note) == ("user:1", "hardened steel")
        row = (await shop.database.read(audit.entries, limit=1))[0]
        assert (row.action, row.detail["note"]) == ("maintenance.done", "hardened steel")


async def test_a_chore_for_a_tag_is_done_printer_by_printer(autojump_clock):
    async with open_shop() as shop:
        for name in ("a", "b", "c"):
            await shop.add_printer(name)
            if name != "c":
                await wish(shop, ChangePrinter(name, {"tags": frozenset({"row"})}))
        chore = (await wish(shop, AddChore("a", "belts", every_h=10, tag="row", since_h=11))).chore.id
        await wish(shop, ChoreIsDone("b", chore))
        found = await shop.database.read(maintenance.standings)
        assert [(each.printer, each.state) for each in found] == [
            ("a", ChoreState.DUE),
            ("b", ChoreState.OK),
        ]
        with pytest.raises(NotFound):
            await wish(shop, ChoreIsDone("c", chore))
        await wish(shop, RemoveChore("b", chore))
        assert await shop.database.read(maintenance.standings) == []


async def test_a_printer_begins_nothing_while_a_chore_that_blocks_is_due(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        chore = (await wish(shop, AddChore("mk4", "rods", 10, since_h=11, blocks=True))).chore.id
        job = await shop.add_job()
        await shop.clear("mk4")
        await trio.sleep(120)
        assert (await shop.job(job.id)).state is JobState.QUEUED
        assert shop.machines["mk4"].starts == {}
        await wish(shop, ChoreIsDone("mk4", chore))
        await trio.sleep(5)
        assert (await shop.job(job.id)).state is JobState.ACTIVE


async def test_a_chore_that_no_longer_blocks_lets_it_go_on(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        chore = (await wish(shop, AddChore("mk4", "rods", 10, since_h=11, blocks=True))).chore.id
        job = await shop.add_job()
        await shop.clear("mk4")
        await trio.sleep(60)
        await wish(shop, ChangeChore("mk4", chore, {"blocks": False}))
        await trio.sleep(5)
        assert (await shop.job(job.id)).state is JobState.ACTIVE


async def test_a_printer_that_is_taken_out_takes_its_chores_along(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("a")
        await wish(shop, AddChore("a", "rods", 10))
        await wish(shop, Remove("a"))
        await shop.add_printer("a")
        assert await shop.database.read(maintenance.how_many) == 0


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"what": " "}, "what"),
        ({"what": "x" * 201}, "what"),
        ({"what": "two\nlines"}, "what"),
        ({"every_h": 0.0}, "every_h"),
        ({"every_h": float("nan")}, "every_h"),
        ({"every_h": 1e9}, "every_h"),
        ({"since_h": -1.0}, "since_h"),
        ({"tag": "elsewhere"}, "tag"),
    ],
)
async def test_what_cannot_be_is_refused_by_name(fields, field, autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        with pytest.raises(Invalid) as refused:
            await wish(shop, AddChore("mk4", **{"what": "rods", "every_h": 10.0, **fields}))
        assert refused.value.field == field


async def test_rights_are_asked_for(autojump_clock):
    operator = Principal("user", "1", "Vera", role=Role.OPERATOR)
    viewer = Principal("user", "2", "Vim", role=Role.VIEWER)
    of_one = Principal("user", "3", "Ada", role=Role.ADMIN, grant=Grant(printers=frozenset({"mk4"})))
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await wish(shop, ChangePrinter("mk4", {"tags": frozenset({"row"})}))
        chore = (await wish(shop, AddChore("mk4", "rods", 10))).chore.id
        shared = (await wish(shop, AddChore("mk4", "belts", 10, tag="row"))).chore.id
        for by, message in (
            (operator, AddChore("mk4", "rods", 10)),
            (operator, RemoveChore("mk4", chore)),
            (operator, ChangeChore("mk4", chore, {"every_h": 1.0})),
            (viewer, ChoreIsDone("mk4", chore)),
            (of_one, AddChore("mk4", "belts", 10, tag="row")),
            (of_one, RemoveChore("mk4", shared)),
        ):
            with pytest.raises(Forbidden):
                await wish(shop, message, by=by)
        await wish(shop, ChoreIsDone("mk4", chore), by=operator)
        await wish(shop, RemoveChore("mk4", chore), by=of_one)


async def test_there_is_an_end_to_how_many_there_are(autojump_clock, monkeypatch):
    monkeypatch.setattr(clerk, "MOST_CHORES", 2)
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        for _ in range(2):
            await wish(shop, AddChore("mk4", "rods", 10))
        with pytest.raises(Refused, match="2 chores already"):
            await wish(shop, AddChore("mk4", "rods", 10))
