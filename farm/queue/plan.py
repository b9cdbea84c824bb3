"""Which job a free printer gets: a simple list, behind the interface that a better plan has, too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

from farm.domain.job import Job
from farm.domain.plan import Plan as Schedule
from farm.domain.plan import Planned, Unplanned
from farm.domain.printer import Printer

MayBegin: TypeAlias = Callable[[Job], bool]
"""Whether a print of a job may be begun on the printer in question now, whatever a plan says. It takes its
time to find out: no more jobs should be asked about than have to be."""


class Plan(Protocol):
    """Answers at once, inside the transaction that reserves the printer; it must not wait."""

    def next_for(
        self, printer: Printer, waiting: Sequence[Job], at: datetime, may_begin: MayBegin
    ) -> Job | None:
        """The job to begin on `printer` at that moment, out of those `waiting`, the most urgent first."""
        ...

    def next_of(self, job: str) -> Planned | None:
        """The next print of a job, as far as it is planned."""
        ...

    def has_a_place_for(self, job: Job, at: datetime) -> bool:
        """Whether every print of a job that is still to be begun has its place in the plan at that moment."""
        ...

    def left_out(self, job: str) -> Unplanned | None:
        """Why the plan has no place for prints of a job; None where it has one, or does not know the job."""
        ...

    @property
    def in_force(self) -> Schedule | None:
        """The plan that is followed; None where a list says what comes next."""
        ...


class ListPlan:
    """The most urgent job goes to the first printer that is free and may print it."""

    def next_for(
        self, printer: Printer, waiting: Sequence[Job], at: datetime, may_begin: MayBegin
    ) -> Job | None:
        return next((job for job in waiting if may_begin(job)), None)

    def next_of(self, job: str) -> Planned | None:
        """A list says what comes next and not when."""
        return None

    def has_a_place_for(self, job: Job, at: datetime) -> bool:
        """In a list there are no places."""
        return False

    def left_out(self, job: str) -> Unplanned | None:
        """A list leaves out nothing."""
        return None

    @property
    def in_force(self) -> Schedule | None:
        """None: there is but a list."""
        return None
