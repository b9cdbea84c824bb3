"""Ejections: prints that a printer pushes off by itself, at most one a printer at a time."""

from __future__ import annotations

from datetime import datetime
from sqlite3 import Connection, Row
from statistics import median

from farm.domain.clock import iso, parse_iso
from farm.domain.ejecting import EJECTIONS, OPEN_EJECTIONS, Ejection, EjectionState, Ejector
from farm.domain.job import PrintState
from farm.domain.printer import Plate, Printer
from farm.domain.transitions import require
from farm.store import prints
from farm.store.events import record
from farm.store.orders import OpenOrder

AS_PRINT = {
    EjectionState.UPLOADING: PrintState.UPLOADING,
    EjectionState.STARTING: PrintState.STARTING,
    EjectionState.PUSHING: PrintState.PRINTING,
    EjectionState.PAUSED: PrintState.PAUSED,
}
"""What a printer does with the file of an ejection is what it does with that of a print."""

_OPEN = "state NOT IN ('done', 'left')"  # in the words of the index on them
_ALL = """SELECT ejections.*, prints.job, prints.remote_name AS printed_as, print_jobs.file,
        print_jobs.name FROM ejections
    JOIN prints ON prints.id = ejections.print JOIN print_jobs ON print_jobs.id = prints.job"""


def add(db: Connection, ejection: Ejection, who: str) -> None:
    """Keep a new one. sqlite3.IntegrityError: the printer has one, or the attempt's id was used."""
    db.execute(
        """INSERT INTO ejections (id, printer, print, attempt, remote_name, state, gcode, release_degc,
               cool_within_s, began_at, ended_at, reason)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            ejection.id,
            ejection.printer,
            ejection.print,
            ejection.attempt,
            ejection.remote_name,
            ejection.state,
            ejection.gcode,
            ejection.release_degc,
            ejection.cool_within_s,
            iso(ejection.began_at),
            None if ejection.state in OPEN_EJECTIONS else iso(ejection.began_at),
            ejection.reason,
        ),
    )
    _noted(db, ejection, None, ejection.began_at, who)


def enter(
    db: Connection,
    ejection: Ejection,
    new: EjectionState,
    at: datetime,
    who: str,
    reason: str = "",
    bed_degc: float | None = None,
) -> Ejection:
    """Change its state, note it, and tell everybody. An end owes the deletion of its file.

    Raises ValueError when the transition is not in the table.
    """
    require(EJECTIONS, ejection.state, new)
    over = new not in OPEN_EJECTIONS
    left_there = over and ejection.state is not EjectionState.COOLING  # till then nothing was sent
    db.execute(
        """UPDATE ejections SET state = ?, reason = ?, bed_degc = coalesce(?, bed_degc), ended_at = ?,
               gcode = CASE WHEN ? THEN '' ELSE gcode END, remote_delete_at = ?
           WHERE id = ?""",
        (
            new,
            reason,
            bed_degc,
            iso(at) if over else None,
            over,
            iso(at) if left_there else None,
            ejection.id,
        ),
    )
    after = existing(db, ejection.id)
    _noted(db, after, ejection.state, at, who)
    return after


def _noted(db: Connection, ejection: Ejection, old: str | None, at: datetime, who: str) -> None:
    data = {
        "ejection": ejection.id,
        "print": ejection.print,
        "printer": ejection.printer,
        "from": old,
        "to": ejection.state,
        "why": ejection.reason,
        "who": who,
    }
    record(db, "ejection.changed", ("printers", f"printer:{ejection.printer}"), at, data)


def keep_mark(db: Connection, ejection: str, mark: str) -> None:
    """Note what the print host remembered under its file's name before it began."""
    db.execute("UPDATE ejections SET remote_mark = ? WHERE id = ?", (mark, ejection))


def existing(db: Connection, ejection: str) -> Ejection:
    """One that must be there; LookupError otherwise."""
    row = db.execute(f"{_ALL} WHERE ejections.id = ?", (ejection,)).fetchone()
    if row is None:
        raise LookupError(f"no ejection {ejection}")
    return _ejection(row)


def open_on(db: Connection, printer: str) -> Ejection | None:
    """The one that holds this printer, if any."""
    row = db.execute(f"{_ALL} WHERE ejections.printer = ? AND ejections.{_OPEN}", (printer,)).fetchone()
    return _ejection(row) if row is not None else None


def open_order(db: Connection, printer: str) -> OpenOrder | None:
    """The one that holds this printer and may have been sent to it, as an order to be adopted."""
    ejection = open_on(db, printer)
    if ejection is None or ejection.state not in AS_PRINT:
        return None
    return OpenOrder(
        print=ejection.id,
        printer=printer,
        job=ejection.job,
        file=ejection.file,
        name=f"pushing off {ejection.name}",
        remote_name=ejection.remote_name,
        sha256="",  # nothing more of it is sent
        size=len(ejection.gcode.encode()),
        state=AS_PRINT[ejection.state],
        estimate_s=None,
        mark=ejection.mark,
    )


def every_open(db: Connection) -> list[Ejection]:
    """Every one that holds its printer."""
    return [_ejection(row) for row in db.execute(f"{_ALL} WHERE ejections.{_OPEN}").fetchall()]


def left_there(db: Connection, printer: str, at: datetime) -> list[tuple[str, str]]:
    """Ids and names of the files that are to be deleted from a printer, oldest first."""
    rows = db.execute(
        """SELECT id, remote_name FROM ejections WHERE printer = ? AND remote_delete_at <= ?
           ORDER BY remote_delete_at, id""",
        (printer, iso(at)),
    ).fetchall()
    return [(row["id"], row["remote_name"]) for row in rows]


def usual_s(db: Connection, printer: str) -> float | None:
    """How long the newest of them took, from the end of the print to a clear plate; None before the first."""
    rows = db.execute(
        """SELECT began_at, ended_at FROM ejections WHERE printer = ? AND state = 'done'
           ORDER BY began_at DESC, id DESC LIMIT 10""",
        (printer,),
    ).fetchall()
    took = [(parse_iso(row["ended_at"]) - parse_iso(row["began_at"])).total_seconds() for row in rows]
    return max(0.0, median(took)) if took else None


def done(db: Connection, printer: str) -> int:
    """How many prints the printer pushed off since somebody looked."""
    row = db.execute("SELECT ejected FROM printers WHERE id = ?", (printer,)).fetchone()
    return int(row["ejected"]) if row is not None else 0


def count(db: Connection, printer: str, done: int) -> None:
    """Note how many it pushed off since somebody looked."""
    db.execute("UPDATE printers SET ejected = ? WHERE id = ?", (done, printer))


def ejector(db: Connection, printer: Printer) -> Ejector | None:
    """How a printer stands that pushes prints off by itself, None for one that does not.

    Why one was left to a person is told as long as it is the newest print that lies there.
    """
    wish = printer.profile.ejection
    if wish is None or not printer.profile.auto_eject:
        return None
    row = db.execute(
        """SELECT state, reason, print, printers.plate, printers.ejected FROM printers
           LEFT JOIN ejections ON ejections.id = (
               SELECT id FROM ejections WHERE printer = printers.id ORDER BY began_at DESC, id DESC LIMIT 1)
           WHERE printers.id = ?""",
        (printer.id,),
    ).fetchone()
    if row is None:
        return Ejector(0, wish.at_most)
    state = EjectionState(row["state"]) if row["state"] else None
    goes_on = state if state in OPEN_EJECTIONS else None
    note = ""
    if state is EjectionState.LEFT and row["plate"] != Plate.CLEAR:
        newest = prints.last_on(db, printer.id)
        note = row["reason"] if newest is not None and newest.id == row["print"] else ""
    return Ejector(row["ejected"], wish.at_most, goes_on, note)


def _ejection(row: Row) -> Ejection:
    return Ejection(
        id=row["id"],
        printer=row["printer"],
        print=row["print"],
        job=row["job"],
        file=row["file"],
        name=row["name"],
        attempt=row["attempt"],
        printed_as=row["printed_as"],
        remote_name=row["remote_name"],
        state=EjectionState(row["state"]),
        gcode=row["gcode"],
        release_degc=row["release_degc"],
        cool_within_s=row["cool_within_s"],
        began_at=parse_iso(row["began_at"]),
        bed_degc=row["bed_degc"],
        mark=row["remote_mark"],
        reason=row["reason"],
    )
