"""The plan in force: who prints what, when, and what a person has to do when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Planned:
    """One print to come. copy: from 0, of the copies of its job that were to be begun then.

    Somebody's work at the printer, equal times where there is none; then the print. locked: not to be moved.
    """

    job: str
    copy: int
    printer: str
    hand_work_start: datetime
    hand_work_end: datetime
    start: datetime
    end: datetime
    locked: bool = False


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


@dataclass(frozen=True, slots=True)
class Plan:
    """made_at: the moment that it was made for. because: what made it necessary, a few words each.

    metrics: what it comes to, by name. bound: no plan costs less, None where nothing is proven. changes:
    what is different from the plan before, in sentences. adopted_at: None while it is only a proposal.
    version: counts adopted plans; 0 before.
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
    version: int = 0
    adopted_at: datetime | None = None

    @property
    def jobs(self) -> frozenset[str]:
        """Those it says something of."""
        return frozenset([*(one.job for one in self.placements), *(one.job for one in self.unplanned)])
