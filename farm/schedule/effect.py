"""What another rule of the shop would do to the plan, found out before anybody sets it.

The plan in force, as it would go on, is held against the one that would be made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from farm.domain.plan import Figure
from farm.domain.settings import Preset
from farm.schedule.alternatives import SAME_SHARE, for_preset
from farm.schedule.config import SearchConfig
from farm.schedule.diff import TOLD_FROM_S, Change, Moved, changes, sentence_of
from farm.schedule.evaluate import evaluate, rank
from farm.schedule.problem import Job, Placed, Problem
from farm.schedule.relax import why_words
from farm.schedule.replan import Solver, better_of, found_by_search, repair
from farm.schedule.result import Placement, Schedule, Unscheduled, Violation
from farm.schedule.rules import Rule
from farm.schedule.validate import already_wrong, validate
from farm.schedule.words import at, counted, lasting, listed, watts

MOST_NAMED = 5  # jobs that become late, are in time, or are left out
NO_FAULT_OF_IT = frozenset({Rule.COPIES, Rule.FROZEN})  # of a plan that was made under other rules
TOLD_FROM_W = 1.0


_FIGURES = (
    ("late_jobs", "late jobs", ""),
    ("weighted_tardiness_s", "tardiness, by priority", "s"),
    ("left_out", "prints left out", ""),
    ("makespan_s", "until all is done", "s"),
    ("changeovers", "changes of filament", ""),
    ("hand_work_s", "work of hands", "s"),
    ("hand_works_at_once", "people at printers at once", ""),
    ("peak_w", "most power at once", "W"),
)


@dataclass(frozen=True, slots=True)
class Effect:
    """now, then: the plan in force as it would go on, and the one that would be made.

    moved: prints that would be elsewhere or at another time, or in no plan. late, in_time: jobs that would
    become so. left_out: what of the new plan has no place, of jobs that have one now; placed: the other way
    round. sentences: all of it for people, what matters most first.
    """

    now: Schedule
    then: Schedule
    moved: tuple[Change, ...]
    late: tuple[str, ...]
    in_time: tuple[str, ...]
    left_out: tuple[Unscheduled, ...]
    placed: tuple[str, ...]
    figures: tuple[Figure, ...]
    sentences: tuple[str, ...]


def effect(
    now: Problem,
    then: Problem,
    in_force: Schedule,
    config: SearchConfig,
    *,
    presets: tuple[Preset, Preset] = (Preset.TIME_FIRST, Preset.TIME_FIRST),
    solver: Solver = found_by_search,
) -> Effect:
    """now, then: the same shop under both rules. presets: whom each plan is to please first.

    config.seconds: for all of it. Where the plan in force may stay, and another would hardly gain anything,
    it stays: what changes is the rules' doing, and not that somebody searched once more.
    """
    standing, config = _standing(now, in_force, config, presets[0], solver)
    known = {(one.job, one.copy): _place(one) for one in standing.placements}
    then = replace(then, previous=known)
    made = _made(then, standing, config, presets[1], solver)
    moved = tuple(_with_reasons(then, standing, changes(then, made)))
    late, in_time = _late(now, then, standing, made)
    left_out, placed = _places(standing, made)
    figures = _figures(standing, made)
    found = Effect(standing, made, moved, late, in_time, left_out, placed, figures, ())
    before = {one.what for one in already_wrong(now)}
    running = [one.what for one in already_wrong(then) if one.what not in before]
    return replace(found, sentences=tuple(_told(then, found, running)))


def _place(one: Placement) -> Placed:
    return Placed(one.printer, one.hand_work_start, one.start)


def _standing(
    problem: Problem, in_force: Schedule, config: SearchConfig, preset: Preset, solver: Solver
) -> tuple[Schedule, SearchConfig]:
    """The plan in force as it can be carried out from now on, and what time is left to look for another.

    Where there is none, the one that would be made.
    """
    if in_force.placements:
        return repair(problem, in_force), config
    half = replace(config, seconds=config.seconds / 2)
    found = solver(for_preset(problem, preset), half)
    return replace(found, metrics=evaluate(problem, found)), half


def _made(
    problem: Problem, standing: Schedule, config: SearchConfig, preset: Preset, solver: Solver
) -> Schedule:
    priced = for_preset(problem, preset)
    kept = repair(priced, standing)
    best = better_of(priced, kept, solver(priced, config))
    if _may_stay(kept, standing) and not _gains(priced, best, kept):
        best = kept
    return replace(best, metrics=evaluate(problem, best))


def _may_stay(kept: Schedule, standing: Schedule) -> bool:
    return set(kept.placements) == set(standing.placements)


def _gains(problem: Problem, best: Schedule, kept: Schedule) -> bool:
    """Whether anybody would follow another plan for it."""
    (left_out, cost), (left_out_kept, cost_kept) = (rank(evaluate(problem, one)) for one in (best, kept))
    return left_out < left_out_kept or cost < (1 - SAME_SHARE) * cost_kept


def _with_reasons(problem: Problem, standing: Schedule, moved: Iterable[Change]) -> Iterator[Change]:
    """Where a print cannot stay under the new rules, these are the reason."""
    broken = {(one.where, one.printer): one.what for one in _broken(problem, standing)}
    for change in moved:
        there = "" if change.before is None else change.before.printer
        why = broken.get((change.job, there)) or broken.get((change.job, ""))
        yield change if why is None else replace(change, why=why)


def _broken(problem: Problem, standing: Schedule) -> list[Violation]:
    return [one for one in validate(problem, standing) if one.constraint not in NO_FAULT_OF_IT]


def _ends(schedule: Schedule) -> dict[str, int]:
    """When the last planned print of each job ends."""
    ends: dict[str, int] = {}
    for one in schedule.placements:
        ends[one.job] = max(one.end, ends.get(one.job, 0))
    return ends


def _late(
    now: Problem, then: Problem, standing: Schedule, made: Schedule
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Jobs of both plans that would be late and are not, and those the other way round, the latest first."""
    before, after = _ends(standing), _ends(made)
    dues = [(job, job.due_s) for job in then.jobs if job.due_s is not None]
    both = [(job.id, due) for job, due in dues if job.id in before and job.id in after]
    late = [(due - after[id], id) for id, due in both if before[id] <= due < after[id]]
    in_time = [(due - before[id], id) for id, due in both if after[id] <= due < before[id]]
    return tuple(id for _, id in sorted(late)), tuple(id for _, id in sorted(in_time))


def _places(standing: Schedule, made: Schedule) -> tuple[tuple[Unscheduled, ...], tuple[str, ...]]:
    before = {one.job: one.copies for one in standing.unscheduled}
    after = {one.job: one.copies for one in made.unscheduled}
    left_out = tuple(one for one in made.unscheduled if one.copies > before.get(one.job, 0))
    return left_out, tuple(job for job, copies in before.items() if after.get(job, 0) < copies)


def _figures(standing: Schedule, made: Schedule) -> tuple[Figure, ...]:
    return tuple(
        Figure(name, called, unit, _figure(standing, name), _figure(made, name))
        for name, called, unit in _FIGURES
    )


def _figure(schedule: Schedule, name: str) -> float:
    if name == "left_out":  # people count prints, and not their weights
        return float(sum(one.copies for one in schedule.unscheduled))
    return 0.0 if schedule.metrics is None else float(getattr(schedule.metrics, name))


# -- in words ------------------------------------------------------------------------------------------


def _told(problem: Problem, found: Effect, running: Sequence[str]) -> Iterator[str]:
    """running: what no plan can mend."""
    of = {figure.name: figure for figure in found.figures}
    jobs = {job.id: job for job in problem.jobs}
    said = [
        *_late_words(of["late_jobs"]),
        *_each_late(problem, found, jobs),
        *_left_out_words(found, jobs),
        *_done_words(problem, of["makespan_s"]),
        *_effort_words(of),
    ]
    yield from running
    if not (said or found.moved):
        same = set(found.now.placements) == set(found.then.placements)
        yield "Nothing that is planned would change." if same else "No print would move by as much as 10 min."
        return
    told_below = {change.why for change in found.moved}
    broken = [one.what for one in _broken(problem, found.now) if one.what not in told_below]
    if broken:
        yield f"The plan could not stay as it is. {broken[0]}"
    yield from said
    if found.moved:
        yield _moved_words(found.moved)
    for change in found.moved[:MOST_NAMED]:
        yield sentence_of(problem, change)


_HOW = {
    Moved.LEFT_OUT: "would have no place any more",
    Moved.PRINTER: "would be on another printer",
    Moved.LATER: "would start later",
    Moved.SOONER: "would start sooner",
    Moved.NEW: "would get a place",
}


def _moved_words(moved: Sequence[Change]) -> str:
    """ "12 prints would start later (by up to 3 h) and 1 print would be on another printer:" """
    parts = []
    for how, words in _HOW.items():
        those = [change for change in moved if change.moved is how]
        if those:
            in_time = how in (Moved.LATER, Moved.SOONER)
            most = f" (by up to {lasting(_furthest(those))})" if in_time else ""
            parts.append(f"{counted(len(those), 'print')} {words}{most}")
    return f"{listed(parts)}{'; some of them:' if len(moved) > MOST_NAMED else ':'}"


def _furthest(moved: Iterable[Change]) -> int:
    """The longest way that a start moves in time."""
    both = ((one.before, one.after) for one in moved)
    return max((abs(after.start - before.start) for before, after in both if before and after), default=0)


def _late_words(late: Figure) -> Iterator[str]:
    now, then = round(late.now), round(late.then)
    if now != then:
        are = "are" if now > 1 else "is"
        yield f"{counted(then, 'job') if then else 'No job'} would be late; now {now or 'none'} {are}."


def _each_late(problem: Problem, found: Effect, jobs: Mapping[str, Job]) -> Iterator[str]:
    ends = _ends(found.then)
    for names, how in ((found.late, "would be late"), (found.in_time, "would be in time")):
        for name in names[:MOST_NAMED]:
            due_s = jobs[name].due_s or 0
            yield f"Job {name} {how}: done {at(problem, ends[name])}, due {at(problem, due_s)}."
        if len(names) > MOST_NAMED:
            yield f"{counted(len(names) - MOST_NAMED, 'more job')} {how}."


def _left_out_words(found: Effect, jobs: Mapping[str, Job]) -> Iterator[str]:
    for one in found.left_out[:MOST_NAMED]:
        yield f"Left out would be: {why_words(jobs[one.job], one.reasons)}"
    if len(found.left_out) > MOST_NAMED:
        yield f"{counted(len(found.left_out) - MOST_NAMED, 'more job')} would have no place."
    if found.placed:
        some, more = list(found.placed[:MOST_NAMED]), len(found.placed) - MOST_NAMED
        names = listed([*some, f"{more} more"] if more > 0 else some)
        yield f"{names} would get a place, and {'has' if len(found.placed) == 1 else 'have'} none now."


def _done_words(problem: Problem, makespan: Figure) -> Iterator[str]:
    shift = makespan.then - makespan.now
    if makespan.then and abs(shift) >= TOLD_FROM_S:
        when = f"{lasting(abs(shift))} {'later' if shift > 0 else 'sooner'} than now"
        yield f"All would be done {at(problem, round(makespan.then))}, {when}."


def _effort_words(of: Mapping[str, Figure]) -> Iterator[str]:
    spools, hands, power = of["changeovers"], of["hand_work_s"], of["peak_w"]
    if spools.now != spools.then:
        changes = "change" if spools.then == 1 else "changes"
        yield f"There would be {round(spools.then)} {changes} of filament instead of {round(spools.now)}."
    if abs(hands.then - hands.now) >= TOLD_FROM_S:
        yield f"Work of hands would take {lasting(hands.then)} instead of {lasting(hands.now)}."
    if abs(power.then - power.now) >= TOLD_FROM_W:
        yield f"The most power drawn at once would be {watts(power.then)} instead of {watts(power.now)}."
