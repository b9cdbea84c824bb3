"""A plan as it stands, for kernels to change: every printer's prints as a chain, and when each of them is.

A print is its number; behind the last of the N prints there is one more node for each printer, its *head*, at
which its chain begins and ends. A head's times are those at which the printer is ready for its first print.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from farm.schedule.engine.compiled import kernel, part
from farm.schedule.engine.model import NONE, Int32s, Int64s, Model, Records

NODE = np.dtype(
    [
        ("hand", np.int64),
        ("hand_s", np.int64),
        ("start", np.int64),
        ("end", np.int64),
        ("tried", np.int64),
        ("spool", np.float64),
        ("own", np.float64),
        ("after", np.int64),
        ("before", np.int64),
        ("on", np.int64),
        ("filament", np.int64),
        ("person", np.bool_),
        ("fixed", np.bool_),
        ("loaded", np.bool_),
    ],
    align=True,
)
"""A print of the plan, or a head. after, before: the chain. on: the printer, NONE for what waits. hand,
start, end: seconds, 0 for what waits. filament, spool: what is loaded after it. own: what it costs by itself,
without its job's dates. person: whether somebody prepares it. fixed: it stays where it is. loaded: whether
its power and hands are in `load`. tried: when."""

PLACE = np.dtype(
    [
        ("count", np.int64),
        ("done", np.int64),
        ("new_done", np.int64),
        ("tried", np.int64),
        ("next", np.int64),
        ("time", np.int64),
        ("free", np.int64),
        ("loaded", np.int64),
        ("spool", np.float64),
    ]
)
"""Of a printer. count: of prints. done: when the last one ends, 0 without one; new_done: in try `tried`.
next, time: its next print and when its turn comes, while the plan is laid out or prints are dispatched; free,
loaded, spool: how it stands by then."""

GROUP = np.dtype([("end", np.int64), ("tried", np.int64)])
"""Of a job. end: of the last of its prints, 0 where none is placed."""

LINKS = np.dtype([("node", np.int64), ("after", np.int64), ("before", np.int64)])
"""What a node was linked to."""

STRETCH = np.dtype([("printer", np.int64), ("one", np.int64), ("must", np.int64)])
"""Of a printer's chain, what has to be followed: from print `one` on, and at least up to `must`, the last one
whose predecessor has changed, or the head. printer: NONE for nothing at all."""

TALLY = np.dtype(
    [
        ("cost", np.float64),
        ("left_out", np.float64),
        ("makespan", np.int64),
        ("waiting", np.int64),
        ("tick", np.int64),
        ("trail", np.int64),
        ("unloaded", np.int64),
        ("journal", np.int64),
        ("leaving", np.int64),
        ("packed", np.bool_),
        ("grouped", np.bool_),
    ],
    align=True,
)
"""Of the whole plan. left_out: weights of what waits. tick: the number of this try; trail, unloaded: how many
there are of them in it; journal: how many entries it has; leaving: a print that gives its place up in it, or
NONE; packed: whether it is with power and hands; grouped: whether it touches a job of several prints."""


JOURNAL = 32  # a try takes out and puts in two chains at most, which writes to four nodes each time


class State(NamedTuple):
    """nodes (N + P). new (N): of the same kind, what is being tried, for the prints of `trail`. unloaded:
    prints that were taken out of the load in this try. load: as the model's base, with the plan's prints.
    journal: how the chains were linked before this try. stretches: the two that it changes.
    waiting: the prints without a place; waiting_at: where in there. tally: a single record. chance: the state
    of the random numbers.
    """

    nodes: Records
    new: Records
    groups: Records
    places: Records
    load: Int32s
    trail: Int64s
    unloaded: Int64s
    journal: Records
    stretches: Records
    waiting: Int64s
    waiting_at: Int64s
    tally: Records
    chance: NDArray[np.uint64]


def empty(model: Model, seed: int) -> State:
    """A plan in which every print waits."""
    prints, printers = len(model.prints), len(model.printers)
    nodes = np.zeros(prints + printers, NODE)
    heads = nodes[prints:]
    nodes["on"] = nodes["after"] = nodes["before"] = NONE
    heads["on"] = np.arange(printers)
    heads["after"] = heads["before"] = np.arange(prints, prints + printers)
    heads["hand"] = heads["start"] = heads["end"] = model.printers["ready"]
    heads["filament"], heads["spool"] = model.printers["loaded"], model.printers["spool"]
    tally = np.zeros(1, TALLY)
    tally["waiting"], tally["leaving"] = prints, NONE
    tally["left_out"] = model.jobs["weight"][model.prints["job"]].sum()
    return State(
        nodes=nodes,
        new=np.zeros(prints, NODE),
        groups=np.zeros(len(model.jobs), GROUP),
        places=np.zeros(printers, PLACE),
        load=model.base.copy(),
        trail=np.zeros(prints, np.int64),
        unloaded=np.zeros(prints, np.int64),
        journal=np.zeros(JOURNAL, LINKS),
        stretches=np.full(6, NONE, np.int64).view(STRETCH),
        waiting=np.arange(prints, dtype=np.int64),
        waiting_at=np.arange(prints, dtype=np.int64),
        tally=tally,
        chance=np.array([_mixed(seed)], np.uint64),
    )


def _mixed(seed: int) -> int:
    """A start for the random numbers: never 0, and far apart for seeds that are not (splitmix64)."""
    mixed = (seed * 0x9E3779B97F4A7C15 + 0xD1B54A32D192ED03) % 2**64
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
    return mixed ^ (mixed >> 31) or 1


KEPT = ("nodes", "groups", "places", "load", "waiting", "waiting_at", "tally")
"""All that makes a plan; the rest is room for what is being tried."""


def keep(state: State) -> State:
    """The plan as it stands."""
    return state._replace(**{name: getattr(state, name).copy() for name in KEPT})


def bring_back(state: State, kept: State) -> None:
    """The plan as it was kept. Tries are counted on: marks of older ones must not look new."""
    tick = int(state.tally["tick"][0])
    for name in KEPT:
        getattr(state, name)[...] = getattr(kept, name)
    state.tally["tick"] = tick


@part
def draw(state: State) -> Any:
    """A random number (xorshift64)."""
    x = state.chance[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    state.chance[0] = x
    return x


@part
def below(state: State, limit: int) -> int:
    """A random whole number from 0 to before the limit."""
    return int(np.int64((draw(state) >> np.uint64(33)) * np.uint64(limit) >> np.uint64(31)))


@part
def fraction(state: State) -> float:
    """A random number, above 0 and at most 1."""
    return (float(draw(state) >> np.uint64(11)) + 1.0) / 9007199254740992.0


@part
def note(state: State, node: int) -> None:
    """Write down how a node is linked, before that changes."""
    tally = state.tally[0]
    entry = state.journal[tally.journal]
    entry.node = node
    entry.after = state.nodes[node].after
    entry.before = state.nodes[node].before
    tally.journal += 1


@part
def link_back(state: State) -> None:
    """The chains as they were before this try."""
    for number in range(state.tally[0].journal - 1, -1, -1):
        entry = state.journal[number]
        state.nodes[entry.node].after = entry.after
        state.nodes[entry.node].before = entry.before


@part
def link(state: State, first: int, last: int, left: int) -> None:
    """Put a chain of prints behind `left`."""
    nodes = state.nodes
    right = nodes[left].after
    note(state, left)
    nodes[left].after = first
    note(state, first)
    nodes[first].before = left
    note(state, last)
    nodes[last].after = right
    note(state, right)
    nodes[right].before = last


@part
def unlink(state: State, first: int, last: int) -> None:
    """Take a chain of prints out of its printer's."""
    nodes = state.nodes
    left, right = nodes[first].before, nodes[last].after
    note(state, left)
    nodes[left].after = right
    note(state, right)
    nodes[right].before = left


@part
def stop_waiting(state: State, one: int) -> None:
    """It is in the plan now."""
    tally = state.tally[0]
    tally.waiting -= 1
    hole, last = state.waiting_at[one], state.waiting[tally.waiting]
    state.waiting[hole] = last
    state.waiting_at[last] = hole


@part
def wait(state: State, one: int) -> None:
    """It is not in the plan any more."""
    tally = state.tally[0]
    state.waiting[tally.waiting] = one
    state.waiting_at[one] = tally.waiting
    tally.waiting += 1


@kernel
def put(state: State, one: int, printer: int) -> None:
    """A waiting print becomes the last one of a printer; it has no times yet."""
    state.tally[0].journal = 0
    stop_waiting(state, one)
    state.nodes[one].on = printer
    state.places[printer].count += 1
    link(state, one, one, state.nodes[len(state.new) + printer].before)


@kernel
def take(state: State, one: int) -> None:
    """A print that is not in the load waits again."""
    node = state.nodes[one]
    state.tally[0].journal = 0
    unlink(state, one, one)
    state.places[node.on].count -= 1
    node.on = NONE
    node.end = 0
    node.own = 0.0
    node.fixed = False
    wait(state, one)
