"""The first plan: what people have been told stays, what was planned follows, the rest as rules say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from farm.schedule.engine.insertion import append, insert
from farm.schedule.engine.layout import lay_out
from farm.schedule.engine.model import NONE, Int64s, Model
from farm.schedule.engine.rules import Rule, dispatch
from farm.schedule.engine.state import State, bring_back, keep, put

MANY = 400  # prints: from here on a single rule makes the first plan
LIGHTEST = 0.001  # weight: what has none can wait, but is not without end
MOST_INSERTED = (
    150  # prints that are also put in one by one, from the most urgent on: this grows with the square
)


class Dispatching(NamedTuple):
    """A rule. slack, setup: of ATCS, by how many mean prints and usual set-ups it measures them."""

    rule: Rule
    slack: float = 1.0
    setup: float = 1.0


RULES: dict[str, Dispatching | None] = {
    "fifo": Dispatching(Rule.FIFO),
    "fifo_loaded": Dispatching(Rule.FIFO_LOADED),
    "edd": Dispatching(Rule.EDD),
    "priority_edd": Dispatching(Rule.PRIORITY_EDD),
    "wspt": Dispatching(Rule.WSPT),
    "atcs_2_0.5": Dispatching(Rule.ATCS, 2.0, 0.5),
    "atcs_4_0.3": Dispatching(Rule.ATCS, 4.0, 0.3),
    "slack_insertion": None,
}
"""Rules that make a plan at once. The last one dispatches nothing: see `by_slack`."""


def by_rule(model: Model, state: State, name: str) -> None:
    """Give what waits its places as a rule says, and lay the plan out."""
    dispatching = RULES[name]
    if dispatching is None:
        by_slack(model, state)
    else:
        rule, slack, setup = dispatching
        calm, ease = max(1.0, slack * mean_length(model)), max(1.0, setup * usual_setup(model))
        dispatch(model, state, waiting(state), unknown(model), int(rule), calm, ease)
    lay_out(model, state, unknown(model))


def by_slack(model: Model, state: State) -> None:
    """Put what waits behind all others, each where it costs least: those with the least time to spare first,
    of which weightier ones count as having less (by the root of the weight)."""
    waits = waiting(state)
    jobs = model.jobs[model.prints["job"][waits]]
    spare = jobs["due"] - quickest(model)[model.prints["job"][waits]]
    spare = spare / np.sqrt(np.maximum(jobs["weight"], LIGHTEST))
    append(model, state, waits[np.lexsort((waits, spare))])


def by_insertion(model: Model, state: State) -> None:
    """Put in what waits, those with the least time to spare first."""
    insert(model, state, most_urgent_first(model, state))


def waiting(state: State) -> Int64s:
    """The prints without a place, in their order."""
    return np.sort(state.waiting[: int(state.tally["waiting"][0])])


def unknown(model: Model) -> Int64s:
    """No plan is there yet by which the prints could have their turns."""
    return np.full(len(model.prints), NONE, np.int64)


def mean_length(model: Model) -> float:
    """Seconds of a job's print on the printer that is quickest with it."""
    return float(quickest(model).mean()) if len(model.jobs) else 0.0


def quickest(model: Model) -> Int64s:
    """(J,) seconds of a job's print on that printer."""
    never = np.iinfo(np.int32).max
    lengths: Int64s = np.where(model.length > 0, model.length, never).min(axis=1, initial=never)
    return lengths


def usual_setup(model: Model) -> float:
    """Seconds of clearing a plate and the least change; of a problem from a book, of its mean set-up."""
    change = model.filaments.change
    if not model.shop["clear_s"][0]:
        return float(change.mean()) if change.size else 0.0
    return float(model.shop["clear_s"][0]) + float(change[change > 0].min(initial=2**31 - 1) % (2**31 - 1))


def most_urgent_first(model: Model, state: State) -> Int64s:
    """What waits, by weight where it cannot be in time, else by the time that is left."""
    waits = waiting(state)
    jobs = model.jobs[model.prints["job"][waits]]
    length = quickest(model)[model.prints["job"][waits]]
    return waits[np.lexsort((waits, jobs["due"] - length))]


def start(model: Model, state: State) -> Iterator[None]:
    """Make a plan, then perhaps better ones: `state` is the best so far at each step.

    What was begun to be prepared comes first on its printer. Where there was a plan, the rest of it follows
    as it was, and what is new goes where it costs least: so nothing is worse than the old plan mended.
    """
    _as_before(model, state, held=True)
    planned = model.prints["was_on"] != NONE
    if planned.any():
        _as_before(model, state, held=False)
        lay_out(model, state, model.prints["was_at"].copy())
        by_insertion(model, state)
        yield
        return
    bare = keep(state)
    few = len(model.prints) <= MANY
    best: State | None = None
    for name in ("wspt", *(RULES if few else ())):
        bring_back(state, bare)
        by_rule(model, state, name)
        best = _better(state, best)
        yield
    if len(model.prints) <= MOST_INSERTED:
        bring_back(state, bare)
        lay_out(model, state, model.prints["was_at"].copy())
        by_insertion(model, state)
        _better(state, best)
    elif best is not None:
        bring_back(state, best)
    by_insertion(model, state)
    yield


def rank(state: State) -> tuple[float, float]:
    """Less is better: first what is left out, then what the plan costs."""
    return float(state.tally["left_out"][0]), float(state.tally["cost"][0])


def _better(state: State, best: State | None) -> State:
    """The better of the two, which `state` is then."""
    if best is None or rank(state) < rank(best):
        return keep(state)
    bring_back(state, best)
    return best


def _as_before(model: Model, state: State, held: bool) -> None:
    """Prints where they were planned before, in that order."""
    was_on, was_at = model.prints["was_on"], model.prints["was_at"]
    for one in np.lexsort((was_at, was_on)):
        printer = int(was_on[one])
        there = 0 <= printer < len(model.printers) and state.nodes["on"][one] == NONE
        if there and model.prints["held"][one] == held and model.length[model.prints["job"][one], printer]:
            put(state, int(one), printer)
            state.nodes["fixed"][one] = held
