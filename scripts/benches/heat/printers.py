"""Printers drawn at random: their heaters, how they are controlled, and what the farm is told by them.

Tuning and judging draw from ranges that do not meet: each range is cut into tenths, of which every other one
is for tuning alone.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from scripts.benches.heat.plant import Plant

KINDS = ("moonraker", "serial", "octoprint", "prusalink")
ROOM_DEGC = 22.0


class Draw:
    """Draws numbers for one purpose."""

    def __init__(self, seed: int, judging: bool) -> None:
        self.chance = random.Random(seed * 2 + judging)
        self._judging = judging

    def of(self, low: float, high: float) -> float:
        """From this purpose's tenths of a range."""
        tenth = 2 * self.chance.randrange(5) + (0 if self._judging else 1)
        return low + (high - low) * (tenth + self.chance.random()) / 10

    def happens(self, share: float) -> bool:
        """As often as that."""
        return self.chance.random() < share


@dataclass(frozen=True, slots=True)
class SimulatedPrinter:
    """kind: how it talks. fan: how much it blows, as a rule, 0..1.

    fan_share, flow_share: what the fan, and filament, add to the nozzle's loss. polled_s: how often its print
    host asks it, where that has to.
    """

    kind: str
    tool: Plant
    bed: Plant
    fan: float
    fan_share: float
    flow_share: float
    tool_degc: float
    bed_degc: float
    polled_s: float
    layer_s: float


def printer(kind: str, draw: Draw) -> SimulatedPrinter:
    """One of a kind."""
    tool_degc, bed_degc = draw.of(195, 245), draw.of(50, 80)
    fan_share = draw.of(0.25, 0.5)
    return SimulatedPrinter(
        kind,
        _tool(draw, tool_degc - ROOM_DEGC, fan_share),
        _bed(draw, bed_degc - ROOM_DEGC),
        draw.of(0.6, 1.0),
        fan_share,
        draw.of(0.03, 0.12),
        tool_degc,
        bed_degc,
        draw.of(1.9, 4.9),
        draw.of(15, 70),
    )


def _tool(draw: Draw, rise: float, fan_share: float) -> Plant:
    loss = draw.of(0.05, 0.10)
    # What a printer is built with: it holds its target with the fan on, and has some to spare.
    power = loss * (1 + fan_share) * rise * draw.of(1.5, 2.6)
    return _controlled(
        draw,
        power,
        block=draw.of(7, 16),
        loss=loss,
        core_s=draw.of(1.0, 3.0),
        sensor_s=draw.of(0.6, 2.0),
        noise=draw.of(0.03, 0.25),
        step=draw.of(0.01, 0.15),
        bang=0.0,
    )


def _bed(draw: Draw, rise: float) -> Plant:
    loss = draw.of(1.2, 3.0)
    power = loss * rise * draw.of(1.6, 3.0)
    return _controlled(
        draw,
        power,
        block=draw.of(350, 900),
        loss=loss,
        core_s=draw.of(3.0, 8.0),
        sensor_s=draw.of(2.0, 8.0),
        noise=draw.of(0.02, 0.15),
        step=draw.of(0.01, 0.12),
        bang=draw.of(0.3, 1.2) if draw.happens(0.5) else 0.0,
    )


def _controlled(
    draw: Draw,
    power: float,
    block: float,
    loss: float,
    core_s: float,
    sensor_s: float,
    noise: float,
    step: float,
    bang: float,
) -> Plant:
    """Tuned like a process of first order with a dead time, more or less well."""
    dead_s = 0.6 * (core_s + sensor_s)  # as two lags in a row look from outside
    gain, slow_s = power / loss, block * 1.15 / loss
    kp = draw.of(0.6, 1.1) * slow_s / (gain * dead_s)
    ki = kp / min(slow_s, draw.of(5.0, 9.0) * dead_s)
    return Plant(power, block, loss, core_s, sensor_s, noise, step, bang, kp, ki, kp * dead_s * 0.4)
