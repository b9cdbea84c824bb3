"""From what was found for a problem to what the farm keeps: seconds become moments again, and names ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from farm.domain import plan as told
from farm.domain.plan import Obstacle, Plan, Planned, Unplanned
from farm.domain.settings import Preset
from farm.schedule.chances import UNKNOWN, Bars, Chances
from farm.schedule.diff import Change
from farm.schedule.effect import Effect
from farm.schedule.expected import Expected
from farm.schedule.explain import Elsewhere, Explanation, Standing
from farm.schedule.night import Night
from farm.schedule.problem import Placed, Reason
from farm.schedule.quote import Quote
from farm.schedule.result import Placement, Relaxed, Schedule, Unscheduled
from farm.schedule.translation import Names

MOST_MOVED = 200  # prints of an effect that are told one by one
NOTHING_EXPECTED: Mapping[str, Expected] = {}


@dataclass(frozen=True, slots=True)
class Translator:
    """at: the problem's now. names: those that are used in it."""

    at: datetime
    names: Names

    def plan(
        self,
        schedule: Schedule,
        plan_id: str,
        preset: Preset,
        because: tuple[str, ...] = (),
        changes: tuple[str, ...] = (),
        nights: Iterable[Night] = (),
        sure: Chances = UNKNOWN,
        orders: Mapping[str, Expected] = NOTHING_EXPECTED,
    ) -> Plan:
        """A solution as the plan of that id. changes: what is different from the plan before. sure: of the
        ends of its prints; orders: when they will be done."""
        metrics = asdict(schedule.metrics) if schedule.metrics is not None else {}
        costs = metrics.pop("terms", {})
        return Plan(
            id=plan_id,
            made_at=self.at,
            preset=preset,
            placements=tuple(self._planned(one, sure) for one in schedule.placements),
            unplanned=tuple(self._unplanned(one) for one in schedule.unscheduled),
            metrics=metrics | {f"cost_{name}": value for name, value in costs.items()},
            bound=schedule.bound,
            status=schedule.status,
            because=because,
            changes=changes,
            nights=tuple(self._night(one) for one in nights),
            in_time={self.names.job_id[job]: chance for job, chance in sure.in_time.items()},
            orders={order: self._expected(one) for order, one in orders.items()},
        )

    def explanation(self, found: Explanation) -> told.Explanation:
        """Why a job stands where it stands."""
        return told.Explanation(
            job=self.names.job_id[found.job],
            standing=tuple(self._standing(one, found.sure) for one in found.standing),
            late_s=found.late_s,
            in_time=self._relaxed(found.in_time),
            obstacles=self._obstacles(found.unscheduled),
            relaxed=self._relaxed(found.relaxed),
            sentences=found.sentences,
            chance=found.sure.in_time.get(found.job),
        )

    def effect(self, found: Effect) -> told.Effect:
        """What other rules would do to the plan."""
        job_id = self.names.job_id
        return told.Effect(
            late=tuple(job_id[job] for job in found.late),
            in_time=tuple(job_id[job] for job in found.in_time),
            left_out=tuple(self._unplanned(one) for one in found.left_out),
            placed=tuple(job_id[job] for job in found.placed),
            moves=len(found.moved),
            moved=tuple(self._moved(one) for one in found.moved[:MOST_MOVED]),
            figures=found.figures,
            sentences=found.sentences,
        )

    def _moved(self, one: Change) -> told.Moved:
        now, then = self._spot(one.before), self._spot(one.after)
        return told.Moved(self.names.job_id[one.job], one.copy, one.moved.value, now, then, one.why)

    def _spot(self, where: Placed | Placement | None) -> tuple[str, datetime] | None:
        if where is None:
            return None
        return self.names.printer_id.get(where.printer, where.printer), self._moment(where.start)

    def quote(self, found: Quote) -> told.Quote:
        """When a job would be done."""
        return told.Quote(
            end=None if found.end_s is None else self._moment(found.end_s),
            late_s=found.late_s,
            placements=tuple(self._planned(one) for one in found.placements),
            by=tuple((chance, self._moment(seconds)) for chance, seconds in found.by),
            obstacles=self._obstacles(found.reasons),
            relaxed=self._relaxed(found.relaxed),
            in_time=found.in_time,
            sentences=found.sentences,
        )

    def _moment(self, seconds: int) -> datetime:
        return self.at + timedelta(seconds=seconds)

    def _expected(self, one: Expected) -> told.Expected:
        early, late = self._bars(one.bars)
        return told.Expected(self._moment(one.end_s), early, late, one.in_time)

    def _bars(self, bars: Bars | None) -> tuple[datetime, datetime] | tuple[None, None]:
        return (None, None) if bars is None else (self._moment(bars.early_s), self._moment(bars.late_s))

    def _planned(self, one: Placement, sure: Chances = UNKNOWN) -> Planned:
        early, late = self._bars(sure.bars.get((one.job, one.copy)))
        return Planned(
            job=self.names.job_id[one.job],
            copy=one.copy,
            printer=self.names.printer_id[one.printer],
            hand_work_start=self._moment(one.hand_work_start),
            hand_work_end=self._moment(one.hand_work_end),
            start=self._moment(one.start),
            end=self._moment(one.end),
            locked=one.locked,
            early=early,
            late=late,
        )

    def _unplanned(self, one: Unscheduled) -> Unplanned:
        relaxed = one.relaxed
        return Unplanned(
            job=self.names.job_id[one.job],
            copies=one.copies,
            reasons=self._obstacles(one.reasons),
            would_do=None if relaxed is None else relaxed.constraint,
            would_end=None if relaxed is None else self._moment(relaxed.end_s),
        )

    def _night(self, one: Night) -> told.Night:
        return told.Night(self._moment(one.span[0]), self._moment(one.span[1]), one.sentences)

    def _standing(self, one: Standing, sure: Chances) -> told.Standing:
        return told.Standing(
            print=self._planned(one.placement, sure),
            waits_for=one.binding,
            why_here=one.why_here,
            why_then=one.why_then,
            elsewhere=tuple(self._elsewhere(other) for other in one.elsewhere),
        )

    def _elsewhere(self, one: Elsewhere) -> told.Elsewhere:
        return told.Elsewhere(
            printer=self.names.printer_id[one.printer],
            end=None if one.end_s is None else self._moment(one.end_s),
            more_cost=one.more_cost,
            obstacle=None if one.reason is None else self._obstacle(one.reason),
        )

    def _obstacles(self, reasons: Iterable[Reason]) -> tuple[Obstacle, ...]:
        return tuple(self._obstacle(why) for why in reasons)

    def _obstacle(self, why: Reason) -> Obstacle:
        return why if why.printer is None else replace(why, printer=self.names.printer_id[why.printer])

    def _relaxed(self, found: Iterable[Relaxed]) -> tuple[told.WhatIf, ...]:
        return tuple(told.WhatIf(one.constraint, self._moment(one.end_s)) for one in found)
