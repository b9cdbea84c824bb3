"""What a plan says: which print where and when, which not and why, and what it comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from farm.schedule.problem import Reason


class Status(StrEnum):
    """How good a plan is known to be."""

    OPTIMAL = "optimal"  # proven: there is none that costs less
    FEASIBLE = "feasible"
    NOTHING_TO_PLAN = "nothing_to_plan"


@dataclass(frozen=True, slots=True)
class Placement:
    """One print: a person's work at the printer, then the print. Seconds from the problem's `now`.

    copy: from 0. The printer is taken from hand_work_start to end; the two hand-works are equal where there
    is none. locked: it may not be moved, as it is frozen or pinned.
    """

    job: str
    copy: int
    printer: str
    hand_work_start: int
    hand_work_end: int
    start: int
    end: int
    locked: bool = False


@dataclass(frozen=True, slots=True)
class Relaxed:
    """What would place a job: giving up `constraint` (in words), and its last print would end then."""

    constraint: str
    end_s: int


@dataclass(frozen=True, slots=True)
class Unscheduled:
    """Prints of a job that are not in the plan. copies: how many."""

    job: str
    copies: int
    reasons: tuple[Reason, ...]
    relaxed: Relaxed | None = None


@dataclass(frozen=True, slots=True)
class Metrics:
    """What a plan comes to. Times in seconds; costs in the units of the problem's weights.

    left_out: the weights of the prints that are not in the plan, summed up; of two plans the one that leaves
    out less is better, and of those that leave out as much the one that costs less.
    cost: the sum of `terms`, by their names in `Weights`. weighted_tardiness_s: seconds times weight.
    utilisation: 0..1, printing time of all printers until the last print ends. unattended_s: printing while
    nobody is there; running prints count in both. preferred_share: 0..1 of those that wish for printers, None
    where none does. peak_w: the most that is drawn at an instant; headroom_w: to the farm's limit. changed:
    prints on another printer than before.
    """

    left_out: float
    cost: float
    terms: Mapping[str, float]
    weighted_tardiness_s: float
    max_tardiness_s: int
    late_jobs: int
    makespan_s: int
    mean_flow_s: float
    utilisation: float
    unattended_s: int
    changeovers: int
    hand_work_s: int
    hand_works_at_once: int
    peak_w: float
    headroom_w: float | None
    preferred_share: float | None
    changed: int


@dataclass(frozen=True, slots=True)
class Search:
    """How a plan was found. stopped: why there is none better, or why nobody looked any longer, in words."""

    first_s: float = 0.0
    seconds: float = 0.0
    iterations: int = 0
    stopped: str = ""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A plan. bound: no plan costs less than this, None where nothing is proven."""

    placements: tuple[Placement, ...]
    unscheduled: tuple[Unscheduled, ...] = ()
    metrics: Metrics | None = None
    bound: float | None = None
    status: Status = Status.FEASIBLE
    search: Search = field(default_factory=Search)

    @property
    def gap(self) -> float | None:
        """By how much the best plan may cost less than this one, 0..1; None where nothing is proven."""
        if self.bound is None or self.metrics is None:
            return None
        return max(0.0, 1 - self.bound / self.metrics.cost) if self.metrics.cost > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Violation:
    """Something a plan may not do. constraint: its name; where: the job or printer; what: a sentence.

    printer: the job's, where it is about its place there.
    """

    constraint: str
    where: str
    what: str
    printer: str = ""
