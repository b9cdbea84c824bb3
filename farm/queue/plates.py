"""The plates' changes to the database: each function is one transaction's worth, whole or not at all."""

from __future__ import annotations

from datetime import datetime, timedelta
from sqlite3 import Connection

from farm.domain.printer import PLATES, Plate
from farm.domain.transitions import require
from farm.errors import NotFound, Refused
from farm.queue.messages import ClearPlate, UndoPlate
from farm.store import audit, printers, prints
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
    was = before.before if before.plate is Plate.CLEAR and before.before else before.plate
    prints.keep_good(db, printer, wish.good)
    new = PlateRow(Plate.CLEAR, before=was, settles_at=stamp.at + timedelta(seconds=undo_s))
    change_plate(db, printer, new, stamp.at, str(stamp.who), "somebody looked")
    audit.append(db, stamp, "plate.cleared", f"printer:{printer}", {"was": before.plate, "good": wish.good})
    if wish.command:
        tell_end(db, printer, wish.command, "plate_cleared", "", stamp)
    return new


def undo_plate(db: Connection, wish: UndoPlate, stamp: Stamp) -> PlateRow:
    """Take a cleared plate back to what it was. The queue has looked whether it is still time."""
    printer = wish.printer
    now = existing_plate(db, printer)
    if now.plate is not Plate.CLEAR or now.before is None or prints.active_on(db, printer) is not None:
        raise Refused(f"there is nothing to take back on {printer}")
    new = PlateRow(now.before)
    prints.forget_good(db, printer)
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
    if before.plate is not new.plate:
        data = {"printer": printer, "from": before.plate, "to": new.plate, "why": why}
        record(db, "plate.changed", ("printers", f"printer:{printer}"), at, data)


def existing_plate(db: Connection, printer: str) -> PlateRow:
    """The plate of a printer. Raises NotFound."""
    plate = printers.plate(db, printer)
    if plate is None:
        raise NotFound(f"there is no printer {printer}")
    return plate
