"""Plans as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from farm.schedule.evaluate import Terms
from farm.schedule.result import Metrics, Schedule, Unscheduled


def plan_json(schedule: Schedule, by_job: Mapping[str, Terms] | None = None) -> dict[str, Any]:
    """A plan for programs; times in whole seconds from now, ready for JSON. by_job: what each job costs."""
    return {
        "placements": [asdict(placement) for placement in schedule.placements],
        "unscheduled": [_unscheduled(one) for one in schedule.unscheduled],
        "metrics": None if schedule.metrics is None else _metrics(schedule, schedule.metrics, by_job or {}),
        "bound": schedule.bound,
        "status": schedule.status.value,
    }


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
