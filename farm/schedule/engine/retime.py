"""What a change of the chains does: new times for the prints behind it, and what they cost more.

A change is tried in two steps. First without power and people's hands, which is quick, and never dearer than
it will be with them: most tries end here. Then with them, in the load that the other prints leave. Both go on
along a chain only until a print comes out as it was: nothing changes behind it.
"""

from __future__ import annotations

from typing import Any

from farm.schedule.engine.compiled import part
from farm.schedule.engine.model import NONE, Model
from farm.schedule.engine.state import State, link_back
from farm.schedule.engine.timing import ENDLESS, earliest, fitted, occupy, prepare


@part
def dates_cost(shop: Any, job: Any, end: int) -> float:
    """What it costs that the last print of a job ends then; 0: none is planned."""
    if end == 0:
        return 0.0
    late = max(0, end - job.due)
    return float(job.weight * (shop.tardiness * late + shop.flow * (end - job.release)))


@part
def own_cost(
    model: Model, one: int, printer: int, hand_s: int, person: bool, changed: bool, start: int
) -> float:
    """What a print costs beside its job's dates."""
    it, shop = model.prints[one], model.shop[0]
    cost = model.charge[it.job, printer]
    if changed:
        cost += shop.changeover
    if person:
        cost += shop.hand_work * hand_s
    if it.was_on != NONE:
        cost += it.shift_price * abs(start - it.was_at)
        if it.was_on != printer:
            cost += shop.moved
    return float(cost)


@part
def unload(model: Model, state: State, one: int) -> None:
    """Give back what a print takes, until this try is over."""
    node, tally = state.nodes[one], state.tally[0]
    if node.loaded:
        occupy(state.load, model.shop[0], model.printers[node.on], node, -1)
        node.loaded = False
        state.unloaded[tally.unloaded] = one
        tally.unloaded += 1


@part
def load_again(model: Model, state: State, one: int) -> None:
    """Take what it had."""
    node = state.nodes[one]
    occupy(state.load, model.shop[0], model.printers[node.on], node, 1)
    node.loaded = True


@part
def record(state: State, one: int) -> None:
    """The try has new values for a print."""
    tally = state.tally[0]
    state.new[one].tried = tally.tick
    state.trail[tally.trail] = one
    tally.trail += 1


@part
def leave(model: Model, state: State) -> float:
    """A print gives its place up. Returns what that costs more, which is less."""
    one = state.tally[0].leaving
    if state.tally[0].packed:
        unload(model, state, one)
    record(state, one)
    new = state.new[one]
    new.on = NONE
    new.end = 0
    new.own = 0.0
    number = model.prints[one].job
    job = model.jobs[number]
    if job.prints > 1:
        state.tally[0].grouped = True
        return float(-state.nodes[one].own)
    return float(-state.nodes[one].own) - dates_cost(model.shop[0], job, state.groups[number].end)


@part
def follow(model: Model, state: State, stretch: Any, limit: float) -> float:
    """New times along a stretch. Returns what they cost more; ENDLESS for what cannot be, or is dearer than
    the limit."""
    nodes, prints, shop, tally = state.nodes, len(state.new), model.shop[0], state.tally[0]
    packed = tally.packed
    one, number = stretch.one, stretch.printer
    printer = model.printers[number]
    left = nodes[nodes[one].before]
    time, filament, spool = left.end, left.filament, left.spool
    clear = nodes[one].before >= prints and printer.clear
    cost = 0.0
    passed = False
    while one < prints:
        of = model.prints[one].job
        job, node, new = model.jobs[of], nodes[one], state.new[one]
        length = model.length[of, number]
        hand_s, person, filament, spool, changed = prepare(
            model.filaments, shop, printer, job, filament, spool, clear
        )
        time = max(time, job.release)
        if packed:
            unload(model, state, one)
            hand, start, end = fitted(model, state.load, printer, job, length, time, hand_s, person)
        else:
            hand, start, end = earliest(model.calendar, printer, job, length, time, hand_s, person)
        if end == NONE or end > job.deadline:
            return ENDLESS
        passed = passed or one == stretch.must
        if (
            passed
            and hand == node.hand
            and hand_s == node.hand_s
            and filament == node.filament
            and spool == node.spool
            and node.on == number
            and (start == node.start or not packed)
        ):
            while packed and one < prints and not nodes[one].loaded:
                load_again(model, state, one)
                one = nodes[one].after
            return cost
        record(state, one)
        new.on = number
        new.hand = hand
        new.hand_s = hand_s
        new.start = start
        new.end = end
        new.filament = filament
        new.spool = spool
        new.person = person
        new.own = own_cost(model, one, number, hand_s, person, changed, start)
        if packed:
            occupy(state.load, shop, printer, new, 1)
        cost += new.own - node.own
        if job.prints > 1:
            tally.grouped = True  # what it costs shows when all its prints have their times
        else:
            cost += dates_cost(shop, job, end) - dates_cost(shop, job, state.groups[of].end)
        if cost > limit and not tally.grouped:
            return ENDLESS
        time = end
        clear = False
        one = nodes[one].after
    place = state.places[number]
    place.new_done = time if nodes[one].before < prints else 0
    place.tried = tally.tick
    return cost


@part
def new_job_end(state: State, job: Any) -> int:
    """When the last of a job's prints ends in this try."""
    end = 0
    for one in range(job.first, job.first + job.prints):
        if state.new[one].tried == state.tally[0].tick:
            end = max(end, state.new[one].end)
        else:
            end = max(end, state.nodes[one].end)
    return end


@part
def done_at(state: State, printer: int) -> int:
    """When a printer's last print ends in this try."""
    place = state.places[printer]
    return int(place.new_done if place.tried == state.tally[0].tick else place.done)


@part
def new_makespan(state: State) -> int:
    """When the last of all prints ends in this try."""
    makespan = state.tally[0].makespan
    latest, was_last = 0, False
    for number in range(2):
        printer = state.stretches[number].printer
        if printer != NONE:
            latest = max(latest, done_at(state, printer))
            was_last = was_last or state.places[printer].done == makespan
    if latest >= makespan or not was_last:
        return int(max(latest, makespan))
    for printer in range(len(state.places)):
        latest = max(latest, done_at(state, printer))
    return int(latest)


@part
def begin(state: State) -> None:
    """A new try: nothing is changed yet."""
    tally = state.tally[0]
    tally.journal = 0
    tally.leaving = NONE
    tally.packed = False
    state.stretches[0].printer = state.stretches[1].printer = NONE


@part
def touch(state: State, number: int, printer: int, one: int, must: int) -> None:
    """Say what is changed: a stretch of each printer that is, the first or the second of them."""
    stretch = state.stretches[number]
    stretch.printer = printer
    stretch.one = one
    stretch.must = must


@part
def tried(model: Model, state: State, limit: float) -> float:
    """What the plan costs more, as the chains are linked now. ENDLESS for what cannot be, or is dearer than
    the limit."""
    tally, shop = state.tally[0], model.shop[0]
    tally.tick += 1
    tally.trail = 0
    tally.grouped = False
    cost = leave(model, state) if tally.leaving != NONE else 0.0
    for number in range(2):
        if state.stretches[number].printer != NONE and cost < ENDLESS:
            cost += follow(model, state, state.stretches[number], limit - cost if number else ENDLESS)
    if cost == ENDLESS:
        return ENDLESS
    if tally.grouped:
        for number in range(tally.trail):
            of = model.prints[state.trail[number]].job
            job, group = model.jobs[of], state.groups[of]
            if job.prints > 1 and group.tried != tally.tick:
                group.tried = tally.tick
                cost += dates_cost(shop, job, new_job_end(state, job)) - dates_cost(shop, job, group.end)
    for number in range(2 if shop.load > 0 else 0):
        printer = state.stretches[number].printer
        if printer != NONE:
            cost += shop.load * (done_at(state, printer) - state.places[printer].done)
    if shop.makespan > 0:
        cost += shop.makespan * (new_makespan(state) - tally.makespan)
    return cost


@part
def accept(model: Model, state: State, cost: float) -> None:
    """The plan is as was tried."""
    tally = state.tally[0]
    tally.makespan = new_makespan(state)
    tally.cost += cost
    for number in range(tally.trail):
        one = state.trail[number]
        node, new = state.nodes[one], state.new[one]
        if node.on != new.on:
            if node.on != NONE:
                state.places[node.on].count -= 1
            if new.on != NONE:
                state.places[new.on].count += 1
        node.on = new.on
        node.end = new.end
        node.own = new.own
        node.loaded = new.on != NONE and len(model.limit) > 0
        if new.on != NONE:
            node.hand = new.hand
            node.hand_s = new.hand_s
            node.start = new.start
            node.filament = new.filament
            node.spool = new.spool
            node.person = new.person
    for number in range(tally.trail):
        of = model.prints[state.trail[number]].job
        state.groups[of].end = new_job_end(state, model.jobs[of])
    for number in range(2):
        printer = state.stretches[number].printer
        if printer != NONE:
            state.places[printer].done = done_at(state, printer)


@part
def reject(model: Model, state: State) -> None:
    """All that was tried in the load is taken back."""
    for number in range(state.tally[0].trail):
        new = state.new[state.trail[number]]
        if new.on != NONE:
            occupy(state.load, model.shop[0], model.printers[new.on], new, -1)
    for number in range(state.tally[0].unloaded):
        one = state.unloaded[number]
        if not state.nodes[one].loaded:
            load_again(model, state, one)


@part
def changed(model: Model, state: State, limit: float) -> bool:
    """Whether the chains, as they are linked now, cost no more than the limit above what the plan did; then
    they are the plan. If not, all is as it was before the try."""
    tally = state.tally[0]
    shared = len(model.limit) > 0
    cost = 0.0
    for _ in range(2 if shared else 1):
        cost = tried(model, state, limit)
        if cost > limit:
            break
        if shared and not tally.packed:
            tally.packed = True
            tally.unloaded = 0
            for number in range(tally.trail):
                unload(model, state, state.trail[number])
    if cost <= limit:
        accept(model, state, cost)
        return True
    if tally.packed:
        reject(model, state)
    link_back(state)
    return False
