"""The console of a printer: what people sent, what it said, and how far back it goes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import trio
from msgspec import structs

from farm.domain.command import SendGcode
from farm.domain.user import Grant, Principal, Role
from farm.errors import Forbidden
from farm.printers.console import MOST_LINES, Console, Kind, Lines
from farm.printers.messages import ReadConsole
from tests.simulation.machine import Machine
from tests.simulation.shop import Shop, open_shop

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


async def read(shop: Shop, since: int = 0, by: Principal | None = None) -> Lines:
    printer = shop.farm.address("printer:mk4")
    return await (printer.ask(ReadConsole(since)) if by is None else printer.ask(ReadConsole(since), by=by))


def told(lines: Lines) -> list[tuple[Kind, str, str]]:
    return [(line.kind, line.text, line.who) for line in lines.lines]


async def test_what_people_send_is_kept_with_who_it_was_and_what_the_printer_says(
    autojump_clock, monkeypatch
):
    vera = Principal("user", "1", "Vera", role=Role.OPERATOR)
    usual = Machine.look

    def look(machine: Machine):
        said = tuple(f"// heard {line}" for line in machine.heard)
        machine.heard.clear()
        return structs.replace(usual(machine), said=said)

    monkeypatch.setattr(Machine, "look", look)
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await trio.sleep(3)
        await shop.tell("mk4", SendGcode(("M115", "M503")), by=vera)
        await trio.sleep(3)
        lines = await read(shop)
        assert told(lines) == [
            (Kind.SENT, "M115", "user:1"),
            (Kind.SENT, "M503", "user:1"),
            (Kind.SAID, "// heard M115", ""),
            (Kind.SAID, "// heard M503", ""),
        ]
        assert (await read(shop, lines.last)).lines == ()


async def test_what_did_not_go_says_why_and_a_crash_forgets_nothing(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await trio.sleep(3)
        shop.machines["mk4"].frozen_until = trio.current_time() + 10
        await shop.tell("mk4", SendGcode(("G28",)))
        await trio.sleep(20)
        shop.farm.address("printer:mk4").tell_nowait("nobody knows this")  # it crashes, and is started again
        await trio.sleep(5)
        assert shop.restarts("printer:mk4") == 1
        (sent, failed) = (await read(shop)).lines
        assert (sent.text, failed.kind) == ("G28", Kind.FAILED)
        assert "does not answer" in failed.text


async def test_only_who_may_look_at_the_printer_reads_it(autojump_clock):
    elsewhere = Principal("user", "1", "Vim", role=Role.VIEWER, grant=Grant(printers=frozenset({"other"})))
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        with pytest.raises(Forbidden):
            await read(shop, by=elsewhere)


def test_the_ring_is_bounded_and_says_what_is_gone():
    console = Console()
    for number in range(1, MOST_LINES + 11):
        console.add(NOON, Kind.SAID, f"line {number}")

    every = console.since(0, True)
    assert (len(every.lines), every.lines[0].text, every.gap) == (MOST_LINES, "line 11", True)
    assert not console.since(10, True).gap
    assert [line.number for line in console.since(MOST_LINES + 8, True).lines] == [
        MOST_LINES + 9, MOST_LINES + 10,
    ]  # fmt: skip
    restarted = console.since(10_000, True)
    assert (len(restarted.lines), restarted.gap) == (MOST_LINES, True)


def test_a_quiet_console_has_no_gap():
    assert Console().since(0, True) == Lines((), 0, False, True)
