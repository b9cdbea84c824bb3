"""How plans look as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct

from farm.domain import plan as domain
from farm.domain.clock import iso
from farm.domain.settings import Preset
from farm.live.shapes import Moment, moment


@dataclass(frozen=True, slots=True)
class Eyes:
    """What somebody may see: these printers, and these jobs. jobs: None for all there are.

    Sentences name printers and jobs as they come: they are for those alone who may see all.
    """

    printers: frozenset[str]
    jobs: frozenset[str] | None = None

    @property
    def see_all(self) -> bool:
        """Whether nothing is hidden from them."""
        return self.jobs is None

    def see(self, job: str) -> bool:
        """Whether the job concerns them."""
        return self.jobs is None or job in self.jobs


class Placement(Struct, frozen=True):
    """One print: somebody's work at the printer (equal times where there is none), then the print.

    copy: from 0, of those that were to be begun. locked: it may not be moved. early, late: nine times of ten
    it ends between them; null where nothing was learned of how long prints take there.
    """

    job: str
    copy: int
    printer: str
    hand_work_start: Moment
    hand_work_end: Moment
    start: Moment
    end: Moment
    locked: bool
    early: Moment | None = None
    late: Moment | None = None


class Reason(Struct, frozen=True):
    """printer: null where it is not about one."""

    printer: str | None
    constraint: str
    needed: str
    have: str


class Unscheduled(Struct, frozen=True):
    """would_do: the one thing that would have to be given up to place it, and when it would end then."""

    job: str
    copies: int
    reasons: list[Reason]
    would_do: str | None
    would_end: Moment | None


class Night(Struct, frozen=True):
    """Hours in which nobody is there: what runs, and what waits for those who come next."""

    start: Moment
    end: Moment
    sentences: list[str]


class Schedule(Struct, frozen=True):
    """version: counts the plans that were adopted. made_at: the moment it was made for.

    metrics: times in seconds, costs in points. bound: no plan costs less; null where nothing is proven.
    because: what made it necessary. changes: what is different from the plan before. in_time: by job, the
    chance that it is, 0 to 1, where it is wanted by some time and enough was learned.
    """

    id: str | None
    version: int
    adopted_at: Moment | None
    made_at: Moment | None
    preset: Preset | None
    placements: list[Placement]
    unscheduled: list[Unscheduled]
    metrics: dict[str, float | None]
    bound: float | None
    status: str | None
    because: list[str]
    changes: list[str]
    nights: list[Night]
    in_time: dict[str, float]


NONE_YET = Schedule(None, 0, None, None, None, [], [], {}, None, None, [], [], [], {})


def of_plan(plan: domain.Plan | None, eyes: Eyes) -> Schedule:
    """As somebody sees it who has these eyes."""
    if plan is None:
        return NONE_YET
    return Schedule(
        id=plan.id,
        version=plan.version,
        adopted_at=None if plan.adopted_at is None else iso(plan.adopted_at),
        made_at=iso(plan.made_at),
        preset=Preset(plan.preset),
        placements=[_placement(one) for one in plan.placements if one.printer in eyes.printers],
        unscheduled=[_unscheduled(one, eyes) for one in plan.unplanned if eyes.see(one.job)],
        metrics=dict(plan.metrics),
        bound=plan.bound,
        status=plan.status,
        because=_told(plan.because, eyes),
        changes=_told(plan.changes, eyes),
        nights=[Night(iso(one.start), iso(one.end), _told(one.sentences, eyes)) for one in plan.nights],
        in_time={job: chance for job, chance in plan.in_time.items() if eyes.see(job)},
    )


def _placement(one: domain.Planned) -> Placement:
    return Placement(
        one.job,
        one.copy,
        one.printer,
        iso(one.hand_work_start),
        iso(one.hand_work_end),
        iso(one.start),
        iso(one.end),
        one.locked,
        moment(one.early),
        moment(one.late),
    )


def _unscheduled(one: domain.Unplanned, eyes: Eyes) -> Unscheduled:
    would_end = None if one.would_end is None else iso(one.would_end)
    return Unscheduled(one.job, one.copies, _reasons(one.reasons, eyes), one.would_do, would_end)


def _told(sentences: Sequence[str], eyes: Eyes) -> list[str]:
    return list(sentences) if eyes.see_all else []


class WhatIf(Struct, frozen=True):
    """One thing that would help if it were given up, and when the job's last print would end then."""

    constraint: str
    end: Moment


class Elsewhere(Struct, frozen=True):
    """Another printer for the print: when it would end there, and how many points dearer the plan would be.

    reason: why it has no place there, null where it has one.
    """

    printer: str
    end: Moment | None
    more_cost: float | None
    reason: Reason | None


class Standing(Struct, frozen=True):
    """One print in the plan. waits_for: what keeps it from being sooner; null for nothing."""

    print: Placement
    waits_for: str | None
    why_here: str
    why_then: str
    elsewhere: list[Elsewhere]


class Explanation(Struct, frozen=True):
    """Why a job is printed where and when the plan says. late_s: after its due date, in seconds.

    in_time: what would each make it in time. reasons: why prints of it are left out of the plan; relaxed:
    what would each place these. chance: that it is in time, 0 to 1; null where it is wanted by no time, or
    too little was learned. sentences: all of it in words.
    """

    job: str
    sentences: list[str]
    standing: list[Standing]
    late_s: int
    in_time: list[WhatIf]
    reasons: list[Reason]
    relaxed: list[WhatIf]
    chance: float | None


class Chance(Struct, frozen=True):
    """It is done until then with this chance, 0 to 1."""

    chance: float
    end: Moment


class Quote(Struct, frozen=True):
    """When a job would be done if it were taken on now, with all that is planned left where it is.

    end: if every print takes as long as it does on average; null where it has no place, for the reasons. by:
    it is done until then with this chance; empty where too little was learned, and in_time is null then.
    sentences: all of it in words.
    """

    end: Moment | None
    late_s: int
    placements: list[Placement]
    by: list[Chance]
    reasons: list[Reason]
    relaxed: list[WhatIf]
    in_time: float | None
    sentences: list[str]


class Figure(Struct, frozen=True):
    """What the plan comes to in one measure, now and then; less is better in each. unit: s, W, or empty for a
    number of things."""

    name: str
    called: str
    unit: str
    now: float
    then: float


class Spot(Struct, frozen=True):
    """Where a print begins, and when."""

    printer: str
    start: Moment


class Moved(Struct, frozen=True):
    """A print that would be elsewhere or at another time. how: printer, later, sooner, new or left_out.

    now, then: null for in no plan.
    """

    job: str
    copy: int
    how: str
    now: Spot | None
    then: Spot | None
    why: str


class Effect(Struct, frozen=True):
    """What a change would do to the plan, as it is in force, if it were made now. sentences: all of it.

    unknown: why nobody can tell now; empty where it is known. late, in_time, placed: jobs that would become
    so; left_out: what has a place now and would have none. moves: how many prints would be elsewhere or at
    another time; moved: those of them that the asker may see, at most 200.
    """

    unknown: str
    sentences: list[str]
    figures: list[Figure]
    late: list[str]
    in_time: list[str]
    placed: list[str]
    left_out: list[Unscheduled]
    moves: int
    moved: list[Moved]


def unknown_effect(why: str) -> Effect:
    """Nobody can tell now."""
    return Effect(why, [], [], [], [], [], [], 0, [])


def of_effect(found: domain.Effect, eyes: Eyes) -> Effect:
    """As somebody sees it who has these eyes."""
    return Effect(
        unknown="",
        sentences=_told(found.sentences, eyes),
        figures=[Figure(one.name, one.called, one.unit, one.now, one.then) for one in found.figures],
        late=list(filter(eyes.see, found.late)),
        in_time=list(filter(eyes.see, found.in_time)),
        placed=list(filter(eyes.see, found.placed)),
        left_out=[_unscheduled(one, eyes) for one in found.left_out if eyes.see(one.job)],
        moves=found.moves,
        moved=[_moved(one, eyes) for one in found.moved if _sees_move(one, eyes)],
    )


def _moved(one: domain.Moved, eyes: Eyes) -> Moved:
    why = one.why if eyes.see_all else ""
    return Moved(one.job, one.copy, one.how, _spot(one.now), _spot(one.then), why)


def _spot(where: tuple[str, datetime] | None) -> Spot | None:
    return None if where is None else Spot(where[0], iso(where[1]))


def _sees_move(one: domain.Moved, eyes: Eyes) -> bool:
    return eyes.see(one.job) and all(
        where is None or where[0] in eyes.printers for where in (one.now, one.then)
    )


def of_explanation(found: domain.Explanation, eyes: Eyes) -> Explanation:
    """As somebody sees it who has these eyes."""
    return Explanation(
        job=found.job,
        sentences=_told(found.sentences, eyes),
        standing=[_standing(one, eyes) for one in found.standing if one.print.printer in eyes.printers],
        late_s=found.late_s,
        in_time=_what_if(found.in_time),
        reasons=_reasons(found.obstacles, eyes),
        relaxed=_what_if(found.relaxed),
        chance=found.chance,
    )


def of_quote(found: domain.Quote, eyes: Eyes) -> Quote:
    """As somebody sees it who has these eyes."""
    return Quote(
        end=None if found.end is None else iso(found.end),
        late_s=found.late_s,
        placements=[_placement(one) for one in found.placements if one.printer in eyes.printers],
        by=[Chance(chance, iso(end)) for chance, end in found.by],
        reasons=_reasons(found.obstacles, eyes),
        relaxed=_what_if(found.relaxed),
        in_time=found.in_time,
        sentences=_told(found.sentences, eyes),
    )


def _standing(one: domain.Standing, eyes: Eyes) -> Standing:
    elsewhere = [_elsewhere(other) for other in one.elsewhere if other.printer in eyes.printers]
    here, then = (one.why_here, one.why_then) if eyes.see_all else ("", "")
    return Standing(_placement(one.print), one.waits_for, here, then, elsewhere)


def _elsewhere(one: domain.Elsewhere) -> Elsewhere:
    return Elsewhere(
        one.printer,
        None if one.end is None else iso(one.end),
        one.more_cost,
        None if one.obstacle is None else _reason(one.obstacle),
    )


def _reasons(obstacles: Iterable[domain.Obstacle], eyes: Eyes) -> list[Reason]:
    return [_reason(why) for why in obstacles if why.printer is None or why.printer in eyes.printers]


def _reason(why: domain.Obstacle) -> Reason:
    return Reason(why.printer, why.constraint, why.needed, why.have)


def _what_if(found: Iterable[domain.WhatIf]) -> list[WhatIf]:
    return [WhatIf(one.constraint, iso(one.end)) for one in found]
