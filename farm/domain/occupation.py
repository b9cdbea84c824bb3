"""What a printer's time goes into: each moment of it into one of a few things that a shop counts."""

from __future__ import annotations

from enum import StrEnum

from farm.domain.anomaly import Severity
from farm.domain.printer import BUSY, DECIDED, Connection, Operation, Plate, PrinterStatus


class Occupation(StrEnum):
    """One of them at any moment."""

    PRINTING = "printing"
    FOREIGN = "foreign"  # it prints what somebody started at the machine
    WAITING = "waiting"  # for a person: to clear its plate, go on with a paused print, or look at it
    IDLE = "idle"  # and could begin at once
    MAINTENANCE = "maintenance"
    OFFLINE = "offline"  # or switched off, or nobody can tell what it does


def occupation_of(status: PrinterStatus) -> Occupation:
    """What a printer is occupied with that stands so."""
    operation = status.operation
    if status.connection is not Connection.ONLINE or operation is Operation.UNKNOWN:
        return Occupation.OFFLINE
    if operation is Operation.MAINTENANCE:
        return Occupation.MAINTENANCE
    if operation in DECIDED or operation is Operation.PAUSED:
        return Occupation.WAITING
    if operation in BUSY:
        return Occupation.FOREIGN if status.foreign else Occupation.PRINTING
    return Occupation.IDLE if status.plate is Plate.CLEAR else Occupation.WAITING


class Trouble(StrEnum):
    """What may be the matter with a printer."""

    CONNECTION = "connection"
    EMERGENCY = "emergency"
    ATTENTION = "attention"
    FAILED = "failed"  # the print at the machine, by its own word
    ANOMALY = "anomaly"  # the farm sees by its values that something is wrong


_TROUBLES = {
    Operation.EMERGENCY: Trouble.EMERGENCY,
    Operation.ATTENTION: Trouble.ATTENTION,
    Operation.FAILED: Trouble.FAILED,
}


def trouble_of(status: PrinterStatus) -> Trouble | None:
    """What is the matter with a printer that stands so; None for nothing.

    Connecting is none yet, and an emergency stays one whether the printer can be reached or not.
    """
    if status.operation is Operation.EMERGENCY:
        return Trouble.EMERGENCY
    if status.connection in (Connection.OFFLINE, Connection.FAULTED):
        return Trouble.CONNECTION
    if status.connection is not Connection.ONLINE:
        return None
    wrong = any(found.severity is not Severity.NOTE for found in status.anomalies)
    return _TROUBLES.get(status.operation, Trouble.ANOMALY if wrong else None)
