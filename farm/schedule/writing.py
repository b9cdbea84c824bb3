"""Plans and what is said of them, as JSON and in lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from farm.schedule.alternatives import OF_TIME, Alternative, side_by_side
from farm.schedule.evaluate import Terms
from farm.schedule.problem import Job, Problem
from farm.schedule.quote import Quote
from farm.schedule.relax import why_words
from farm.schedule.result import Metrics, Schedule, Unscheduled
from farm.schedule.words import at, lasting


def plan_json(schedule: Schedule, by_job: Mapping[str, Terms] | None = None) -> dict[str, Any]:
    """A plan for programs; times in whole seconds from now, ready for JSON. by_job: what each job costs."""
    return {
        "placements": [asdict(placement) for placement in schedule.placements],
        "unscheduled": [_unscheduled(one) for one in schedule.unscheduled],
        "metrics": None if schedule.metrics is None else _metrics(schedule, schedule.metrics, by_job or {}),
        "bound": schedule.bound,
        "status": schedule.status.value,
    }


def alternative_json(one: Alternative) -> dict[str, Any]:
    """A plan and for whom it was made; its metrics are in the shop's own prices, like those of others."""
    return {"preset": one.preset.value, **plan_json(replace(one.schedule, metrics=one.metrics))}


def side_by_side_lines(offered: Sequence[Alternative]) -> Iterator[str]:
    """A table: a column for each plan, a line for each figure that one may choose it for."""
    rows = [["", *(one.preset.value for one in offered)]]
    rows += [
        [called, *(_figure(called, values[one.preset]) for one in offered)]
        for called, values in side_by_side(offered).items()
    ]
    left_out = [sum(each.copies for each in one.schedule.unscheduled) for one in offered]
    if any(left_out):
        rows.append(["prints left out", *map(str, left_out)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _figure(called: str, value: float) -> str:
    return lasting(value) if called in OF_TIME else f"{value:g}"


def quote_lines(problem: Problem, job: Job, found: Quote) -> Iterator[str]:
    """When it would be done, or why it would not, and what would help."""
    if found.end_s is None:
        yield why_words(job, found.reasons)
    else:
        late = f", {lasting(found.late_s)} after its due date" if found.late_s else ""
        yield f"Job {job.id} would be done {at(problem, found.end_s)}{late}."
    for one in found.placements:
        yield f"On {one.printer}, {at(problem, one.start)} to {at(problem, one.end)}."
    for eased in found.relaxed:
        yield f"To {eased.constraint} would have it done {at(problem, eased.end_s)}."


def _unscheduled(one: Unscheduled) -> dict[str, Any]:
    return {
        "job": one.job,
        "copies": one.copies,
        "reasons": [asdict(reason) for reason in one.reasons],
        "relaxed": None if one.relaxed is None else asdict(one.relaxed),
    }


def _metrics(schedule: Schedule, metrics: Metrics, by_job: Mapping[str, Terms]) -> dict[str, Any]:
    """gap: null where nothing is proven. jobs: the terms of each that are not zero. The last four: how the
    plan was found."""
    search = schedule.search
    return {
        **asdict(metrics),
        "unscheduled": sum(one.copies for one in schedule.unscheduled),
        "jobs": {job: {name: cost for name, cost in terms.items() if cost} for job, terms in by_job.items()},
        "gap": schedule.gap,
        "first_feasible_s": search.first_s,
        "seconds": search.seconds,
        "iterations": search.iterations,
        "stopped": search.stopped,
    }
