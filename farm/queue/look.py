"""One look at the farm in one transaction: what may be begun where, with each thing read at most once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from sqlite3 import Connection

from farm.domain.compatibility import Constraint, Reason, doubts, estimated, limits_of
from farm.domain.constraints import Constraints
from farm.domain.durations import MEGABYTE, Durations
from farm.domain.file import FileAnalysis, FileState, StoredFile
from farm.domain.job import Job, Print
from farm.domain.printer import Mode, Operation, Plate, Printer, PrinterStatus
from farm.queue import power
from farm.queue.obstacles import (
    PASSING,
    Around,
    depends_on_time,
    in_maintenance,
    lasting_obstacles,
    obstacles,
)
from farm.queue.plan import Plan
from farm.queue.why_not import Place
from farm.store import approved_fits, durations, files, jobs, maintenance, printers, prints, shop, spools

LONGEST_READ = timedelta(minutes=15)
"""However few workers there are, and whatever happened to them: then a person may say that a file fits."""

ELSEWHERE_FIRST = timedelta(minutes=10)
"""For so long a file that failed on a printer goes to others that are free, which may be away after all."""


class Look:
    """waits: whether something that is asked about is kept only by what passes by itself."""

    def __init__(self, db: Connection, at: datetime) -> None:
        self._db = db
        self._at = at
        self._files: dict[str, StoredFile] = {}
        self._left: dict[str, Mapping[int, float]] = {}
        self._profiles: dict[str, str] = {}
        self._fits: dict[str, frozenset[str]] = {}
        self.waits = False
        self.unsure: list[Job] = []

    def may_begin(self, job: Job, printer: Printer) -> bool:
        """Whether a print of it may be begun there now.

        Notes on the way whether any `waits` for what passes, and of which nobody can tell whether they fit.
        """
        if in_maintenance(printer, self._beside(printer)):
            self.waits = True  # whatever the job: none has to be looked at any closer
            return False
        found = self.obstacles(job, printer)
        if found and all(reason.constraint in PASSING for reason in found):
            self.waits = True
        elif found and all(reason.asks for reason in found):
            self.unsure.append(job)
        return not found

    def next_for(self, printer: Printer, plan: Plan) -> Job | None:
        """The job that a printer would be given if it were free now."""
        return plan.next_for(printer, self._waiting, self._at, partial(self.may_begin, printer=printer))

    def obstacles(self, job: Job, printer: Printer) -> list[Reason]:
        """What keeps a print of it from being begun on a printer that is free."""
        return self._in_the_way(job, printer) or self._better_elsewhere(job, printer)

    def _in_the_way(self, job: Job, printer: Printer) -> list[Reason]:
        return obstacles(job, self.analysis(job), printer, self._around(job, printer))

    def _better_elsewhere(self, job: Job, printer: Printer) -> list[Reason]:
        """Its file has just failed there, and another printer, on which it did not, could print it now.

        A plan never comes back to such a printer by itself; a list does where there is no other.
        """
        if not job.failed or printer.id not in self._failed_on(job.file, self._at - ELSEWHERE_FIRST):
            return []
        failed = self._failed_on(job.file)
        others = (each for each in self._free if each.id not in failed and not self._in_the_way(job, each))
        other = next(others, None)
        if other is None:
            return []
        return [Reason(printer.id, Constraint.FAILED_THERE, "another printer", other.name)]

    def fits_nowhere_for_certain(self, job: Job) -> bool:
        """Whether a person has to say that the job fits: no printer can print it as far as anybody knows,
        and of one at least nobody can tell."""
        found = [self.lasting(job, printer) for printer in self.printers]
        unsure = [reasons for reasons in found if reasons and all(reason.asks for reason in reasons)]
        return bool(unsure) and all(found)

    def lasting(self, job: Job, printer: Printer) -> list[Reason]:
        """What keeps the job from this printer for good, and what nobody can tell."""
        return lasting_obstacles(job, self.analysis(job), printer, self._around(job, printer))

    def file(self, job: Job) -> StoredFile:
        if job.file not in self._files:
            self._files[job.file] = files.existing(self._db, job.file)
        return self._files[job.file]

    def analysis(self, job: Job) -> FileAnalysis:
        """What is known of its file. One that waits to be read for too long counts as one that cannot be."""
        file = self.file(job)
        if file.analysis.result is None and self._at - file.uploaded_at > LONGEST_READ:
            return FileAnalysis(FileState.FAILED, "nobody has read it")
        return file.analysis

    @cached_property
    def shop(self) -> Constraints:
        return shop.constraints(self._db)

    @cached_property
    def printers(self) -> Sequence[Printer]:
        return [printer for printer, _ in printers.everything(self._db)]

    @cached_property
    def _free(self) -> Sequence[Printer]:
        """Those on which something could be begun, as far as is stored."""
        busy = {attempt.printer for attempt in prints.active(self._db)} | set(maintenance.blocking(self._db))
        clear = {id for id, row in printers.plates(self._db).items() if row.plate is Plate.CLEAR}
        return [
            printer
            for printer in self.printers
            if printer.id in clear - busy and printers.mode(self._db, printer.id)[0] is Mode.NORMAL
        ]

    def _failed_on(self, file: str, since: datetime | None = None) -> list[str]:
        return jobs.printers_that_failed(self._db, file, since)

    def _around(self, job: Job, printer: Printer) -> Around:
        approved = self._limits(printer) in self._approved(job.file)
        return replace(self._beside(printer), approved=approved, takes_s=self._takes_s(job, printer))

    def _takes_s(self, job: Job, printer: Printer) -> float | None:
        """As the plan expects it, so that what begins by the plan is not refused for its file's word."""
        told = estimated(self.analysis(job)) if depends_on_time(job, self.shop) else None
        if told is None:
            return None
        return self._durations.pace(printer.id, told.phase).takes_s(told, self.file(job).size / MEGABYTE)

    def _beside(self, printer: Printer) -> Around:
        return Around(self._at, self.shop, self._left_on(printer))

    @cached_property
    def _durations(self) -> Durations:
        return durations.known(self._db)

    @cached_property
    def _waiting(self) -> Sequence[Job]:
        return jobs.waiting(self._db, self._at)

    def _limits(self, printer: Printer) -> str:
        if printer.id not in self._profiles:
            self._profiles[printer.id] = limits_of(printer.profile)
        return self._profiles[printer.id]

    def _approved(self, file: str) -> frozenset[str]:
        if file not in self._fits:
            self._fits[file] = approved_fits.of_file(self._db, file)
        return self._fits[file]

    def _left_on(self, printer: Printer) -> Mapping[int, float]:
        if printer.id not in self._left:
            loaded = spools.loaded_on(self._db, printer.id)
            self._left[printer.id] = {
                spool.tool: spool.left_g
                for spool in loaded
                if spool.tool is not None and spool.left_g is not None
            }
        return self._left[printer.id]


def _begins(attempt: Print | None) -> bool:
    """Whether its heaters may still have to become warm for a print."""
    return attempt is not None and attempt.started_at is None


def _planned(plan: Plan, job: Job, printer: Printer, at: datetime, shop: Constraints) -> str | None:
    """Why the plan does not begin it there now, None where it does or says nothing of it."""
    coming, left_out = plan.next_of(job.id), plan.left_out(job.id)
    if coming is not None and coming.printer == printer.id:
        return f"the plan begins it at {shop.on_the_wall(coming.start)}" if coming.start > at else None
    if coming is not None:
        return f"the plan has it elsewhere, at {shop.on_the_wall(coming.start)}"
    if left_out is None:
        return None
    here = [why for why in left_out.reasons if why.printer in (None, printer.id)]
    needs = "; ".join(f"it needs {why.needed}, there is {why.have}" for why in here)
    return f"the plan has no place for it: {needs}" if needs else "the plan has no place for it"


def around(
    db: Connection, job: Job, statuses: Mapping[str, PrinterStatus], plan: Plan, at: datetime
) -> tuple[list[Print], list[Place], list[Reason]]:
    """What there is to tell of one job: its prints, how each printer stands to it, and what speaks against
    printers that can print it."""
    look, due = Look(db, at), maintenance.blocking(db)
    plates, active = printers.plates(db), {attempt.printer: attempt for attempt in prints.active(db)}
    draws = [
        power.draw(
            printer, statuses.get(printer.id, PrinterStatus()), beginning=_begins(active.get(printer.id))
        )
        for printer in look.printers
    ]
    places = []
    for printer in look.printers:
        status, in_the_way = statuses.get(printer.id, PrinterStatus()), look.obstacles(job, printer)
        # The dearest question: asked only where its answer would be told.
        may_be_next = status.operation is Operation.IDLE and not in_the_way and printer.id not in active
        places.append(
            Place(
                printer=printer,
                status=status,
                plate=plates[printer.id],
                active=active.get(printer.id),
                due=due.get(printer.id),
                lasting=look.lasting(job, printer),
                obstacles=in_the_way,
                power=power.why_not(printer, draws, look.shop),
                first=look.next_for(printer, plan) if may_be_next else None,
                planned=_planned(plan, job, printer, at, look.shop),
            )
        )
    doubtful = [place.printer for place in places if not place.lasting]
    return (
        prints.of_job(db, job.id),
        places,
        [reason for printer in doubtful for reason in doubts(job, look.analysis(job), printer)],
    )
