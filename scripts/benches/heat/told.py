"""What the farm is told of a simulated printer: each kind of print host has its own part of the truth."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from farm.detect.values import Sample
from farm.domain.printer import Position, Temperature
from farm.drivers.base import Fan
from scripts.benches.heat.plant import STEP_S
from scripts.benches.heat.printers import Draw, SimulatedPrinter
from scripts.benches.heat.prints import OPERATIONS, Trace

TOLD_S = {"moonraker": 0.5, "serial": 1.0, "octoprint": 0.5, "prusalink": 5.0}
DECIMALS = {"moonraker": 2, "serial": 2, "octoprint": 2, "prusalink": 1}
KNOWS_POWER = {"moonraker": True, "serial": True, "octoprint": False, "prusalink": False}
GAPS_AN_HOUR = 0.5  # a network that hangs for some seconds


def samples(printer: SimulatedPrinter, trace: Trace, draw: Draw, begins_at: float) -> Iterator[Sample]:
    """What comes of a trace, in order. begins_at: on the farm's clock."""
    kind, n = printer.kind, trace.operation.size
    told = _moments(kind, n, draw)
    when = measured(printer, told, draw)
    heaters = {
        name: (
            np.round(trace.shown[name][when], DECIMALS[kind]).tolist(),
            trace.target[name][when].tolist(),
        )
        for name in trace.shown
    }
    progress = _progress(printer, trace, draw)[told].tolist()
    operation, z_mm = trace.operation[told].tolist(), trace.z_mm[told].tolist()
    hops = np.random.default_rng(draw.chance.randrange(2**31)).random(told.size) < 0.05
    hops &= np.diff(trace.progress[told], prepend=0.0) > 0.0
    duties = {name: trace.duty[name][when].tolist() for name in trace.duty}
    fan = trace.fan[told].tolist()
    knows_power, knows_place = KNOWS_POWER[kind], kind == "moonraker"
    at = (begins_at + told * STEP_S + STEP_S).tolist()
    for i in range(len(at)):
        place = Position(progress[i] * 9e3 % 200, progress[i] * 7e3 % 180, z_mm[i]) if knows_place else None
        yield Sample(
            at=at[i],
            heaters={name: Temperature(shown[i], target[i]) for name, (shown, target) in heaters.items()},
            operation=OPERATIONS[operation[i]],
            progress=progress[i],
            z_mm=z_mm[i] + (0.4 if knows_place and hops[i] else 0.0),
            position=place,
            duty={name: shares[i] for name, shares in duties.items()} if knows_power else {},
            fans={"fan": Fan(fan[i])} if knows_power else {},
        )


def _moments(kind: str, n: int, draw: Draw) -> np.ndarray:
    """The steps at which the farm is told something."""
    step = int(TOLD_S[kind] / STEP_S)
    told = np.arange(0, n, step)
    for _ in range(
        np.random.default_rng(draw.chance.randrange(2**31)).poisson(GAPS_AN_HOUR * n * STEP_S / 3600)
    ):
        at, lasts = draw.chance.randrange(n), int(draw.of(2, 20) / STEP_S)
        told = told[(told < at) | (told >= at + lasts)]
    return told


def measured(printer: SimulatedPrinter, told: np.ndarray, draw: Draw) -> np.ndarray:
    """The steps at which the values were measured that are told then."""
    match printer.kind:
        case "octoprint":  # it asks its printer now and then, and tells the last answer again until the next
            every = int(printer.polled_s / STEP_S)
            when: np.ndarray = np.maximum(told // every * every - 1, 0)
            return when
        case "prusalink":  # some seconds old, as the moment falls
            late = np.random.default_rng(draw.chance.randrange(2**31)).integers(0, 5, told.size)
            return np.maximum(told - late, 0)
        case _:
            return told


def _progress(printer: SimulatedPrinter, trace: Trace, draw: Draw) -> np.ndarray:
    if printer.kind == "prusalink":
        return np.floor(trace.progress * 100) / 100
    moves = int(draw.of(0.5, 6) / STEP_S) + 1  # a file comes on with each of its lines
    done = trace.progress
    held = done[np.arange(done.size) // moves * moves]
    return np.round(held, 6)
