"""The same problem for other wishes: what the plan would be that pleases somebody else first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from farm.domain.settings import Preset
from farm.schedule.config import SearchConfig
from farm.schedule.evaluate import evaluate
from farm.schedule.problem import Problem, Weights
from farm.schedule.replan import Solver, found_by_search
from farm.schedule.result import Metrics, Schedule

LEVELS_APART = 5  # a weight of 2 becomes one of 32: no number of lesser jobs makes up for a greater one
SAME_SHARE = 0.02  # a difference that nobody would choose a plan for

_CHANGES: Mapping[Preset, Mapping[str, float]] = {
    Preset.TIME_FIRST: {},
    Preset.PRIORITY_FIRST: {"makespan": 0.1, "changeover": 0.1, "non_preferred": 0.1},
    Preset.RESOURCE_FIRST: {"tardiness": 0.2, "flow": 0.1, "changeover": 10.0, "hand_work": 10.0},
}
"""By how much each preset changes the shop's own weights."""

_FIGURES: Mapping[str, str] = {
    "weighted_tardiness_s": "weighted tardiness",
    "late_jobs": "late jobs",
    "makespan_s": "all is done",
    "changeovers": "changes of filament",
    "hand_work_s": "work of hands",
    "changed": "prints on other printers than before",
}
"""What plans are compared by; less is better in each."""

OF_TIME = frozenset(words for name, words in _FIGURES.items() if name.endswith("_s"))  # in seconds


@dataclass(frozen=True, slots=True)
class Alternative:
    """A plan and for whom it was made. metrics: in the shop's own prices, so that all can be compared."""

    preset: Preset
    schedule: Schedule
    metrics: Metrics


def for_preset(problem: Problem, preset: Preset) -> Problem:
    """The problem in the prices of that preset. Priorities alone count for PRIORITY_FIRST."""
    prices = _priced(problem.weights, _CHANGES[preset])
    jobs = problem.jobs
    if preset is Preset.PRIORITY_FIRST:
        jobs = tuple(replace(job, weight=job.weight**LEVELS_APART) for job in jobs)
    return replace(problem, weights=prices, jobs=jobs)


def _priced(weights: Weights, changes: Mapping[str, float]) -> Weights:
    values = {name: getattr(weights, name) * factor for name, factor in changes.items()}
    if changes.get("hand_work", 0) > 1 and not weights.hand_work:
        values["hand_work"] = weights.tardiness  # a shop that has no price for it gets one
    return replace(weights, **values)


def alternatives(
    problem: Problem,
    config: SearchConfig,
    solver: Solver = found_by_search,
    presets: Iterable[Preset] = tuple(Preset),
) -> list[Alternative]:
    """A plan for each preset that differs from the others and is not worse than another in every figure.

    config.seconds: for all of them together.
    """
    wanted = list(presets)
    each = replace(config, seconds=config.seconds / max(1, len(wanted)))
    found: list[Alternative] = []
    for preset in wanted:
        schedule = solver(for_preset(problem, preset), each)
        metrics = evaluate(problem, schedule)
        found.append(Alternative(preset, replace(schedule, metrics=metrics, bound=None), metrics))
    return worth_offering(found)


def worth_offering(found: Iterable[Alternative]) -> list[Alternative]:
    """Those that somebody could want: none that another is as good as in every figure and better in one, and
    of those that hardly differ the first."""
    kept: list[Alternative] = []
    candidates = list(found)
    for one in candidates:
        if any(_dominates(other.metrics, one.metrics) for other in candidates if other is not one):
            continue
        if not any(_are_alike(other, one) for other in kept):
            kept.append(one)
    return kept


def side_by_side(offered: Iterable[Alternative]) -> dict[str, dict[Preset, float]]:
    """What one gains and loses with each, by what the figure is called."""
    plans = list(offered)
    return {
        words: {one.preset: _figure(one.metrics, name) for one in plans} for name, words in _FIGURES.items()
    }


def _figure(metrics: Metrics, name: str) -> float:
    return float(getattr(metrics, name))


def _figures(metrics: Metrics) -> list[float]:
    return [metrics.left_out, *(_figure(metrics, name) for name in _FIGURES)]


def _dominates(one: Metrics, other: Metrics) -> bool:
    pairs = list(zip(_figures(one), _figures(other), strict=True))
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)


def _are_alike(one: Alternative, other: Alternative) -> bool:
    """The same prints on the same printers in the same order, or no figure that differs by much."""
    if _orders(one.schedule) == _orders(other.schedule):
        return True
    pairs = zip(_figures(one.metrics), _figures(other.metrics), strict=True)
    return all(abs(a - b) <= SAME_SHARE * max(a, b) for a, b in pairs)


def _orders(schedule: Schedule) -> list[tuple[str, str]]:
    placements = sorted(schedule.placements, key=lambda one: (one.printer, one.start))
    return [(one.printer, one.job) for one in placements]
