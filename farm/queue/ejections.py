"""The ejections' changes to the database: each function is one transaction's worth, whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from sqlite3 import Connection

from farm.domain.compatibility import materials_of
from farm.domain.ejecting import (
    Ejecting,
    Ejection,
    EjectionState,
    Ended,
    ejection_gcode,
    why_not_ejected,
)
from farm.domain.file import remote_name
from farm.domain.job import Print
from farm.domain.printer import Plate, Printer
from farm.errors import Invalid, Refused
from farm.queue.plates import change_plate, existing_plate
from farm.queue.settling import settle_count
from farm.store import ejections, files, jobs, prints
from farm.store.printers import PlateRow


@dataclass(frozen=True, slots=True)
class Wished:
    """A printer that pushes prints off, and names for an ejection to come, drawn by the queue.

    seen: whether the farm saw the print end.
    """

    printer: Printer
    id: str
    attempt: str
    seen: bool


def begin(db: Connection, wished: Wished, ended: Print, at: datetime, who: str) -> None:
    """A print has ended well: from now on its bed cools, or it is left to a person, for a reason.

    Nothing for a printer that does not eject by itself.
    """
    profile = wished.printer.profile
    if not profile.auto_eject or profile.ejection is None or profile.volume_mm is None:
        return
    wish, gcode, why_not = profile.ejection, "", ""
    job = jobs.existing(db, ended.job)
    analysis = files.existing(db, job.file).analysis
    box = getattr(analysis.result, "bounding_box", None)
    top_mm = None if box is None or box.printed is None else box.printed.z[1]
    materials = materials_of(job, analysis)
    why_not = why_not_ejected(
        wish, Ended(wished.seen, top_mm, materials, ejections.done(db, wished.printer.id))
    )
    if not why_not and top_mm is not None:
        try:
            gcode = ejection_gcode(wish, top_mm, profile.volume_mm)
        except Invalid as problem:  # the printer's size was changed since
            why_not = str(problem)
    ejection = _named(wished, wish, ended, at)
    state = EjectionState.LEFT if why_not else EjectionState.COOLING
    ejections.add(db, replace(ejection, gcode=gcode, state=state, reason=why_not), who)


def _named(wished: Wished, wish: Ejecting, ended: Print, at: datetime) -> Ejection:
    return Ejection(
        id=wished.id,
        printer=wished.printer.id,
        print=ended.id,
        job=ended.job,
        file="",
        name="",
        printed_as=ended.remote_name,
        attempt=wished.attempt,
        remote_name=remote_name(wished.attempt, "eject.gcode"),
        state=EjectionState.COOLING,
        gcode="",
        release_degc=wish.release_degc,
        cool_within_s=wish.cool_within_s,
        began_at=at,
    )


def enter(
    db: Connection,
    ejection: Ejection,
    new: EjectionState,
    at: datetime,
    who: str,
    bed_degc: float | None = None,
    mark: str = "",
) -> Ejection:
    """It goes on. Raises Refused when it is not where the queue believes it to be."""
    _require_as_believed(db, ejection)
    if mark:
        ejections.keep_mark(db, ejection.id, mark)
    return ejections.enter(db, ejection, new, at, who, bed_degc=bed_degc)


def leave(db: Connection, ejection: Ejection, plate: Plate | None, at: datetime, who: str, why: str) -> None:
    """A person has to look. plate: what is known of it now; None for what was known before."""
    _require_as_believed(db, ejection)
    ejections.enter(db, ejection, EjectionState.LEFT, at, who, why)
    if plate is not None:
        change_plate(db, ejection.printer, PlateRow(plate), at, who, why)


def finish(db: Connection, ejection: Ejection, at_most: int, at: datetime, who: str) -> None:
    """Its moves were seen to end: the plate is clear, and its parts are good as far as anybody knows.

    Raises Refused when something else became of the plate meanwhile.
    """
    _require_as_believed(db, ejection)
    printer = ejection.printer
    newest = prints.last_on(db, printer)
    if existing_plate(db, printer).plate is not Plate.OCCUPIED or newest is None:
        raise Refused(f"the plate of {printer} is not as it was before its print was pushed off")
    if newest.id != ejection.print:
        raise Refused(f"{printer} has printed something else before its print was pushed off")
    ejections.enter(db, ejection, EjectionState.DONE, at, who)
    done = ejections.done(db, printer) + 1
    ejections.count(db, printer, done)
    if newest.good is None:
        good = jobs.existing(db, newest.job).yield_per_plate
        prints.count_good(db, newest, good, at)
        settle_count(db, replace(newest, good=good), at, who)
    bed = "" if ejection.bed_degc is None else f", bed {ejection.bed_degc:.0f} °C"
    why = f"plate cleared by auto-eject{bed}, {done} of {at_most} since a person looked"
    change_plate(db, printer, PlateRow(Plate.CLEAR), at, who, why)


def _require_as_believed(db: Connection, ejection: Ejection) -> None:
    now = ejections.existing(db, ejection.id).state
    if now is not ejection.state:
        raise Refused(f"the ejection on {ejection.printer} is {now} already, not {ejection.state}")
