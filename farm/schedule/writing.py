"""Plans as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from farm.schedule.result import Metrics, Schedule, Unscheduled


def plan_json(schedule: Schedule) -> dict[str, Any]:
    """A plan for programs; times in whole seconds from now, ready for JSON."""
    return {
        "placements": [asdict(placement) for placement in schedule.placements],
        "unscheduled": [_unscheduled(one) for one in schedule.unscheduled],
        "metrics": None if schedule.metrics is None else _metrics(schedule, schedule.metrics),
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


def _metrics(schedule: Schedule, metrics: Metrics) -> dict[str, Any]:
    """gap: null where nothing is proven. The last four: how the plan was found."""
    search = schedule.search
    return {
        **asdict(metrics),
        "unscheduled": sum(one.copies for one in schedule.unscheduled),
        "gap": schedule.gap,
        "first_feasible_s": search.first_s,
        "seconds": search.seconds,
        "iterations": search.iterations,
        "stopped": search.stopped,
    }
