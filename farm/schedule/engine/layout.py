"""A whole plan anew from its chains: print after print in the order of time, each as early as it can be."""

from __future__ import annotations

from farm.schedule.engine.compiled import kernel, part
from farm.schedule.engine.model import NONE, Int64s, Model
from farm.schedule.engine.retime import dates_cost, own_cost
from farm.schedule.engine.state import State, take
from farm.schedule.engine.timing import fitted, occupy, prepare

NEVER = 2**62


@kernel
def placed(model: Model, state: State, number: int, one: int, only_ask: bool) -> int:
    """When a print starts as the next one of its printer; NEVER where it cannot be.

    only_ask: nothing changes.
    """
    nodes, shop, printer = state.nodes, model.shop[0], model.printers[number]
    node, left = nodes[one], nodes[nodes[one].before]
    of = model.prints[one].job
    job, length = model.jobs[of], model.length[of, number]
    clear = node.before >= len(state.new) and printer.clear
    hand_s, person, filament, spool, changed = prepare(
        model.filaments, shop, printer, job, left.filament, left.spool, clear
    )
    time = max(left.end, job.release)
    hand, start, end = fitted(model, state.load, printer, job, length, time, hand_s, person)
    if end == NONE or end > job.deadline:
        return NEVER
    if only_ask:
        return start
    node.hand = hand
    node.hand_s = hand_s
    node.start = start
    node.end = end
    node.filament = filament
    node.spool = spool
    node.person = person
    node.own = own_cost(model, one, number, hand_s, person, changed, start)
    if len(model.limit) > 0:
        occupy(state.load, shop, printer, node, 1)
        node.loaded = True
    return start


@part
def first_turn(state: State) -> int:
    """The printer whose turn it is."""
    first = 0
    for printer in range(len(state.places)):
        if state.places[printer].time < state.places[first].time:
            first = printer
    return first


@part
def come_next(model: Model, state: State, known: Int64s, printer: int) -> None:
    """When the turn of a printer's next print comes. Those that cannot be there wait, without a place."""
    nodes, prints, place = state.nodes, len(state.new), state.places[printer]
    place.time = NEVER
    while place.next < prints and place.time == NEVER:
        one = place.next
        place.time = placed(model, state, printer, one, True)
        if place.time == NEVER:
            place.next = nodes[one].after
            take(state, one)
        elif known[one] != NONE:
            place.time = known[one]


@kernel
def lay_out(model: Model, state: State, known: Int64s) -> None:
    """New times for the whole plan. Of the printers, the one whose next print can start first, with the power
    and the people that are left by then, has its turn. Prints that cannot be where they stand wait, without a
    place.

    known: for each print, when it starts in a plan that is there already, or NONE. By these the turns go
    where they are given: then no print starts later than it did, where it could start so.
    """
    nodes, prints, printers = state.nodes, len(state.new), len(model.printers)
    for row in range(len(model.limit)):
        for slot in range(model.base.shape[1]):
            state.load[row, slot] = model.base[row, slot]
    for one in range(prints):
        nodes[one].loaded = False
    for printer in range(printers):
        state.places[printer].next = nodes[prints + printer].after
        come_next(model, state, known, printer)
    while printers > 0:
        printer = first_turn(state)
        place = state.places[printer]
        if place.time == NEVER:
            break
        one = place.next
        if known[one] == NONE:
            start = placed(model, state, printer, one, True)
            if NEVER > start > place.time:  # others have taken what it needs
                place.time = start
                continue
        if placed(model, state, printer, one, False) == NEVER:
            place.next = nodes[one].after
            take(state, one)
        else:
            place.next = nodes[one].after
        come_next(model, state, known, printer)
    sum_up(model, state)


@kernel
def sum_up(model: Model, state: State) -> None:
    """What the plan costs, counted anew."""
    tally, shop, prints = state.tally[0], model.shop[0], len(state.new)
    for number in range(len(state.groups)):
        state.groups[number].end = 0
    cost, left_out, makespan = 0.0, 0.0, 0
    for one in range(prints):
        node, of = state.nodes[one], model.prints[one].job
        if node.on == NONE:
            left_out += model.jobs[of].weight
        else:
            state.groups[of].end = max(state.groups[of].end, node.end)
            cost += node.own
            makespan = max(makespan, node.end)
    for number in range(len(state.groups)):
        cost += dates_cost(shop, model.jobs[number], state.groups[number].end)
    for number in range(len(state.places)):
        last = state.nodes[prints + number].before
        state.places[number].done = state.nodes[last].end if last < prints else 0
        cost += shop.load * state.places[number].done
    tally.makespan = makespan
    tally.cost = cost + shop.makespan * makespan
    tally.left_out = left_out
