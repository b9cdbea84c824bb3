"""Dispatch rules: whenever a printer is free and somebody is there, it is given one of the prints that wait.

Power and the number of people are not looked at; the chains that come out are laid out with them afterwards.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import Any

from farm.schedule.engine.compiled import kernel, part
from farm.schedule.engine.layout import first_turn
from farm.schedule.engine.model import NONE, Int64s, Model
from farm.schedule.engine.state import State, put
from farm.schedule.engine.timing import earliest, prepare, staffed_at

NEVER = 2**62
FIRST = 1e12  # seconds: what goes before any date
LEAST = 1e-6  # seconds: what decides between equal dates


class Rule(IntEnum):
    """Which of the waiting prints comes next."""

    FIFO = 0  # the one that could have been begun first
    FIFO_LOADED = 1  # the same, but those for which the filament is loaded go before
    EDD = 2  # the one that is due first, of several the weightiest
    PRIORITY_EDD = 3  # the weightiest, and of those the one that is due first
    WSPT = 4  # the most weight for its time
    ATCS = 5  # the same, less for what has time yet and for what needs a change (Lee & Pinedo 1997)


_FIFO, _FIFO_LOADED, _EDD, _PRIORITY_EDD, _WSPT = (int(rule) for rule in list(Rule)[:5])


@part
def urgency(
    rule: int, job: Any, length: int, hand_s: int, changed: bool, time: int, calm: float, ease: float
) -> float:
    """The print with the lowest comes next. calm, ease: seconds by which ATCS measures slack and set-ups."""
    if rule == _FIFO:
        return float(job.release)
    if rule == _FIFO_LOADED:
        return float(job.release + (FIRST if changed else 0.0))
    if rule == _EDD:
        return float(job.due - LEAST * job.weight)
    if rule == _PRIORITY_EDD:
        return float(job.due - FIRST * job.weight)
    if rule == _WSPT:
        return float(-job.weight / (length + hand_s))
    slack = max(0, job.due - length - time)
    return float(-job.weight / length * math.exp(-slack / calm) * math.exp(-hand_s / ease))


@kernel
def dispatch(
    model: Model, state: State, waits: Int64s, refused: Int64s, rule: int, calm: float, ease: float
) -> None:
    """Give waiting prints their places behind those that have one already, where there is one. `waits` is
    used up; among equals the first goes first. refused: NONE for every print; the printer where it cannot be
    any more."""
    nodes, shop, prints, printers = state.nodes, model.shop[0], len(state.new), len(model.printers)
    for number in range(printers):
        last, place = nodes[nodes[prints + number].before], state.places[number]
        place.time = place.free = last.end
        place.loaded = last.filament
        place.spool = last.spool
    left = len(waits)
    while left > 0:
        number = first_turn(state)
        place = state.places[number]
        if place.time == NEVER:
            break
        printer = model.printers[number]
        clear = nodes[prints + number].before >= prints and printer.clear
        release = NEVER
        for at in range(left):
            of = model.prints[waits[at]].job
            if model.length[of, number] > 0 and refused[waits[at]] != number:
                release = min(release, model.jobs[of].release)
        time = NEVER
        if release < NEVER:
            time = max(place.free, release)
            if not clear and not printer.ejects:
                time = staffed_at(model.calendar, time, shop.clear_s)
                if time == NONE:
                    time = NEVER
        if time > place.time:
            place.time = time
            continue
        best, least = left, math.inf
        for at in range(left):
            of = model.prints[waits[at]].job
            job, length = model.jobs[of], model.length[of, number]
            if length > 0 and job.release <= time and refused[waits[at]] != number:
                hand_s, _, _, _, changed = prepare(
                    model.filaments, shop, printer, job, place.loaded, place.spool, clear
                )
                value = urgency(rule, job, length, hand_s, changed, time, calm, ease)
                if best == left or value < least:
                    best, least = at, value
        one = waits[best]
        of = model.prints[one].job
        job, length = model.jobs[of], model.length[of, number]
        hand_s, person, filament, spool, _ = prepare(
            model.filaments, shop, printer, job, place.loaded, place.spool, clear
        )
        begin = max(place.free, job.release)
        _, _, end = earliest(model.calendar, printer, job, length, begin, hand_s, person)
        if end == NONE or end > job.deadline:
            refused[one] = number
            continue
        put(state, one, number)
        place.loaded = filament
        place.spool = spool
        place.time = place.free = end
        left -= 1
        for at in range(best, left):
            waits[at] = waits[at + 1]
