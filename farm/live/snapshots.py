"""What rooms hold at one moment, or what happened in them since: read in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from sqlite3 import Connection
from typing import Any, Protocol

import msgspec
from msgspec import structs

from farm.domain.event import Fact
from farm.domain.job import Job, Print
from farm.domain.plan import Plan, Planned
from farm.domain.printer import Printer, PrinterStatus
from farm.domain.user import EVERYTHING, Grant
from farm.live import plan_shapes, protocol, rooms, shapes
from farm.live.audience import chained
from farm.live.frame import Frame
from farm.live.missed import Missed, why_not
from farm.live.plan_shapes import Eyes
from farm.live.protocol import Since
from farm.store import events, files, jobs, printers, prints

NEWEST_FILES = 100  # what a page shows at first; the rest is a list over HTTP


@dataclass(frozen=True, slots=True)
class Told:
    """What a printer told last. at: when."""

    printer: Printer
    status: PrinterStatus
    at: datetime


class Followed(Protocol):
    """The plan as the queue follows it. It answers at once, in any thread."""

    @property
    def in_force(self) -> Plan | None:
        """The newest one; None before the first."""
        ...

    def next_of(self, job: str) -> Planned | None:
        """The next print of a job, as far as it is planned."""
        ...

    def has_a_place_for(self, job: Job, at: datetime) -> bool:
        """Whether all that is still to be begun of a job has its place."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """What somebody wants to hear. Clients that want the same, with the same rights, share the frames.

    rooms: those that they may enter, should they be there. since: the last fact they saw before; None for
    a fresh picture, for that `reason`. sent: the last fact on this connection.
    """

    rooms: tuple[str, ...]
    grant: Grant
    since: Since | None = None
    sent: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Entered:
    """rooms: those that were entered. frames: what they hold, or what was missed. sent: see `Entry`."""

    rooms: tuple[str, ...]
    frames: tuple[Frame, ...]
    sent: int | None


@dataclass(frozen=True, slots=True)
class Picture:
    """The farm at one fact number.

    missed: the facts up to it that were not published yet. printers: all of the farm.
    """

    missed: list[Fact]
    printers: Mapping[str, Printer]
    entered: Mapping[Entry, Entered]


def take(
    db: Connection,
    published: int,
    entries: frozenset[Entry],
    told: Mapping[str, Told],
    plan: Followed,
    at: datetime,
) -> Picture:
    """Look at the farm. published: the last fact that was sent on. told: by printer. at: now."""
    view = _View(db, told, plan, at, {entry.since for entry in entries if entry.since is not None})
    return Picture(
        missed=events.since(db, published),
        printers=view.printers,
        entered={entry: view.enter(entry) for entry in entries},
    )


class _View:
    """Reads what the entries need, each table at most once."""

    def __init__(
        self,
        db: Connection,
        told: Mapping[str, Told],
        plan: Followed,
        at: datetime,
        pasts: Collection[Since],
    ) -> None:
        """pasts: from where somebody wants to hear on."""
        self._db = db
        self._told = told
        self._plan = plan
        self._at = at
        self._epoch, self._seq = events.epoch(db), events.last_seq(db)
        self._why_not = {since: why_not(db, since) for since in pasts}
        self._frames: dict[tuple[str, Grant, str | None], Frame] = {}
        self.printers = {printer.id: printer for printer, _ in printers.everything(db)}

    def enter(self, entry: Entry) -> Entered:
        """What the rooms hold, or what happened in them since."""
        there = tuple(room for room in entry.rooms if self._is_there(room, entry.grant))
        since = entry.since
        reason = entry.reason if since is None else self._why_not[since]
        if since is not None and reason is None:
            return self._resume(entry, since, there)
        frames = tuple(self._snapshot(room, entry.grant, reason) for room in there)
        return Entered(there, frames, entry.sent)

    def _is_there(self, room: str, grant: Grant) -> bool:
        """Whether there is such a room; not for a printer they do not see."""
        printer = rooms.printer_in(room)
        return printer is None or (printer in self.printers and self._sees(grant, printer))

    def _sees(self, grant: Grant, printer_id: str) -> bool:
        return rooms.may_see(printer_id, grant, self.printers)

    # -- from where they were ------------------------------------------------------------------

    def _resume(self, entry: Entry, since: Since, there: tuple[str, ...]) -> Entered:
        facts = self._missed.by(since.seq, there, entry.grant)
        done = protocol.replay(there, self._epoch, since.seq, self._seq, len(facts))
        states = [text for room in there for text in self._states(room, entry.grant)]
        texts = (*protocol.batches([*chained(facts, entry.sent), *states]), done)
        return Entered(there, tuple(map(Frame, texts)), facts[-1][0] if facts else entry.sent)

    @cached_property
    def _missed(self) -> Missed:
        first = min(since.seq for since, problem in self._why_not.items() if problem is None)
        return Missed(self._db, first, self.printers)

    def _states(self, room: str, grant: Grant) -> list[str]:
        """How the printers of a room stand: of states nobody knows which were missed."""
        if room == rooms.PRINTERS:
            shown = [id for id in self.printers if self._sees(grant, id)]
        else:
            shown = [id for id in [rooms.printer_in(room)] if id is not None]
        return [self._state(room, id) for id in shown]

    def _state(self, room: str, id: str) -> str:
        data = protocol.encoded(self._printer_shapes[id])
        return protocol.state("printer.statusUpdate", room, self._told_of(id).at, data)

    # -- afresh --------------------------------------------------------------------------------

    def _snapshot(self, room: str, grant: Grant, reason: str | None) -> Frame:
        frame = self._frames.get((room, grant, reason))
        if frame is None:
            data = self._data(room, grant)
            frame = Frame(protocol.snapshot(room, self._epoch, self._seq, self._at, data, reason))
            self._frames[room, grant, reason] = frame
        return frame

    def _data(self, room: str, grant: Grant) -> Any:
        """What a room that is there holds for somebody with `grant`."""
        printer = rooms.printer_in(room)
        if printer is not None:
            return self._printer_shapes[printer]
        if room == rooms.PRINTERS:
            return {"items": [shape for id, shape in self._printer_shapes.items() if self._sees(grant, id)]}
        if room == rooms.QUEUE:
            return {"items": [self._job(job, grant) for job in self._jobs_seen(grant)]}
        if room == rooms.SCHEDULE:
            return plan_shapes.of_plan(self._plan.in_force, self._eyes(grant))
        if room == rooms.FILES:
            return {"items": self._files}
        return {}

    def _told_of(self, id: str) -> Told:
        return self._told.get(id) or Told(self.printers[id], PrinterStatus(), self._at)

    @cached_property
    def _printer_shapes(self) -> dict[str, shapes.Printer]:
        plates = printers.plates(self._db)
        found = {}
        for id, printer in self.printers.items():
            told = self._told_of(id)
            status = structs.replace(told.status, plate=plates[id].plate)  # the stored one is the newer one
            found[id] = shapes.of_printer(printer, status, told.at)
        return found

    @cached_property
    def _jobs(self) -> list[tuple[frozenset[str], shapes.Job]]:
        """Each with the printers that it may run on alone."""
        return [
            (job.only_on, self._shape_of(job, prints.of_job(self._db, job.id)))
            for job in jobs.open_jobs(self._db)
        ]

    def _shape_of(self, job: Job, attempts: list[Print]) -> shapes.Job:
        scheduled = self._plan.has_a_place_for(job, self._at)
        return shapes.of_job(job, attempts, planned=self._plan.next_of(job.id), scheduled=scheduled)

    def _jobs_seen(self, grant: Grant) -> list[shapes.Job]:
        return [job for only_on, job in self._jobs if rooms.may_see_job(only_on, grant, self.printers)]

    def _eyes(self, grant: Grant) -> Eyes:
        if grant == EVERYTHING:
            return Eyes(frozenset(self.printers))
        seen = frozenset(id for id in self.printers if self._sees(grant, id))
        return Eyes(seen, frozenset(job.id for job in self._jobs_seen(grant)))

    def _job(self, job: shapes.Job, grant: Grant) -> shapes.Job:
        seen = [attempt for attempt in job.prints if self._sees(grant, attempt.printer)]
        planned = job.planned if job.planned is None or self._sees(grant, job.planned.printer) else None
        return msgspec.structs.replace(job, prints=seen, planned=planned)

    @cached_property
    def _files(self) -> list[shapes.File]:
        return [shapes.of_file(file) for file in files.newest(self._db, NEWEST_FILES)]
