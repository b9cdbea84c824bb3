"""Which job a free printer gets: a simple list, behind the interface a better plan will take over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from farm.domain.job import Job
from farm.domain.printer import Printer
from farm.queue.fitting import takes


class Plan(Protocol):
    """Answers at once, inside the transaction that reserves the printer; it must not wait."""

    def next_for(self, printer: Printer, waiting: Sequence[Job], at: datetime) -> Job | None:
        """The job to begin on `printer` at that moment, out of those `waiting`, the most urgent first."""
        ...


class ListPlan:
    """The most urgent job goes to the first printer that is free and may print it."""

    def next_for(self, printer: Printer, waiting: Sequence[Job], at: datetime) -> Job | None:
        return next((job for job in waiting if may_run_on(job, printer)), None)


def may_run_on(job: Job, printer: Printer) -> bool:
    """Whether a job's wishes allow this printer, and it takes the job's file."""
    return job.may_run_on(printer) and takes(printer, job.kind)
