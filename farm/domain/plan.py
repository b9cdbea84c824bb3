"""The plan in force: who prints what, when, and what a person has to do when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from farm.domain.compatibility import Constraint


@dataclass(frozen=True, slots=True)
class Planned:
    """One print to come. copy: from 0, of the copies of its job that were to be begun then.

    Somebody's work at the printer, equal times where there is none; then the print. locked: not to be moved.
    early, late: nine times of ten it ends between them; None where nothing was learned of the printer.
    """

    job: str
    copy: int
    printer: str
    hand_work_start: datetime
    hand_work_end: datetime
    start: datetime
    end: datetime
    locked: bool = False
    early: datetime | None = None
    late: datetime | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """When the last of several prints will end, those that run included, if all take as long as they do on
    average. early, late: nine times of ten it is between them; in_time: 0..1; None where nobody knows."""

    end: datetime
    early: datetime | None = None
    late: datetime | None = None
    in_time: float | None = None


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a job cannot be printed. printer: None where it is not about one. needed, have: in words."""

    printer: str | None
    constraint: str
    needed: str
    have: str


@dataclass(frozen=True, slots=True)
class Unplanned:
    """Copies of a job that are not in the plan. would_do: what one would have to give up to place them, and
    when the last would end then; None where no one thing helps."""

    job: str
    copies: int
    reasons: tuple[Obstacle, ...] = ()
    would_do: str | None = None
    would_end: datetime | None = None

    @property
    def waits_to_be_read(self) -> bool:
        """Whether it will have a place, or other reasons, as soon as its file is known."""
        return any(why.constraint == Constraint.READ for why in self.reasons)


@dataclass(frozen=True, slots=True)
class Night:
    """Hours in which nobody is there: what runs, and what waits for those who come next, in sentences."""

    start: datetime
    end: datetime
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """made_at: the moment that it was made for. because: what made it necessary, a few words each.

    metrics: what it comes to, by name. bound: no plan costs less, None where nothing is proven. changes:
    what is different from the plan before, in sentences. nights: those to come. in_time: by job, the chance
    that it is, 0..1, where anybody knows. orders: when each will be done, of those with nothing left out.
    adopted_at: None while it is only a proposal. version: counts adopted plans; 0 before.
    """

    id: str
    made_at: datetime
    preset: str
    placements: tuple[Planned, ...]
    unplanned: tuple[Unplanned, ...] = ()
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    bound: float | None = None
    status: str = "feasible"
    because: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    nights: tuple[Night, ...] = ()
    in_time: Mapping[str, float] = field(default_factory=dict)
    orders: Mapping[str, Expected] = field(default_factory=dict)
    version: int = 0
    adopted_at: datetime | None = None

    @property
    def jobs(self) -> frozenset[str]:
        """Those it has decided about; not those whose file is still being read."""
        decided = (one.job for one in self.unplanned if not one.waits_to_be_read)
        return frozenset([*(one.job for one in self.placements), *decided])


@dataclass(frozen=True, slots=True)
class WhatIf:
    """One thing that would help if it were given up, in words, and when the job's last print would end."""

    constraint: str
    end: datetime


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another printer for a print. end: when it would be done there, and more_cost: by how much the whole
    plan would be dearer; None with the obstacle where it has no place there."""

    printer: str
    end: datetime | None
    more_cost: float | None
    obstacle: Obstacle | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """One print in the plan. waits_for: what keeps it from being sooner, None for nothing."""

    print: Planned
    waits_for: str | None
    why_here: str
    why_then: str
    elsewhere: tuple[Elsewhere, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a job is printed where and when the plan says. late_s: after its due date, in seconds.

    in_time: what would each make it in time. obstacles: why prints of it are left out, and relaxed: what
    would each place these. chance: that it is in time, 0..1; None where it is wanted by no time or nobody
    knows. sentences: all of it for people.
    """

    job: str
    standing: tuple[Standing, ...]
    late_s: int
    in_time: tuple[WhatIf, ...]
    obstacles: tuple[Obstacle, ...]
    relaxed: tuple[WhatIf, ...]
    sentences: tuple[str, ...]
    chance: float | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """What two plans come to in one measure; less is better in each. unit: "s", "W", or "" for a number."""

    name: str
    called: str
    unit: str
    now: float
    then: float


@dataclass(frozen=True, slots=True)
class Moved:
    """A print that would be elsewhere, at another time, or in no plan. how: "printer", "later", "sooner",
    "new" or "left_out". now, then: its printer and its start; None for in no plan."""

    job: str
    copy: int
    how: str
    now: tuple[str, datetime] | None
    then: tuple[str, datetime] | None
    why: str


@dataclass(frozen=True, slots=True)
class Effect:
    """What other rules would do to the plan. late, in_time, placed: jobs that would become so; left_out: what
    has a place now and would have none. moved: how many prints, and some of them. sentences: all of it.
    """

    late: tuple[str, ...] = ()
    in_time: tuple[str, ...] = ()
    left_out: tuple[Unplanned, ...] = ()
    placed: tuple[str, ...] = ()
    moves: int = 0
    moved: tuple[Moved, ...] = ()
    figures: tuple[Figure, ...] = ()
    sentences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Quote:
    """When a job would be done if it were taken on now, beside all that is planned. end: None: not at all,
    for the obstacles. by: chances, 0..1, and until when it is done with each. in_time: 0..1, None where it is
    wanted by no time or nobody knows. sentences: all of it for people.
    """

    end: datetime | None
    late_s: int
    placements: tuple[Planned, ...]
    by: tuple[tuple[float, datetime], ...] = ()
    obstacles: tuple[Obstacle, ...] = ()
    relaxed: tuple[WhatIf, ...] = ()
    in_time: float | None = None
    sentences: tuple[str, ...] = ()
