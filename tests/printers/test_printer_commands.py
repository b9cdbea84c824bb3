"""What people tell a printer: accepted or refused at once, carried out, and seen to have come about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio

from farm.domain.command import (
    NAMES,
    Cancel,
    ClearAttention,
    ClearDoubt,
    ClearEmergency,
    Command,
    Connect,
    Disconnect,
    Home,
    Jog,
    MaintenanceOff,
    MaintenanceOn,
    Pause,
    Resume,
    SendGcode,
    SetTemperature,
)
from farm.domain.job import JobState, PrintState
from farm.domain.printer import Operation, Plate, PrinterStatus
from farm.domain.user import SYSTEM, Principal, Role, Scope
from farm.drivers.base import AnswerLost, Capability, Loss, Reading
from farm.errors import Forbidden, Overloaded, PrinterUnreachable, Refused
from farm.live.messages import ReportStatuses
from farm.printers import commands
from farm.printers.commands import CUT_OFF
from farm.printers.ends import LEFT_ALONE
from farm.printers.lanes import MOST_COMMANDS
from farm.printers.messages import ChangePrinter, EmergencyStop, Halted, PrintOrder, RunCommand, WatchPrint
from farm.store import audit
from tests.simulation.machine import Faults, MachineDriver
from tests.simulation.shop import Shop, open_shop

COMMANDS: list[Command] = [
    Pause(),
    Resume(),
    Cancel(),
    SendGcode(("M115",)),
    SetTemperature("bed", 60),
    Home(),
    Jog(x=1),
    Connect(),
    Disconnect(),
    MaintenanceOn(),
    MaintenanceOff(),
    ClearAttention(),
    ClearDoubt(),
    ClearEmergency(),
]


async def begin_a_print(shop: Shop, name: str = "mk4") -> str:
    await shop.add_printer(name)
    job = await shop.add_job(required_printers=frozenset({name}))
    await trio.sleep(1)
    await shop.clear(name)
    await trio.sleep(30)
    assert shop.machines[name].running
    return job.id


async def tell(shop: Shop, command: Command, by: Principal | None = None, name: str = "mk4") -> None:
    await shop.tell(name, command, by if by is not None else SYSTEM)


async def status(shop: Shop, name: str = "mk4") -> PrinterStatus:
    return (await shop.farm.address("events").ask(ReportStatuses()))[name]


async def ends(shop: Shop) -> dict[str, Any]:
    """How each command went: its problem, None for a good end."""
    return {
        fact.data["command"]: fact.data["problem"]
        for fact in await shop.facts()
        if fact.type == "printer.commandFinished"
    }


def test_every_command_has_its_name_and_is_tried_here():
    assert {type(command) for command in COMMANDS} == set(NAMES)


async def test_a_print_is_paused_and_goes_on(autojump_clock):
    async with open_shop() as shop:
        job = await begin_a_print(shop)
        await tell(shop, Pause("a phone call"))
        await trio.sleep(3)
        assert (await status(shop)).operation is Operation.PAUSED
        assert (await shop.prints(job))[0].state is PrintState.PAUSED
        await tell(shop, Resume())
        await trio.sleep(3)
        assert (await shop.prints(job))[0].state is PrintState.PRINTING
        assert await ends(shop) == {"pause": None, "resume": None}
        await trio.sleep(1000)
        assert (await shop.prints(job))[0].state is PrintState.FINISHED


async def test_a_cancelled_print_raises_the_plate_and_its_job_waits_for_a_decision(autojump_clock):
    async with open_shop() as shop:
        job = await begin_a_print(shop)
        await tell(shop, Cancel("wrong colour"))
        await trio.sleep(5)
        assert (await shop.prints(job))[0].state is PrintState.CANCELLED
        assert await shop.plate("mk4") is Plate.OCCUPIED
        assert (await shop.job(job)).state is JobState.HELD
        assert await ends(shop) == {"cancel": None}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: NAMES[type(command)])
async def test_an_idle_printer_takes_what_fits_and_refuses_the_rest_in_words(command, autojump_clock):
    fitting = (SendGcode, SetTemperature, Home, Jog, Connect, Disconnect, MaintenanceOn)
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await trio.sleep(3)
        if isinstance(command, fitting):
            await tell(shop, command)
            await trio.sleep(5)
            assert await ends(shop) == {NAMES[type(command)]: None}
        else:
            with pytest.raises(Refused, match=r"MK4: (it|there)"):
                await tell(shop, command)


@pytest.mark.parametrize("command", [Home(), Jog(z=1), Disconnect()], ids=lambda c: NAMES[type(c)])
async def test_what_would_spoil_a_print_is_refused_while_it_runs(command, autojump_clock):
    async with open_shop() as shop:
        await begin_a_print(shop)
        with pytest.raises(Refused, match="spoil"):
            await tell(shop, command)


async def test_a_printer_that_is_away_refuses_and_says_why(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4", Faults(unreachable=1.0))
        await trio.sleep(30)
        with pytest.raises(Refused, match=r"offline: .*lost a request"):
            await tell(shop, SendGcode(("M115",)))


async def test_rights_are_asked_for_each_command(autojump_clock):
    viewer = Principal("user", "1", "Vera", role=Role.VIEWER)
    uploader = Principal("key", "2", "slicer", scopes=frozenset({Scope.UPLOAD}))
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await trio.sleep(3)
        for nobody in (viewer, uploader):
            for command in COMMANDS:
                with pytest.raises(Forbidden):
                    await tell(shop, command, by=nobody)
            with pytest.raises(Forbidden):
                await shop.farm.address("printer:mk4").ask(EmergencyStop(), by=nobody)
        assert shop.machines["mk4"].heard == []
        assert shop.machines["mk4"].stops == 0


async def test_a_command_that_a_crash_cut_off_is_told_so(autojump_clock):
    async with open_shop() as shop:
        await begin_a_print(shop)
        shop.machines["mk4"].frozen_until = trio.current_time() + 30  # it shows nothing of what it was told
        await tell(shop, Pause())
        await tell(shop, SendGcode(("M115",)))
        shop.farm.address("printer:mk4").tell_nowait("nobody knows this")
        await trio.sleep(5)
        assert await ends(shop) == {"pause": LEFT_ALONE, "gcode": LEFT_ALONE}


async def test_a_decision_taken_back_before_it_was_kept_is_told_so(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await trio.sleep(3)
        printer = shop.farm.address("printer:mk4")
        for id, command in (("c1", MaintenanceOn()), ("c2", MaintenanceOff())):
            assert printer.tell_nowait(RunCommand(id, command))  # in one breath: before anything is written
        await trio.sleep(5)
        told = {f.data["command_id"]: f.data["problem"] for f in await shop.facts() if "command_id" in f.data}
        assert told.keys() == {"c1", "c2"}
        assert told["c2"] is None
        assert (await status(shop)).operation is Operation.IDLE


async def test_the_audit_names_who_commanded_what_and_how_it_went(autojump_clock):
    vera = Principal("user", "1", "Vera", role=Role.OPERATOR, client="10.0.0.9")
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await trio.sleep(3)
        await tell(shop, SendGcode(("M115", "M503")), by=vera)
        await trio.sleep(1)
        await tell(shop, MaintenanceOn("new nozzle"), by=vera)
        await trio.sleep(1)
        await shop.farm.address("printer:mk4").ask(EmergencyStop(), by=vera)
        await trio.sleep(1)
        rows = [entry for entry in await shop.database.read(audit.entries) if entry.who == "user:1"]
        assert [(row.action, row.object, row.client) for row in reversed(rows)] == [
            ("printer.commanded", "printer:mk4", "10.0.0.9"),
            ("printer.commanded", "printer:mk4", "10.0.0.9"),
            ("printer.modeChanged", "printer:mk4", "10.0.0.9"),
        ]
        assert rows[2].detail == {"command": "gcode", "lines": ["M115", "M503"], "problem": None}
        assert rows[1].detail == {"command": "maintenance_on", "reason": "new nozzle", "problem": None}
        assert rows[0].detail == {"was": "maintenance", "is": "emergency"}
        assert await shop.database.read(audit.verify_chain) is None


@pytest.mark.parametrize(
    ("command", "problem", "sent"),
    [
        (SendGcode(("M115",)), PrinterUnreachable("nothing was sent"), 4),
        (SetTemperature("bed", 60), AnswerLost("the answer was lost"), 4),
        (SendGcode(("M115",)), AnswerLost("the answer was lost"), 1),
        (Home(), AnswerLost("the answer was lost"), 1),
    ],
    ids=["never arrived", "may arrive twice", "may not arrive twice", "moves"],
)
async def test_a_command_is_sent_again_where_that_is_safe_and_no_oftener_than_the_shop_said(
    command, problem, sent, autojump_clock, monkeypatch
):
    tries = []

    async def lost(*_: Any) -> None:
        await trio.lowlevel.checkpoint()
        tries.append(trio.current_time())
        raise problem

    monkeypatch.setattr(MachineDriver, "send_gcode", lost)
    monkeypatch.setattr(commands, "FIRST_RETRY_S", 2.5)  # so that the breaker's rests are over
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await shop.farm.address("printers").ask(ChangePrinter("mk4", {"max_retries": 3}))
        await trio.sleep(3)
        await tell(shop, command)
        await trio.sleep(60)
        assert len(tries) == sent
        assert await ends(shop) == {NAMES[type(command)]: str(problem)}


async def test_nothing_is_sent_again_after_an_emergency_stop(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await trio.sleep(3)
        shop.machines["mk4"].faults = Faults(unreachable=1.0)
        await tell(shop, SendGcode(("M104 S200",)))
        await trio.sleep(0.2)  # it has failed, and is to be sent again
        await shop.stop("mk4")
        shop.machines["mk4"].faults = Faults()
        await trio.sleep(30)
        assert shop.machines["mk4"].heard == []
        assert await ends(shop) == {"gcode": CUT_OFF}


@pytest.mark.parametrize(
    "command", [SendGcode(("M104 S200",)), Connect(), Pause()], ids=lambda c: type(c).__name__
)
async def test_a_command_that_looks_before_it_sends_sends_nothing_after_an_emergency_stop(
    command, autojump_clock
):
    sent = []

    async def look_and_send(*_: Any) -> None:
        await trio.sleep(0.5)  # two questions to a slow host
        sent.append(command)

    async with open_shop() as shop:
        await begin_a_print(shop)
        for name in ("send_gcode", "connect_machine", "pause"):
            setattr(shop.driver_of("mk4"), name, look_and_send)
        await tell(shop, command)
        await trio.sleep(0.2)
        await shop.stop("mk4")
        await trio.sleep(30)
        assert sent == []
        assert await ends(shop) == {NAMES[type(command)]: CUT_OFF}


async def test_a_printer_that_is_being_taken_up_is_not_once_an_emergency_stop_came(autojump_clock):
    taken_up = []

    async def look_and_send() -> None:
        await trio.sleep(0.5)
        taken_up.append(trio.current_time())

    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await trio.sleep(3)
        shop.machines["mk4"].lose(Loss.FIRMWARE_ERROR, "Thermal Runaway")
        await trio.sleep(3)
        shop.driver_of("mk4").connect_machine = look_and_send
        await tell(shop, ClearAttention())
        await trio.sleep(0.2)
        with pytest.raises(Refused, match="no printer"):  # there is nothing to stop, and yet it is latched
            await shop.stop("mk4")
        await trio.sleep(30)
        assert taken_up == []


async def test_too_many_commands_are_refused_and_those_taken_are_done_in_their_order(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await trio.sleep(3)
        printer, taken = shop.farm.address("printer:mk4"), []
        for number in range(3 * MOST_COMMANDS):
            try:
                await printer.ask(RunCommand(f"c{number}", SendGcode((f"G{number}",))))
                taken.append(f"G{number}")
            except Overloaded:
                break
        assert MOST_COMMANDS <= len(taken) < 3 * MOST_COMMANDS
        await trio.sleep(60)
        assert shop.machines["mk4"].heard == taken


async def test_maintenance_keeps_prints_away_until_it_is_over_also_over_a_restart(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await trio.sleep(3)
        await tell(shop, MaintenanceOn("new nozzle"))
        await shop.add_job()
        await shop.clear("mk4")
        shop.machines["mk4"].faults = Faults(bug=1.0)  # its actor crashes, and is started again
        await trio.sleep(1.5)
        shop.machines["mk4"].faults = Faults()
        await trio.sleep(120)
        shown = await status(shop)
        assert (shown.operation, shown.message) == (Operation.MAINTENANCE, "new nozzle")
        assert shop.machines["mk4"].starts == {}

        await tell(shop, MaintenanceOff())
        await trio.sleep(10)
        assert len(shop.machines["mk4"].starts) == 1


async def test_maintenance_begins_when_the_running_print_is_over(autojump_clock):
    async with open_shop() as shop:
        await begin_a_print(shop)
        await tell(shop, MaintenanceOn())
        assert (await status(shop)).operation is Operation.PRINTING
        await trio.sleep(1000)
        assert (await status(shop)).operation is Operation.MAINTENANCE


async def test_an_emergency_stop_is_latched_until_a_person_clears_it(autojump_clock):
    async with open_shop() as shop:
        job = await begin_a_print(shop)
        await shop.farm.address("printer:mk4").ask(EmergencyStop())
        await trio.sleep(5)
        assert (await status(shop)).operation is Operation.EMERGENCY
        assert (await shop.prints(job))[0].state is PrintState.FAILED
        for command in COMMANDS:
            if not isinstance(command, ClearEmergency):
                with pytest.raises(Refused, match="emergency"):
                    await tell(shop, command)
        await shop.clear("mk4")
        await trio.sleep(60)
        assert len(shop.machines["mk4"].starts) == 1

        await tell(shop, ClearEmergency())
        await trio.sleep(30)
        assert len(shop.machines["mk4"].starts) == 2
        changes = [f.data["to"] for f in await shop.facts() if f.type == "printer.modeChanged"]
        assert changes == ["emergency", "normal"]


async def test_an_emergency_stop_of_a_printer_that_can_only_cancel_says_what_is_left_to_do(
    autojump_clock, monkeypatch
):
    less = MachineDriver.capabilities - {Capability.EMERGENCY_STOP, Capability.TAKE_UP}
    monkeypatch.setattr(MachineDriver, "capabilities", less)
    async with open_shop() as shop:
        await begin_a_print(shop)

        assert await shop.farm.address("printer:mk4").ask(EmergencyStop()) is Halted.ONLY_CANCELLED

        await trio.sleep(5)
        now = await status(shop)
        assert now.operation is Operation.EMERGENCY
        assert "heaters may stay on; switch it off at the plug" in now.message
        (why,) = [f.data["why"] for f in await shop.facts() if f.type == "printer.modeChanged"]
        assert why == now.message


async def test_a_stop_reaches_a_host_that_was_just_starting_again(autojump_clock):
    async with open_shop() as shop:
        await begin_a_print(shop)
        shop.machines["mk4"].away_until = trio.current_time() + 0.8  # it refuses each connection at once
        with trio.fail_after(2.9):
            assert await shop.farm.address("printer:mk4").ask(EmergencyStop()) is Halted.STOPPED
        assert shop.machines["mk4"].loss is Loss.EMERGENCY_STOP


async def test_a_stop_that_was_lost_is_not_sent_again_once_a_person_has_cleared_the_emergency(autojump_clock):
    async with open_shop() as shop, trio.open_nursery() as nursery:
        await shop.add_printer("mk4", Faults(stop_lost=1.0))
        await trio.sleep(1)

        async def stop():
            with pytest.raises(PrinterUnreachable, match="lost"):
                await shop.stop("mk4")

        nursery.start_soon(stop)
        await trio.sleep(0.005)  # the first try is on its way
        await shop.tell("mk4", ClearEmergency())
        await trio.sleep(10)

        assert shop.machines["mk4"].stops == 1


async def test_an_emergency_survives_the_crash_of_its_actor(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await trio.sleep(3)
        await shop.farm.address("printer:mk4").ask(EmergencyStop())
        await trio.sleep(1)
        shop.machines["mk4"].faults = Faults(bug=1.0)
        await trio.sleep(2)
        shop.machines["mk4"].faults = Faults()
        await trio.sleep(30)
        assert (await status(shop)).operation is Operation.EMERGENCY


async def test_a_stop_that_reaches_nobody_is_tried_again_told_and_latched_all_the_same(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4", Faults(stop_lost=1.0))
        await trio.sleep(3)
        with pytest.raises(PrinterUnreachable):
            await shop.farm.address("printer:mk4").ask(EmergencyStop(), timeout=2.5)
        assert shop.machines["mk4"].stops == 3
        assert (await status(shop)).operation is Operation.EMERGENCY


async def test_an_emergency_stop_cuts_an_upload_off_and_nothing_of_it_starts(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4", Faults(upload_cut=1.0))  # it tries again and again
        job = await shop.add_job()
        await trio.sleep(1)
        await shop.clear("mk4")
        await trio.sleep(15.2)
        assert (await shop.prints(job.id))[0].state is PrintState.UPLOADING
        await shop.farm.address("printer:mk4").ask(EmergencyStop())
        await trio.sleep(5)
        (attempt,) = await shop.prints(job.id)
        assert (attempt.state, attempt.reason) == (PrintState.CANCELLED, "an emergency stop came in between")
        assert shop.machines["mk4"].starts == {}


async def test_after_a_firmware_error_nothing_reconnects_without_a_person(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await trio.sleep(3)
        machine = shop.machines["mk4"]
        machine.loss, machine.complaint = Loss.FIRMWARE_ERROR, "Thermal Runaway, system stopped!"
        await trio.sleep(300)
        shown = await status(shop)
        assert shown.operation is Operation.ATTENTION
        assert "Thermal Runaway" in shown.message
        assert machine.loss is Loss.FIRMWARE_ERROR

        await tell(shop, ClearAttention())
        await trio.sleep(5)
        assert machine.loss is None
        assert (await status(shop)).operation is Operation.IDLE


async def test_after_a_dropped_line_the_host_takes_its_printer_up_again_by_itself(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await trio.sleep(3)
        shop.machines["mk4"].loss = Loss.LINK_LOST
        await trio.sleep(5)
        assert shop.machines["mk4"].loss is None


async def test_a_line_that_shows_an_error_by_now_is_not_taken_up_without_a_person(autojump_clock):
    taken_up = []

    async def take_up() -> None:
        await trio.lowlevel.checkpoint()
        taken_up.append(trio.current_time())

    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await trio.sleep(3)
        machine, driver = shop.machines["mk4"], shop.driver_of("mk4")
        shown = iter((Loss.LINK_LOST,))

        async def look() -> Reading:  # its news is a moment old when it comes: then the firmware has stopped
            await trio.sleep(0.01)
            machine.loss = next(shown, Loss.FIRMWARE_ERROR)
            return machine.look()

        machine.complaint = "mcu 'mcu': Unable to connect"
        driver.status, driver.connect_machine = look, take_up
        await trio.sleep(30)
        assert taken_up == []
        assert (await status(shop)).operation is Operation.ATTENTION


async def test_a_print_taken_up_at_its_end_in_maintenance_crashes_nobody(autojump_clock):
    order = PrintOrder("p1", "j1", "f1", "a.gcode", "abc123_a.gcode", Path("a.gcode"), 10)
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await trio.sleep(3)

        async def look() -> Reading:
            await trio.lowlevel.checkpoint()
            return Reading(True, Operation.FINISHED)

        shop.driver_of("mk4").status = look
        await tell(shop, MaintenanceOn())
        await trio.sleep(3)
        assert (await status(shop)).operation is Operation.MAINTENANCE
        await shop.farm.address("printer:mk4").ask(WatchPrint(order))  # by a queue that has just crashed
        assert (await status(shop)).operation is Operation.FINISHED


async def test_a_printer_let_go_on_purpose_stays_so(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await trio.sleep(3)
        await tell(shop, Disconnect())
        await trio.sleep(120)
        assert shop.machines["mk4"].loss is Loss.CLOSED
        await tell(shop, Connect())
        await trio.sleep(5)
        assert (await status(shop)).operation is Operation.IDLE


async def test_a_later_command_ends_the_wait_for_the_one_before(autojump_clock):
    async with open_shop() as shop:
        job = await begin_a_print(shop)

        async def heating_up() -> None:  # a pause falls into a long heat-up, and shows only after it
            await trio.sleep(0.01)

        shop.driver_of("mk4").pause = heating_up
        await tell(shop, Pause())
        await trio.sleep(2)
        await tell(shop, Cancel())
        await trio.sleep(5)
        assert (await shop.prints(job))[0].state is PrintState.CANCELLED
        assert await ends(shop) == {"pause": "accepted, and overtaken by a later command", "cancel": None}


async def test_a_command_that_its_host_refuses_ends_with_the_hosts_words(autojump_clock):
    async with open_shop() as shop:
        await begin_a_print(shop)

        async def refuse() -> None:
            await trio.sleep(0.01)
            raise Refused("not now, says the host")

        shop.driver_of("mk4").pause = refuse
        await tell(shop, Pause())
        await trio.sleep(1)
        assert await ends(shop) == {"pause": "not now, says the host"}
