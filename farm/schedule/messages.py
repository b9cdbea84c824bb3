"""What one can say to the scheduler."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from farm.actors import Ask
from farm.domain.constraints import Constraints
from farm.domain.job import Job
from farm.domain.plan import Effect, Explanation, Plan, Quote
from farm.domain.settings import Preset, Settings
from farm.live.messages import FactsCommitted
from farm.schedule.proposals import Proposal


@dataclass(frozen=True, slots=True)
class ReportPlan(Ask[Plan | None]):
    """The plan in force, None before the first."""


@dataclass(frozen=True, slots=True)
class MakePlan(Ask[Proposal]):
    """Make a plan that nobody follows before it is adopted. Answered at once; it is solved meanwhile.

    jobs: only these, None for all that wait. preset: None for the farm's own. seconds: to look for it.
    constraints: fields of `Constraints` that hold for this plan instead of what the shop allows.
    Raises NotFound for a job that does not wait, Invalid for constraints that cannot be, Refused when too
    many are being made.
    """

    jobs: frozenset[str] | None = None
    preset: Preset | None = None
    seconds: float = 5.0
    constraints: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReportProposal(Ask[Proposal]):
    """How a plan stands that somebody asked for. Raises NotFound, also when it was forgotten since."""

    id: str


@dataclass(frozen=True, slots=True)
class AdoptPlan(Ask[Plan]):
    """Follow it from now on, and plan for its preset after it, too.

    Raises NotFound, and Refused when the farm has changed since it was made, or it was made for some of the
    jobs or for other constraints than the shop's.
    """

    id: str


@dataclass(frozen=True, slots=True)
class ExplainJob(Ask[Explanation]):
    """Why its prints are where the plan has them, or are in none. Raises NotFound when none waits."""

    job: str


@dataclass(frozen=True, slots=True)
class QuoteJob(Ask[Quote]):
    """When a job would be done that nobody has added; nothing changes. Raises NotFound for its file."""

    job: Job


@dataclass(frozen=True, slots=True)
class CompareRules(Ask[Effect]):
    """What these would do to the plan in the place of the shop's own; nothing changes. None: the shop's.

    Raises Overloaded when there was no time to find out, Refused where no plans are made.
    """

    constraints: Constraints | None = None
    settings: Settings | None = None


SchedulerMessage = (
    FactsCommitted | ReportPlan | MakePlan | ReportProposal | AdoptPlan | ExplainJob | QuoteJob | CompareRules
)
