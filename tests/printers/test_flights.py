"""A printer's flight recorder: it outlives a crash, and only who may command the printer reads it."""

from __future__ import annotations

import pytest
import trio

from farm.domain.printer import Address, Printer
from farm.domain.user import Principal, Role
from farm.drivers.base import Reading
from farm.drivers.flight import FlightRecorder, recording
from farm.errors import Forbidden
from farm.printers.flights import ALL_ROOM, LEAST_ROOM, MOST_ROOM, last_words, room_among
from farm.printers.messages import ReadFlight
from tests.simulation.machine import Machine
from tests.simulation.shop import open_shop


async def test_what_was_said_outlives_a_crash_of_the_printers_actor(autojump_clock, monkeypatch):
    usual = Machine.look

    def look(machine: Machine) -> Reading:
        recorder = recording.get()
        assert recorder is not None
        recorder.came("pushed", f"seen at {trio.current_time():.0f}")
        return usual(machine)

    monkeypatch.setattr(Machine, "look", look)
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await trio.sleep(10)
        printer = shop.farm.address("printer:mk4")
        before = (await printer.ask(ReadFlight())).splitlines()
        assert "MK4" in before[0]
        assert "pushed seen at" in before[-1]

        printer.tell_nowait("nobody knows this")  # it crashes, and is started again
        await trio.sleep(10)
        assert shop.restarts("printer:mk4") == 1
        after = (await printer.ask(ReadFlight())).splitlines()
        assert set(before[1:]) <= set(after)
        assert len(after) > len(before)


async def test_each_printer_has_its_own_and_only_who_may_command_it_reads_it(autojump_clock, monkeypatch):
    usual = Machine.look

    def look(machine: Machine) -> Reading:
        recorder = recording.get()
        if recorder is not None:
            recorder.came("pushed", str(id(machine)))
        return usual(machine)

    monkeypatch.setattr(Machine, "look", look)
    viewer = Principal("user", "1", "Vim", role=Role.VIEWER)
    async with open_shop() as shop:
        for name in ("mk4", "mk5"):
            await shop.add_printer(name)
        await trio.sleep(5)
        lines = (await shop.farm.address("printer:mk4").ask(ReadFlight())).splitlines()[1:]
        assert {line.rpartition(" ")[2] for line in lines} == {str(id(shop.machines["mk4"]))}
        with pytest.raises(Forbidden):
            await shop.farm.address("printer:mk4").ask(ReadFlight(), by=viewer)


async def test_a_line_of_the_log_names_the_last_exchanges_without_what_was_in_them(autojump_clock):
    recorder = FlightRecorder()
    for number in range(9):
        recorder.sent(f"GET /api/{number}?token=abc", b"body")
    printer = Printer("mk4", "MK4", Address("octoprint", "http://10.0.0.1", "abc"))
    await trio.lowlevel.checkpoint()

    assert last_words(recorder, printer) == "; ".join(
        f"> GET /api/{number}?token=[left out]" for number in (6, 7, 8)
    )


def test_the_recorders_of_all_printers_share_their_room():
    assert room_among(1) == room_among(20) == MOST_ROOM
    assert room_among(1000) == ALL_ROOM // 1000 >= LEAST_ROOM
    assert room_among(10**6) == LEAST_ROOM
