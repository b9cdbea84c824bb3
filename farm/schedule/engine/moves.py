"""Small changes of a plan, tried by the million.

A print elsewhere, two in each other's place, a run of one filament, one that waits for one that does not.
Dearer ones are accepted by chance, as the temperature says.
"""

from __future__ import annotations

import math

from farm.schedule.engine.compiled import kernel, part
from farm.schedule.engine.model import NONE, Model
from farm.schedule.engine.retime import begin, changed, touch
from farm.schedule.engine.state import State, below, fraction, link, stop_waiting, unlink, wait

LEFT_OUT_COST = 1e12  # of a print, times its weight: goes before all that plans cost
LONGEST_RUN = 6  # prints of one filament that are moved together
GUESSES = 8  # at a print that may be moved


@part
def any_print(state: State) -> int:
    """A print that may be moved; NONE where none was found."""
    for _ in range(GUESSES):
        one = below(state, len(state.new))
        if state.nodes[one].on != NONE and not state.nodes[one].fixed:
            return one
    return NONE


@part
def lateness(model: Model, state: State, one: int) -> float:
    """Weighted seconds."""
    job = model.jobs[model.prints[one].job]
    return float(job.weight * max(0, state.nodes[one].end - job.due))


@part
def worth_moving(model: Model, state: State) -> int:
    """A print that may be moved, rather one of those whose lateness costs much; NONE."""
    one = any_print(state)
    if one != NONE and below(state, 2) == 0:
        other = any_print(state)
        if other != NONE and lateness(model, state, other) > lateness(model, state, one):
            return other
    return one


@part
def place_for(model: Model, state: State, one: int) -> tuple[int, int]:
    """A printer that can make the print, and a print or head there behind which it may come; NONE, NONE."""
    nodes, filaments, of = state.nodes, model.filaments, model.prints[one].job
    job = model.jobs[of]
    if job.filament != NONE and below(state, 5) == 0:  # behind one of the same filament
        begin, end = filaments.begin[job.filament], filaments.begin[job.filament + 1]
        left = filaments.prints[begin + below(state, end - begin)]
        printer = nodes[left].on
        if left == one or printer == NONE or model.length[of, printer] == 0:
            return NONE, NONE
    else:
        printer = model.may[job.may_begin + below(state, job.may_end - job.may_begin)]
        left = len(state.new) + printer
        for _ in range(below(state, state.places[printer].count + 1)):
            left = nodes[left].after
    right = nodes[left].after
    if right < len(state.new) and nodes[right].fixed:
        return NONE, NONE
    return printer, left


@part
def move(state: State, first: int, last: int, printer: int, left: int) -> bool:
    """Put a chain of prints behind another print or head. False where it is there already."""
    nodes = state.nodes
    source, old_left, old_right = nodes[first].on, nodes[first].before, nodes[last].after
    if left == old_left:
        return False
    later = left < len(state.new) and nodes[left].end > nodes[first].end
    unlink(state, first, last)
    link(state, first, last, left)
    right = nodes[last].after
    if source != printer:
        touch(state, 0, source, old_right, old_right)
        touch(state, 1, printer, first, right)
    elif later:
        touch(state, 1, printer, old_right, right)
    else:
        touch(state, 1, printer, first, old_right)
    return True


@part
def move_some(model: Model, state: State, most: int) -> bool:
    """Put a print elsewhere, with so many of those that follow it with the same filament."""
    nodes = state.nodes
    first = worth_moving(model, state)
    if first == NONE:
        return False
    printer, left = place_for(model, state, first)
    if printer == NONE or left == first:
        return False
    last = first
    wanted = model.jobs[model.prints[first].job].filament
    for _ in range(most - 1):
        one = nodes[last].after
        if one >= len(state.new) or one == left:
            break
        of = model.prints[one].job
        if model.jobs[of].filament != wanted or model.length[of, printer] == 0:
            break
        last = one
    return move(state, first, last, printer, left)


@part
def swap(model: Model, state: State) -> bool:
    """Put two prints, each in the place of the other."""
    one, other = worth_moving(model, state), any_print(state)
    if NONE in (one, other) or one == other:
        return False
    nodes = state.nodes
    if nodes[one].end > nodes[other].end:
        one, other = other, one
    here, there = nodes[one].on, nodes[other].on
    if model.length[model.prints[one].job, there] == 0 or model.length[model.prints[other].job, here] == 0:
        return False
    if nodes[one].after == other:
        return move(state, one, one, here, other)
    left, other_left = nodes[one].before, nodes[other].before
    unlink(state, one, one)
    unlink(state, other, other)
    link(state, other, other, left)
    link(state, one, one, other_left)
    if here == there:
        touch(state, 1, here, other, nodes[one].after)
    else:
        touch(state, 0, here, other, nodes[other].after)
        touch(state, 1, there, one, nodes[one].after)
    return True


@part
def bring_in(model: Model, state: State, one: int) -> bool:
    """Put a waiting print in a place, perhaps in that of another that matters no more."""
    nodes = state.nodes
    of = model.prints[one].job
    leaving = any_print(state) if below(state, 2) == 0 else NONE
    if leaving == NONE:
        printer, left = place_for(model, state, one)
        if printer == NONE:
            return False
    else:
        printer, left = nodes[leaving].on, nodes[leaving].before
        if gained(model, one, leaving) < 0 or model.length[of, printer] == 0:
            return False
        unlink(state, leaving, leaving)
        state.tally[0].leaving = leaving
    link(state, one, one, left)
    touch(state, 1, printer, one, nodes[one].after)
    return True


@part
def gained(model: Model, one: int, leaving: int) -> float:
    """By how much less is left out when one print comes, and one, or NONE, leaves."""
    weight = model.jobs[model.prints[one].job].weight
    if leaving != NONE:
        weight -= model.jobs[model.prints[leaving].job].weight
    return float(weight)


@kernel
def search(model: Model, state: State, tries: int, temperature: float) -> int:
    """Try so many changes. Returns how many were accepted."""
    tally = state.tally[0]
    accepted = 0
    for _ in range(tries):
        begin(state)
        limit = -temperature * math.log(fraction(state))
        kind = below(state, 20)
        coming = NONE
        if kind < 3 and tally.waiting > 0:
            coming = state.waiting[below(state, tally.waiting)]
            ready = bring_in(model, state, coming)
            limit += LEFT_OUT_COST * gained(model, coming, tally.leaving)
        elif kind < 8:
            ready = swap(model, state)
        else:
            ready = move_some(model, state, 1 + (kind >= 18) * (1 + below(state, LONGEST_RUN - 1)))
        if ready and changed(model, state, limit):
            accepted += 1
            if coming != NONE:
                stop_waiting(state, coming)
                tally.left_out -= gained(model, coming, tally.leaving)
                if tally.leaving != NONE:
                    wait(state, tally.leaving)
    return accepted
