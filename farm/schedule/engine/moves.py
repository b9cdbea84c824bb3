"""Small changes of a plan, tried by the million.

A print elsewhere, two in each other's place, a run of one filament, one that waits for one that does not.
Dearer ones are accepted by chance, as the temperature says.
"""

from __future__ import annotations

import math

from farm.schedule.engine.model import NONE, Model
from farm.schedule.engine.retime import NOTHING, Stretch, changed
from farm.schedule.engine.state import State, below, fraction, link, stop_waiting, unlink, wait
from farm.workers.kernels import kernel, part

LEFT_OUT_COST = 1e12  # of a print, times its weight: goes before all that plans cost
LONGEST_RUN = 6  # prints of one filament that are moved together
GUESSES = 8  # at a print that may be moved


@kernel
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


@kernel
def worth_moving(model: Model, state: State) -> int:
    """A print that may be moved, rather one of those whose lateness costs much; NONE."""
    one = any_print(state)
    if one != NONE and below(state, 2) == 0:
        other = any_print(state)
        if other != NONE and lateness(model, state, other) > lateness(model, state, one):
            return other
    return one


@kernel
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


@kernel
def move(model: Model, state: State, first: int, last: int, printer: int, left: int, limit: float) -> bool:
    """Try a chain of prints behind another print or head."""
    nodes = state.nodes
    source, old_left, old_right = nodes[first].on, nodes[first].before, nodes[last].after
    if left == old_left:
        return False
    later = left < len(state.new) and nodes[left].end > nodes[first].end
    unlink(nodes, first, last)
    link(nodes, first, last, left)
    right = nodes[last].after
    gap = NOTHING
    if source != printer:
        gap, target = Stretch(source, old_right, old_right), Stretch(printer, first, right)
    elif later:
        target = Stretch(printer, old_right, right)
    else:
        target = Stretch(printer, first, old_right)
    if changed(model, state, gap, target, NONE, limit):
        return True
    unlink(nodes, first, last)
    link(nodes, first, last, old_left)
    return False


@part
def move_some(model: Model, state: State, first: int, most: int, limit: float) -> bool:
    """Try a print elsewhere, with so many of those that follow it with the same filament."""
    nodes = state.nodes
    if first == NONE:
        return False
    printer, left = place_for(model, state, first)
    if printer == NONE:
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
    return left != first and move(model, state, first, last, printer, left, limit)


@part
def swap(model: Model, state: State, one: int, other: int, limit: float) -> bool:
    """Try two prints, each in the place of the other."""
    if NONE in (one, other) or one == other:
        return False
    nodes = state.nodes
    if nodes[one].end > nodes[other].end:
        one, other = other, one
    here, there = nodes[one].on, nodes[other].on
    if model.length[model.prints[one].job, there] == 0 or model.length[model.prints[other].job, here] == 0:
        return False
    if nodes[one].after == other:
        return move(model, state, one, one, here, other, limit)
    left, other_left = nodes[one].before, nodes[other].before
    unlink(nodes, one, one)
    unlink(nodes, other, other)
    link(nodes, other, other, left)
    link(nodes, one, one, other_left)
    if here == there:
        first, second = NOTHING, Stretch(here, other, nodes[one].after)
    else:
        first, second = Stretch(here, other, nodes[other].after), Stretch(there, one, nodes[one].after)
    if changed(model, state, first, second, NONE, limit):
        return True
    unlink(nodes, one, one)
    unlink(nodes, other, other)
    link(nodes, one, one, left)
    link(nodes, other, other, other_left)
    return False


@part
def bring_in(model: Model, state: State, one: int, limit: float) -> bool:
    """Try a waiting print in a place, perhaps in that of another that matters no more."""
    nodes = state.nodes
    of = model.prints[one].job
    weight = model.jobs[of].weight
    leaving = any_print(state) if below(state, 2) == 0 else NONE
    if leaving == NONE:
        printer, left = place_for(model, state, one)
    else:
        printer, left = nodes[leaving].on, nodes[leaving].before
        weight -= model.jobs[model.prints[leaving].job].weight
        if weight < 0 or model.length[of, printer] == 0:
            return False
        unlink(nodes, leaving, leaving)
    if printer == NONE:
        return False
    link(nodes, one, one, left)
    stretch = Stretch(printer, one, nodes[one].after)
    if changed(model, state, NOTHING, stretch, leaving, limit + weight * LEFT_OUT_COST):
        stop_waiting(state, one)
        if leaving != NONE:
            wait(state, leaving)
        state.tally[0].left_out -= weight
        return True
    unlink(nodes, one, one)
    if leaving != NONE:
        link(nodes, leaving, leaving, left)
    return False


@kernel
def search(model: Model, state: State, tries: int, temperature: float) -> int:
    """Try so many changes. Returns how many were accepted."""
    accepted = 0
    for _ in range(tries):
        limit = -temperature * math.log(fraction(state))
        kind = below(state, 20)
        waiting = state.tally[0].waiting
        if waiting > 0 and kind < 3:
            accepted += bring_in(model, state, state.waiting[below(state, waiting)], limit)
        elif kind < 8:
            accepted += swap(model, state, worth_moving(model, state), any_print(state), limit)
        elif kind < 18:
            accepted += move_some(model, state, worth_moving(model, state), 1, limit)
        else:
            most = 2 + below(state, LONGEST_RUN - 1)
            accepted += move_some(model, state, any_print(state), most, limit)
    return accepted
