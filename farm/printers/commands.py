"""Carrying out what a person wants of a printer, and seeing whether it came about."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import assert_never

import trio

from farm.domain.anomaly import Severity
from farm.domain.command import (
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
from farm.domain.printer import BUSY, Connection, Mode, Operation, PrinterStatus, Profile
from farm.drivers.base import AnswerLost, Capability, Driver, Reading
from farm.errors import AskExpired, FarmError, Invalid, PrinterUnreachable, Refused

SEND_WITHIN_S = 35.0  # OctoPrint may be busy with a file first
COME_ABOUT_S = 900.0  # a pause or cancel waits for the heat-up or long move it falls into
MACHINE_WITHIN_S = 30.0  # for a host to take up its printer
FIRST_RETRY_S, LONGEST_RETRY_S = 0.5, 8.0
OVERTAKEN = "overtaken by a later command"
CUT_OFF = "an emergency stop came in between"

_NEEDS: dict[type[Command], Capability] = {
    Pause: Capability.PAUSE,
    Resume: Capability.PAUSE,
    SendGcode: Capability.GCODE,
    SetTemperature: Capability.TEMPERATURE,
    Home: Capability.MOTION,
    Jog: Capability.MOTION,
    Connect: Capability.TAKE_UP,
    Disconnect: Capability.MACHINE_LINK,
}

_DECISIONS = (MaintenanceOn, MaintenanceOff, ClearAttention, ClearEmergency)
"""Commands that change what the farm thinks of the printer, and send nothing."""

_STANDING = (Home, Jog, Disconnect)
"""Commands that would spoil a running print."""

_REPEATABLE = (Pause, Resume, SetTemperature)
"""Commands that do no more when they arrive twice. A cancel does: it might end the next print."""

_PRINTS = BUSY - {Operation.PREPARING}
_PAUSED = frozenset({Operation.PAUSED, Operation.PAUSING})


def is_decision(command: Command) -> bool:
    """Whether the command sends nothing to the printer."""
    return isinstance(command, _DECISIONS)


def why_not(
    command: Command,
    status: PrinterStatus,
    observed: Operation,
    mode: Mode,
    capabilities: frozenset[Capability],
) -> str | None:
    """Why a command cannot be done now, in a sentence; None when it can.

    observed: what the printer itself does, whatever `mode` makes of it.
    """
    if isinstance(command, ClearEmergency):
        return None if mode is Mode.EMERGENCY else "there is no emergency to clear"
    if mode is Mode.EMERGENCY:
        return "it was stopped in an emergency; look at it, then send clear_emergency"
    if isinstance(command, ClearAttention):
        return None if mode is Mode.ATTENTION else "it asks for nothing"
    if isinstance(command, ClearDoubt):
        return _still_doubtful(status)
    if isinstance(command, MaintenanceOff):
        return None if mode is Mode.MAINTENANCE else "it is not in maintenance"
    if isinstance(command, MaintenanceOn):
        return "it is in maintenance already" if mode is Mode.MAINTENANCE else None
    needed = _NEEDS.get(type(command))
    if needed is not None and needed not in capabilities:
        return "this kind of printer cannot do that"
    if status.connection is not Connection.ONLINE:
        return f"it is {status.connection}" + (f": {status.message}" if status.message else "")
    return _unfitting(command, observed)


def check_limits(command: Command, profile: Profile) -> None:
    """Raise Invalid for what would be too much for the printer, as far as the shop has said."""
    if not isinstance(command, SetTemperature):
        return
    bed, tool = command.heater == "bed", command.heater.startswith("tool")
    most = profile.max_bed_degc if bed else profile.max_nozzle_degc if tool else None
    if most is not None and command.target_degc > most:
        raise Invalid(f"the {command.heater} of this printer may have {most:g} °C at most", "target_degc")


def _still_doubtful(status: PrinterStatus) -> str | None:
    if not status.doubt:
        return "there is no doubt about it to clear"
    worst = next((found for found in status.anomalies if found.severity is not Severity.NOTE), None)
    return f"this is not over yet: {worst.sentence}" if worst is not None else None


def _unfitting(command: Command, observed: Operation) -> str | None:
    prints = observed in _PRINTS
    if observed is Operation.PREPARING and isinstance(command, (Pause, Cancel, *_STANDING)):
        return "a print is being started on it; try again when that shows, or stop it in an emergency"
    if isinstance(command, (Pause, Cancel)) and not prints:
        return "it is not printing"
    if isinstance(command, Pause) and observed in _PAUSED:
        return "it is paused already"
    if isinstance(command, Resume) and observed is not Operation.PAUSED:
        return "it is not paused"
    if isinstance(command, _STANDING) and prints:
        return "it is printing; that would spoil the print"
    return None


async def send(driver: Driver, command: Command, overtaken: trio.CancelScope, retries: int = 0) -> None:
    """Send a command to the printer. Accepted is not done. Raises the driver's FarmErrors.

    retries: how often it is sent again, when it certainly did not arrive or may arrive twice; never once it
    is `overtaken`. AskExpired after SEND_WITHIN_S: it may have been carried out.
    """
    try:
        with trio.fail_after(SEND_WITHIN_S):
            for retry in range(retries):
                if await _is_taken(driver, command):
                    return
                await trio.sleep(min(FIRST_RETRY_S * 2.0**retry, LONGEST_RETRY_S))
                if overtaken.cancel_called:
                    raise Refused(OVERTAKEN)
            await _send(driver, command)
    except trio.TooSlowError:
        raise AskExpired("the printer's host did not answer; look whether it was done") from None


async def _is_taken(driver: Driver, command: Command) -> bool:
    """Send it once. False where it has failed, and may be sent again."""
    try:
        await _send(driver, command)
    except AnswerLost:
        if not isinstance(command, _REPEATABLE):
            raise
        return False
    except PrinterUnreachable:  # nothing was sent
        return False
    return True


async def _send(driver: Driver, command: Command) -> None:
    match command:
        case Pause():
            await driver.pause()
        case Resume():
            await driver.resume()
        case Cancel():
            await driver.cancel()
        case SendGcode(lines):
            await driver.send_gcode(lines)
        case SetTemperature(heater, target_degc):
            await driver.set_temperature(heater, target_degc)
        case Home(axes):
            await driver.home(axes)
        case Jog(x, y, z):
            await driver.jog(x, y, z)
        case Connect():
            await driver.connect_machine()
        case Disconnect():
            await driver.disconnect_machine()
        case MaintenanceOn() | MaintenanceOff() | ClearAttention() | ClearDoubt() | ClearEmergency():
            raise ValueError(f"{command} is not sent to printers")
        case _:
            assert_never(command)


def has_come_about(command: Command, reading: Reading) -> bool:
    """Whether the printer shows that an accepted command is done; at once where it cannot be seen."""
    match command:
        case Pause():
            return reading.operation is Operation.PAUSED or reading.operation not in BUSY
        case Resume():
            return reading.operation not in (Operation.PAUSED, Operation.PAUSING, Operation.RESUMING)
        case Cancel():
            return reading.operation not in BUSY
        case Connect():
            return reading.machine_connected
        case Disconnect():
            return not reading.machine_connected
        case _:
            return True


async def carry_out(
    driver: Driver,
    command: Command,
    seen: Callable[[Callable[[Reading], bool]], Awaitable[None]],
    overtaken: trio.CancelScope,
    until_stopped: Callable[[], AbstractContextManager[trio.CancelScope]],
    retries: int = 0,
) -> str:
    """Send a command and wait until the printer shows it. Returns the problem in words, "" for none.

    seen: waits for a reading, newer than the call, for which its argument is true.
    overtaken: cancelled when a later command makes that wait pointless.
    until_stopped: around the sending; only an emergency stop cuts that off: drivers may look first, and send
    after it. retries: see `send`.
    """
    within_s = MACHINE_WITHIN_S if isinstance(command, (Connect, Disconnect)) else COME_ABOUT_S
    try:
        with until_stopped() as sending:
            await send(driver, command, overtaken, retries)
        if sending.cancelled_caught:
            return CUT_OFF
        with overtaken, trio.fail_after(within_s):
            await seen(lambda reading: has_come_about(command, reading))
    except FarmError as problem:
        return str(problem)
    except trio.TooSlowError:
        return f"accepted, but after {within_s:.0f} s the printer does not show it"
    return f"accepted, and {OVERTAKEN}" if overtaken.cancelled_caught else ""


def refuse(why: str | None, name: str) -> None:
    """Raise Refused with the printer's name before the sentence, if there is one."""
    if why is not None:
        raise Refused(f"{name}: {why}")
