"""Prints into a plan that stands, each where it costs least."""

from __future__ import annotations

from farm.schedule.engine.compiled import kernel, part
from farm.schedule.engine.layout import NEVER, placed
from farm.schedule.engine.model import NONE, Int64s, Model
from farm.schedule.engine.retime import begin, changed, dates_cost, touch, tried
from farm.schedule.engine.state import State, link, link_back, put, stop_waiting, take
from farm.schedule.engine.timing import ENDLESS, occupy

ANY_COST = 1e300


@part
def put_behind(state: State, one: int, printer: int, left: int) -> None:
    """Begin a try with a print in a new place."""
    begin(state)
    right = state.nodes[left].after
    link(state, one, one, left)
    touch(state, 1, printer, one, right)


@kernel
def insert(model: Model, state: State, order: Int64s) -> None:
    """Put these waiting prints into the plan, one after the other, as far as there is a place for them."""
    nodes, prints = state.nodes, len(state.new)
    for one in order:
        job = model.jobs[model.prints[one].job]
        best, behind, on = ENDLESS, prints, prints
        for number in range(job.may_begin, job.may_end):
            printer = model.may[number]
            left = prints + printer
            while True:
                right = nodes[left].after
                if right >= prints or not nodes[right].fixed:
                    put_behind(state, one, printer, left)
                    cost = tried(model, state, best)
                    link_back(state)
                    if cost < best:
                        best, behind, on = cost, left, printer
                left = right
                if left >= prints:
                    break
        # With power and people it may not fit there. At the end of a chain it disturbs nobody.
        for number in range(job.may_begin - 1, job.may_end if best < ENDLESS else job.may_begin - 1):
            if number >= job.may_begin:
                on = model.may[number]
                behind = nodes[prints + on].before
            put_behind(state, one, on, behind)
            if changed(model, state, ANY_COST):
                stop_waiting(state, one)
                state.tally[0].left_out -= job.weight
                break


@kernel
def append(model: Model, state: State, order: Int64s) -> None:
    """Put these waiting prints behind all others, one after the other, each on the printer where it costs
    least by itself, with the power and the people that are left by then. What has no place there waits."""
    nodes, shop = state.nodes, model.shop[0]
    for one in order:
        job = model.jobs[model.prints[one].job]
        best, on = ENDLESS, NONE
        for number in range(job.may_begin, job.may_end):
            printer = model.may[number]
            put(state, one, printer)
            if placed(model, state, printer, one, False) != NEVER:
                node = nodes[one]
                cost = node.own + dates_cost(shop, job, node.end)
                if cost < best:
                    best, on = cost, printer
                if node.loaded:
                    occupy(state.load, shop, model.printers[printer], node, -1)
                    node.loaded = False
            take(state, one)
        if on != NONE:
            put(state, one, on)
            placed(model, state, on, one, False)
