"""Looks at the farm for a plan: one reading of the database, together with what printers told last."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from sqlite3 import Connection

from farm.domain.compatibility import estimated
from farm.domain.durations import Durations
from farm.domain.job import Job, JobState, Print
from farm.domain.printer import DECIDED, Plate, Printer, PrinterStatus
from farm.domain.printer import Connection as Link
from farm.drivers.kinds import kinds_for
from farm.schedule.facts import Facts, KnownFile, Station
from farm.store import (
    approved_fits,
    customer_orders,
    durations,
    ejections,
    files,
    jobs,
    maintenance,
    plans,
    printers,
    prints,
    shop,
    spools,
)
from farm.store.printers import PlateRow

EJECTION_S = 1800.0  # with the time to cool, until the printer has shown how long it takes
FOREIGN_PRINT = timedelta(hours=2)  # of which nobody knows how long it takes

_TO_PLAN = frozenset({JobState.QUEUED, JobState.SCHEDULED, JobState.ACTIVE})


def look(
    db: Connection,
    told: Mapping[str, PrinterStatus],
    lost: Collection[str],
    at: datetime,
    also: Job | None = None,
) -> Facts:
    """told: by printer, the newest. lost: printers out of reach for too long to be planned for.

    also: a job that nobody has added. Raises NotFound for its file.
    """
    open_jobs = [job for job in jobs.open_jobs(db) if job.to_begin]
    wanted = [job for job in open_jobs if job.state in _TO_PLAN]
    if also is not None:
        files.here(db, also.file)  # or there is nothing to look at
        wanted.append(also)
    learned = durations.known(db)
    due = {job.order: customer_orders.existing(db, job.order).due_at for job in wanted if job.order}
    named = sorted({job.file for job in wanted})
    return Facts(
        at=at,
        jobs=tuple(wanted),
        files={file: KnownFile.of(files.existing(db, file)) for file in named},
        stations=_stations(db, told, lost, at, learned),
        constraints=shop.constraints(db),
        settings=shop.settings(db),
        order_due={order: when for order, when in due.items() if when is not None},
        orders_held=frozenset(
            job.order for job in open_jobs if job.order is not None and job.state not in _TO_PLAN
        ),
        order_on=_order_on(db),
        failed_on=_failed_on(db, wanted),
        approved={file: approved_fits.of_file(db, file) for file in named},
        spools=tuple(spools.everything(db)),
        plan=plans.in_force(db),
        durations=learned,
    )


def _failed_on(db: Connection, wanted: Collection[Job]) -> dict[str, tuple[str, ...]]:
    tried = {job.file for job in wanted if job.failed}
    return {file: tuple(jobs.printers_that_failed(db, file)) for file in sorted(tried)}


def _order_on(db: Connection) -> dict[str, str]:
    at_work = [(attempt.printer, jobs.existing(db, attempt.job).order) for attempt in prints.active(db)]
    return {printer: order for printer, order in at_work if order is not None}


def _stations(
    db: Connection,
    told: Mapping[str, PrinterStatus],
    lost: Collection[str],
    at: datetime,
    learned: Durations,
) -> tuple[Station, ...]:
    active = {attempt.printer: attempt for attempt in prints.active(db)}
    plates, chores = printers.plates(db), maintenance.blocking(db)
    left = {spool.printer: spool.left_g for spool in spools.everything(db) if spool.tool == 0}
    found = []
    for printer, _ in printers.everything(db):
        status, attempt = told.get(printer.id, PrinterStatus()), active.get(printer.id)
        away = _away(printer, status, printer.id in lost, chores.get(printer.id))
        station = Station(
            printer=printer,
            away=away,
            prints=None if attempt is None else attempt.job,
            plate_clear=plates.get(printer.id, PlateRow(Plate.UNKNOWN)).plate is Plate.CLEAR,
            left_g=left.get(printer.id),
            takes=kinds_for(printer.address),
            doubt=status.doubt.why,
        )
        found.append(_ejecting(db, _occupied(db, station, status, attempt, at, learned), attempt, at))
    return tuple(found)


def _ejecting(db: Connection, station: Station, attempt: Print | None, at: datetime) -> Station:
    """With what it does about its plate by itself: unless it is a person's turn, now or after this print."""
    ejector = ejections.ejector(db, station.printer)
    if ejector is None:
        return station
    takes_s = ejections.usual_s(db, station.printer.id) or EJECTION_S
    pushing = ejections.open_on(db, station.printer.id)
    if pushing is not None:
        clear_at = max(at, pushing.began_at + timedelta(seconds=takes_s))
        return replace(station, free_at=clear_at, plate_clear=True, ejects_s=takes_s)
    lies_there = attempt is None and not station.plate_clear
    if lies_there or ejector.done >= ejector.at_most:
        return station
    return replace(station, ejects_s=takes_s)


def _away(printer: Printer, status: PrinterStatus, lost: bool, chore: str | None) -> str:
    if not printer.enabled:
        return "it is switched off in the farm"
    if status.operation in DECIDED:
        return DECIDED[status.operation]
    if lost:
        return "it is disabled" if status.connection is Link.DISABLED else "it cannot be reached"
    return f"its maintenance is due: {chore}" if chore is not None else ""


def _occupied(
    db: Connection,
    station: Station,
    status: PrinterStatus,
    attempt: Print | None,
    at: datetime,
    learned: Durations,
) -> Station:
    """With the end of what it prints now."""
    if attempt is None:
        if not status.foreign:
            return station
        return replace(station, free_at=_end(status, at) or at + FOREIGN_PRINT, plate_clear=False)
    began = attempt.started_at or at
    end = _end(status, at) or max(at, began + _takes(db, attempt, learned))
    return replace(station, free_at=end, began_at=began, plate_clear=False)


def _end(status: PrinterStatus, at: datetime) -> datetime | None:
    """When what it prints will be over, as the printer tells it."""
    if status.print is None or status.print.remaining_s is None:
        return None
    return at + timedelta(seconds=max(0.0, status.print.remaining_s))


def _takes(db: Connection, attempt: Print, learned: Durations) -> timedelta:
    """From its beginning; its file is there."""
    told = estimated(files.existing(db, jobs.existing(db, attempt.job).file).analysis)
    if told is None:
        return FOREIGN_PRINT
    return timedelta(seconds=learned.pace(attempt.printer, told.phase).takes_s(told))
