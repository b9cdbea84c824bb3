"""The shop while the week goes by: what waits, what is at each printer, and when something happens next.

Hands are at a printer only while people are there, and a print that is made ready starts as soon as there is
power for it: nobody who decides can change that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from farm.schedule.problem import FOREVER, Job, Printer, Span
from farm.schedule.shop import HandsOn, Loaded, Shop
from farm.schedule.slots import staffed
from farm.schedule.spans import holding, meeting
from scripts.benches.weeks.fate import HOUR, Week


@dataclass(slots=True)
class Work:
    """A print from the first hand-work for it on. job: None for one from before the week.

    starts_s, ends_s: of the print, once it has power; when it really ends is known to nobody.
    """

    job: Job | None
    hands: Span
    person: bool
    expected_s: int
    starts_s: int | None = None
    ends_s: int = FOREVER
    well: bool = True


@dataclass(slots=True)
class Station:
    """One printer. stands: as it will when its work is done."""

    printer: Printer
    stands: Loaded
    work: Work | None = None

    def draw_w(self, now: int) -> float:
        """Its power at that moment, from the start of its print on."""
        if self.work is None or self.work.starts_s is None:
            return 0.0
        return self.printer.heat_up_w if now < self.heats_until_s() else self.printer.printing_w

    def heats_until_s(self) -> int:
        """When it has heated up; 0 where it does not print, or has not since the week began."""
        if self.work is None or self.work.starts_s is None or self.work.job is None:
            return 0
        return self.work.starts_s + self.printer.heat_up_s


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a week went. tardiness_h: of all jobs, times their weights. done: every print, by its printer."""

    tardiness_h: float
    late: int
    changeovers: int
    done: tuple[tuple[str, Work], ...]


class Policy(Protocol):
    """Who decides what is printed next."""

    def heard(self, floor: Floor) -> None:
        """A job has come, or a print has ended."""

    def next_for(self, floor: Floor, station: Station) -> Job | None:
        """What is begun now at a printer that is free; something that `floor` says can be, or nothing."""

    def wakes_s(self, floor: Floor) -> int:
        """When it wants to be asked again, though nothing may have happened."""


@dataclass(slots=True)
class Floor:
    """The shop at one moment, `now` seconds into the week."""

    week: Week
    now: int = 0
    stations: list[Station] = field(init=False)
    waiting: dict[str, Job] = field(default_factory=dict)
    done: list[tuple[str, Work]] = field(default_factory=list)
    done_s: dict[str, int] = field(default_factory=dict)
    changeovers: int = 0
    _to_come: list[Job] = field(init=False)
    _attempts: dict[str, int] = field(default_factory=dict)
    _shop: Shop = field(init=False)

    def __post_init__(self) -> None:
        problem = self.week.problem
        self._shop = Shop(problem)
        self._to_come = sorted(problem.jobs, key=lambda job: -job.release_s)
        self.stations = [Station(one, self._shop.loaded(one), _begun_before(one)) for one in problem.printers]

    def play(self, policy: Policy) -> Outcome:
        """The whole week, and on until every job is done. Raises RuntimeError where one never is."""
        while len(self.done_s) < len(self.week.problem.jobs):
            if self._happened():
                policy.heard(self)
            for station in self.stations:
                job = policy.next_for(self, station) if station.work is None else None
                if job is not None:
                    self._begin(station, job)
            self._start_prints()
            self.now = min(
                (moment for moment in self._moments(policy) if self.now < moment < FOREVER), default=FOREVER
            )
            if self.now == FOREVER:
                raise RuntimeError(f"nothing happens any more, and {len(self.waiting)} jobs wait")
        return self._outcome()

    def hands(self, station: Station, job: Job) -> HandsOn:
        """What is to be done before it can be printed there."""
        return self._shop.hands_on(station.printer, station.stands, job)[0]

    def can_begin(self, station: Station, job: Job) -> bool:
        """Whether it may be printed there, somebody is there for as long as it takes to make it ready, and it
        ought to end before the printer's maintenance."""
        length = job.estimate_s.get(station.printer.id)
        if length is None or job.id not in self.waiting:
            return False
        hands = self.hands(station, job)
        ready = self.now + hands.total_s
        somebody = not hands.person_s or holding(staffed(self.week.problem), (self.now, ready)) is not None
        return somebody and meeting(station.printer.blocked, (self.now, ready + length)) is None

    def _happened(self) -> bool:
        """Jobs come and prints end; whether any did, or the week has just begun."""
        news = self.now == 0
        while self._to_come and self._to_come[-1].release_s <= self.now:
            job = self._to_come.pop()
            self.waiting[job.id] = job
            news = True
        for station in self.stations:
            if station.work is not None and station.work.ends_s <= self.now:
                self._end(station.printer.id, station.work)
                station.work = None
                news = True
        return news

    def _end(self, printer: str, work: Work) -> None:
        if work.job is None:
            return
        self.done.append((printer, work))
        if work.well:
            self.done_s[work.job.id] = self.now
        else:
            self.waiting[work.job.id] = work.job

    def _begin(self, station: Station, job: Job) -> None:
        if not self.can_begin(station, job):
            raise ValueError(f"job {job.id} cannot be begun on {station.printer.id} now")
        hands, station.stands = self._shop.hands_on(station.printer, station.stands, job)
        expected_s = job.estimate_s[station.printer.id]
        station.work = Work(job, (self.now, self.now + hands.total_s), hands.person_s > 0, expected_s)
        self.changeovers += hands.changeover
        del self.waiting[job.id]

    def _start_prints(self) -> None:
        """What is ready, the first one first, as far as there is power."""
        ready = [
            (work.hands[1], number, work, work.job)
            for number, station in enumerate(self.stations)
            if (work := station.work) is not None and work.job is not None
            if work.starts_s is None and work.hands[1] <= self.now
        ]
        for _, number, work, job in sorted(ready, key=lambda one: one[:2]):
            printer = self.stations[number].printer
            limit = self.week.problem.power_w
            if limit is not None and self.draw_w() + max(printer.heat_up_w, printer.printing_w) > limit:
                continue
            attempt = self.week.attempt(job, printer.id, self._attempts.get(job.id, 0))
            self._attempts[job.id] = self._attempts.get(job.id, 0) + 1
            work.starts_s, work.ends_s, work.well = self.now, self.now + attempt.lasts_s, attempt.well

    def draw_w(self) -> float:
        """What all printers draw at this moment."""
        return sum(station.draw_w(self.now) for station in self.stations)

    def _moments(self, policy: Policy) -> Iterator[int]:
        """When something may happen; some are over."""
        yield policy.wakes_s(self)
        if self._to_come:
            yield self._to_come[-1].release_s
        for start, _ in staffed(self.week.problem):
            yield start
        for station in self.stations:
            yield from (end for _, end in station.printer.blocked)
            if station.work is not None:
                yield from (station.work.hands[1], station.heats_until_s(), station.work.ends_s)

    def _outcome(self) -> Outcome:
        late_s = {
            job.id: max(0, self.done_s[job.id] - job.due_s)
            for job in self.week.problem.jobs
            if job.due_s is not None
        }
        weights = {job.id: job.weight for job in self.week.problem.jobs}
        return Outcome(
            tardiness_h=sum(weights[name] * late for name, late in late_s.items()) / HOUR,
            late=sum(late > 0 for late in late_s.values()),
            changeovers=self.changeovers,
            done=tuple(self.done),
        )


def _begun_before(printer: Printer) -> Work | None:
    """What it prints when the week begins; it ends when everybody thinks it does."""
    if not printer.ready_s:
        return None
    return Work(None, (0, 0), False, printer.ready_s, starts_s=0, ends_s=printer.ready_s)
