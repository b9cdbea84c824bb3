"""The plates' changes to the database: each function is one transaction's worth, whole or not at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from sqlite3 import Connection

from farm.domain.ejecting import EjectionState
from farm.domain.job import Print, PrintState
from farm.domain.printer import PLATES, Plate
from farm.domain.transitions import require
from farm.errors import Invalid, NotFound, Refused
from farm.queue.lessons import learn_from_clearing, unlearn_clearing
from farm.queue.messages import ClearPlate, UndoPlate
from farm.queue.settling import settle_count
from farm.store import audit, ejections, jobs, printers, prints
from farm.store.audit import Stamp
from farm.store.commands import tell_end
from farm.store.events import record
from farm.store.printers import PlateRow


def clear_plate(db: Connection, wish: ClearPlate, undo_s: float, stamp: Stamp) -> PlateRow:
    """A person saw the plate clear. It can be taken back for `undo_s` seconds."""
    printer = wish.printer
    before = existing_plate(db, printer)
    if prints.active_on(db, printer) is not None:
        raise Refused(f"{printer} has a print under way; its plate can be cleared when that has ended")
    _end_ejection(db, printer, stamp)
    was = before.before if before.plate is Plate.CLEAR and before.before else before.plate
    _count(db, wish, before, stamp)
    new = PlateRow(Plate.CLEAR, before=was, settles_at=stamp.at + timedelta(seconds=undo_s))
    change_plate(db, printer, new, stamp.at, str(stamp.who), "somebody looked")
    audit.append(db, stamp, "plate.cleared", f"printer:{printer}", {"was": before.plate, "good": wish.good})
    if wish.command:
        tell_end(db, printer, wish.command, "plate_cleared", "", stamp)
    return new


def _end_ejection(db: Connection, printer: str, stamp: Stamp) -> None:
    """A person has looked: what cools need not be pushed off, and is counted anew from here on."""
    ejection = ejections.open_on(db, printer)
    if ejection is not None:
        if ejection.state is not EjectionState.COOLING:
            raise Refused(f"{printer} is just pushing its print off; clear its plate when that has ended")
        why = "somebody took the print off before it was pushed off"
        ejections.enter(db, ejection, EjectionState.LEFT, stamp.at, str(stamp.who), why)
    ejections.count(db, printer, 0)


def _count(db: Connection, wish: ClearPlate, before: PlateRow, stamp: Stamp) -> None:
    """Keep how many good parts a person took off the plate, and learn how long that took.

    Raises Invalid for a number that cannot be.
    """
    attempt = prints.last_on(db, wish.printer)
    if attempt is not None and attempt.good is None and before.plate is not Plate.CLEAR:
        learn_from_clearing(db, attempt, stamp.at)
    if attempt is None or not _can_be_counted(attempt, wish, before):
        if wish.good is not None:
            raise Invalid("no parts of the farm's lie on this plate to be counted; leave good out", "good")
        return
    job = jobs.existing(db, attempt.job)
    if wish.good is not None and wish.good > job.yield_per_plate:
        raise Invalid(f"a plate of {job.name} has {job.yield_per_plate} parts, no more can be good", "good")
    expected = job.yield_per_plate if attempt.state is PrintState.FINISHED else 0
    good = expected if wish.good is None else wish.good
    prints.count_good(db, attempt, good, stamp.at)
    settle_count(db, replace(attempt, good=good), stamp.at, str(stamp.who))


def _can_be_counted(attempt: Print, wish: ClearPlate, before: PlateRow) -> bool:
    """Whether the newest print lies on the plate, or a moment ago did: then a number mends the first."""
    if before.plate is not Plate.CLEAR:
        return attempt.good is None
    return before.before is not None and wish.good is not None and attempt.good is not None


def undo_plate(db: Connection, wish: UndoPlate, stamp: Stamp) -> PlateRow:
    """Take a cleared plate back to what it was. The queue has looked whether it is still time."""
    printer = wish.printer
    now = existing_plate(db, printer)
    if now.plate is not Plate.CLEAR or now.before is None or prints.active_on(db, printer) is not None:
        raise Refused(f"there is nothing to take back on {printer}")
    new = PlateRow(now.before)
    attempt = prints.last_on(db, printer)
    if attempt is not None and attempt.good is not None:
        prints.count_good(db, attempt, None, stamp.at)
        settle_count(db, replace(attempt, good=None), stamp.at, str(stamp.who))
        unlearn_clearing(db, attempt)
    change_plate(db, printer, new, stamp.at, str(stamp.who), "taken back")
    audit.append(db, stamp, "plate.takenBack", f"printer:{printer}", {"is": new.plate})
    if wish.command:
        tell_end(db, printer, wish.command, "plate_undo", "", stamp)
    return new


def change_plate(db: Connection, printer: str, new: PlateRow, at: datetime, who: str, why: str) -> None:
    """Store a plate, and tell everybody if it is another than before."""
    before = existing_plate(db, printer)
    require(PLATES, before.plate, new.plate)
    printers.set_plate(db, printer, new, at, who, why)
    if (before.plate is Plate.CLEAR) is not (new.plate is Plate.CLEAR):
        prints.note_cleared(db, printer, at if new.plate is Plate.CLEAR else None)
    if before.plate is not new.plate:
        data = {"printer": printer, "from": before.plate, "to": new.plate, "why": why}
        record(db, "plate.changed", ("printers", f"printer:{printer}"), at, data)


def existing_plate(db: Connection, printer: str) -> PlateRow:
    """The plate of a printer. Raises NotFound."""
    plate = printers.plate(db, printer)
    if plate is None:
        raise NotFound(f"there is no printer {printer}")
    return plate
