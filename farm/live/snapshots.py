"""What rooms hold at one moment: read in one transaction, together with the number of the newest fact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from sqlite3 import Connection
from typing import Any, TypeAlias

import msgspec

from farm.access.rights import Target, reaches
from farm.domain.event import Fact
from farm.domain.printer import Printer, PrinterStatus
from farm.domain.user import Grant
from farm.live import protocol, rooms, shapes
from farm.store import events, files, jobs, printers, prints

NEWEST_FILES = 100  # what a page shows at first; the rest is a list over HTTP

Wanted: TypeAlias = tuple[str, Grant]
"""A room, and what the rights of who enters it reach. Clients with the same rights share one frame."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a printer told last. at: when."""

    printer: Printer
    status: PrinterStatus
    at: datetime


@dataclass(frozen=True, slots=True)
class Picture:
    """The farm at fact number `seq`.

    missed: the facts up to it that were not published yet. printers: all of the farm.
    frames: a snapshot for each wanted room; none where there is no such printer, or no right to see it.
    """

    seq: int
    missed: list[Fact]
    printers: Mapping[str, Printer]
    frames: Mapping[Wanted, str]


def take(
    db: Connection,
    published: int,
    wanted: frozenset[Wanted],
    told: Mapping[str, Told],
    at: datetime,
) -> Picture:
    """Look at the farm. published: the last fact that was sent on. told: by printer. at: now."""
    seq = events.last_seq(db)
    view = _View(db, told, at)
    found = {(room, grant): view.data(room, grant) for room, grant in wanted}
    epoch = events.epoch(db)
    return Picture(
        seq=seq,
        missed=events.since(db, published, seq - published),
        printers=view.printers,
        frames={
            (room, grant): protocol.snapshot(room, epoch, seq, at, data)
            for (room, grant), data in found.items()
            if data is not None
        },
    )


class _View:
    """Reads what the wanted rooms need, each table at most once."""

    def __init__(self, db: Connection, told: Mapping[str, Told], at: datetime) -> None:
        self._db = db
        self._told = told
        self._at = at
        self.printers = {printer.id: printer for printer, _ in printers.everything(db)}

    def data(self, room: str, grant: Grant) -> Any:
        """What the room holds for somebody with `grant`; None for a printer they do not see."""
        printer = rooms.printer_in(room)
        if printer is not None:
            seen = printer in self.printers and self._sees(grant, printer)
            return self._printer_shapes[printer] if seen else None
        if room == rooms.PRINTERS:
            items = [self._printer_shapes[id] for id in self.printers if self._sees(grant, id)]
            return {"items": items}
        if room == rooms.QUEUE:
            return {"items": [self._job(job, grant) for job in self._jobs]}
        if room == rooms.FILES:
            return {"items": self._files}
        return {}

    def _sees(self, grant: Grant, printer_id: str) -> bool:
        printer = self.printers.get(printer_id)
        return reaches(grant, Target(printer_id, printer.tags if printer is not None else frozenset()))

    @cached_property
    def _printer_shapes(self) -> dict[str, shapes.Printer]:
        plates = printers.plates(self._db)
        found = {}
        for id, printer in self.printers.items():
            told = self._told.get(id) or Told(printer, PrinterStatus(), self._at)
            status = replace(told.status, plate=plates[id].plate)  # the stored one is the newer one
            found[id] = shapes.of_printer(printer, status, told.at)
        return found

    @cached_property
    def _jobs(self) -> list[shapes.Job]:
        return [shapes.of_job(job, prints.of_job(self._db, job.id)) for job in jobs.open_jobs(self._db)]

    def _job(self, job: shapes.Job, grant: Grant) -> shapes.Job:
        seen = [attempt for attempt in job.prints if self._sees(grant, attempt.printer)]
        return msgspec.structs.replace(job, prints=seen)

    @cached_property
    def _files(self) -> list[shapes.File]:
        return [shapes.of_file(file) for file in files.newest(self._db, NEWEST_FILES)]
