"""Which job a free printer gets while a plan is in force."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from farm.domain.job import Job
from farm.domain.plan import Plan, Planned, Unplanned
from farm.domain.printer import Printer
from farm.queue.plan import ListPlan, MayBegin

PATIENCE = timedelta(seconds=15)  # for the scheduler to take up a new job; then the list says who prints it
LAPSES = timedelta(minutes=15)  # a plan that nobody has looked at again is worth no more than a list
EARLY = timedelta(seconds=1)


class FollowedPlan:
    """Follows the plan in force, and the list where there is none, or none that knows a job.

    It answers in the database's thread, too: what it knows is replaced as a whole, and never changed.
    """

    def __init__(self) -> None:
        self._list = ListPlan()
        self._plan: Plan | None = None
        self._heard_at: datetime | None = None
        self._by_printer: dict[str, tuple[Planned, ...]] = {}
        self._printers_of: dict[str, frozenset[str]] = {}
        self._left_out: dict[str, Unplanned] = {}
        self._jobs: frozenset[str] = frozenset()
        self._begun: Counter[tuple[str, str]] = Counter()
        self._patient_until: datetime | None = None

    @property
    def in_force(self) -> Plan | None:
        """The newest one that the scheduler told of."""
        return self._plan

    def follow(self, plan: Plan | None, at: datetime, begun: Iterable[tuple[str, str]] = ()) -> None:
        """The scheduler says that this is, or still is, the plan. begun: since the moment it was made for."""
        self._heard_at = at
        if plan is self._plan:
            return
        by_printer: dict[str, list[Planned]] = defaultdict(list)
        for one in sorted(plan.placements if plan is not None else (), key=lambda each: each.start):
            by_printer[one.printer].append(one)
        self._begun = Counter(begun)
        self._by_printer = {printer: tuple(those) for printer, those in by_printer.items()}
        self._printers_of = _printers_of(plan)
        self._left_out = {one.job: one for one in plan.unplanned} if plan is not None else {}
        self._jobs = plan.jobs if plan is not None else frozenset()
        self._plan = plan

    def note_begun(self, job: str, printer: str) -> None:
        """A print of it has been given to that printer."""
        self._begun = self._begun + Counter({(job, printer): 1})

    def left(self, printer: str) -> Iterator[Planned]:
        """What the plan has for a printer and was not begun yet, in its order."""
        begun = Counter(self._begun)
        for one in self._by_printer.get(printer, ()):
            if begun[one.job, printer] > 0:
                begun[one.job, printer] -= 1
            else:
                yield one

    def next_of(self, job: str) -> Planned | None:
        """The next print of a job that was not begun yet."""
        return min(self._left_of(job), key=lambda one: one.start, default=None)

    def has_a_place_for(self, job: Job, at: datetime) -> bool:
        """Whether every print of a job that is still to be begun has its place in the plan."""
        if not job.to_begin or self._has_lapsed(at):
            return False
        return sum(1 for _ in self._left_of(job.id)) >= job.to_begin

    def _left_of(self, job: str) -> Iterator[Planned]:
        printers = self._printers_of.get(job, ())
        return (one for printer in printers for one in self.left(printer) if one.job == job)

    def _has_lapsed(self, at: datetime) -> bool:
        """A clock that was set, forward or back, leaves none in force: it was made for another time."""
        return self._plan is None or self._heard_at is None or abs(at - self._heard_at) > LAPSES

    def left_out(self, job: str) -> Unplanned | None:
        """Why the plan has no place for prints of a job, where that is so."""
        return self._left_out.get(job)

    def falls_due(self, after: datetime, until: datetime) -> bool:
        """Whether the time comes for anything between the two, planned or not."""
        planned = self._plan.placements if self._plan is not None else ()
        lapses = self._heard_at + LAPSES if self._heard_at is not None else None
        times = (self._patient_until, lapses, *(one.start for one in planned))
        return any(time is not None and after < time <= until for time in times)

    def next_for(
        self, printer: Printer, waiting: Sequence[Job], at: datetime, may_begin: MayBegin
    ) -> Job | None:
        """The job to begin there now, out of those `waiting`, the most urgent first; or none."""
        if self._has_lapsed(at):
            return self._list.next_for(printer, waiting, at, may_begin)
        there = {job.id: job for job in waiting}
        for one in self.left(printer.id):
            if one.start > at + EARLY:
                break
            if one.job in there and may_begin(there[one.job]):
                return there[one.job]
        unknown = [job for job in waiting if job.id not in self._jobs]
        # One that came later than now came before the clock was set back.
        late = [job for job in unknown if not timedelta(0) <= at - job.created_at < PATIENCE]
        if len(late) < len(unknown):
            self._patient_until = at + PATIENCE
        return self._list.next_for(printer, late, at, may_begin)


def _printers_of(plan: Plan | None) -> dict[str, frozenset[str]]:
    """By job, the printers on which it is planned."""
    found: dict[str, set[str]] = defaultdict(set)
    for one in plan.placements if plan is not None else ():
        found[one.job].add(one.printer)
    return {job: frozenset(printers) for job, printers in found.items()}
