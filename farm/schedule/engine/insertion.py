"""Prints into a plan that stands, each where it costs least."""

from __future__ import annotations

from farm.schedule.engine.model import NONE, Int64s, Model
from farm.schedule.engine.retime import NOTHING, Stretch, changed, tried
from farm.schedule.engine.state import State, link, stop_waiting, unlink
from farm.schedule.engine.timing import ENDLESS
from farm.workers.kernels import kernel

ANY_COST = 1e300


@kernel
def added(model: Model, state: State, one: int, printer: int, left: int) -> bool:
    """Whether a waiting print can be put behind another print or head; then it is."""
    nodes = state.nodes
    link(nodes, one, one, left)
    if changed(model, state, Stretch(printer, one, nodes[one].after), NOTHING, NONE, ANY_COST):
        stop_waiting(state, one)
        state.tally[0].left_out -= model.jobs[model.prints[one].job].weight
        return True
    unlink(nodes, one, one)
    return False


@kernel
def insert(model: Model, state: State, order: Int64s) -> None:
    """Put these waiting prints into the plan, one after the other, as far as there is a place for them."""
    nodes, prints = state.nodes, len(state.new)
    for one in order:
        job = model.jobs[model.prints[one].job]
        best, behind, on = ENDLESS, NONE, NONE
        for number in range(job.may_begin, job.may_end):
            printer = model.may[number]
            left = prints + printer
            while True:
                right = nodes[left].after
                if right >= prints or not nodes[right].fixed:
                    link(nodes, one, one, left)
                    cost = tried(model, state, Stretch(printer, one, right), NOTHING, NONE, False, best)
                    unlink(nodes, one, one)
                    if cost < best:
                        best, behind, on = cost, left, printer
                left = right
                if left >= prints:
                    break
        if on != NONE and not added(model, state, one, on, behind):
            # With power and people it cannot be there. At the end of a chain it disturbs nobody.
            for number in range(job.may_begin, job.may_end):
                printer = model.may[number]
                if added(model, state, one, printer, nodes[prints + printer].before):
                    break
