"""What the printers' own firmwares look for on the same values: Marlin's and Klipper's protection of heaters.

Marlin (as shipped, `temperature.cpp`): while it is more than 6 degC below its target a heater has to gain 2
degC within 20 s (a bed within 60 s); once there it may be 4 degC below it for 40 s. Klipper (as shipped,
`verify_heater.py`): on its way up 2 degC within 20 s (60 s for a bed); at its target the degrees beyond 5
below it, added up each second, may come to 120. Both stop beyond their highest and below their lowest
temperature at once.
"""

from __future__ import annotations

import numba
import numpy as np

from scripts.benches.heat.plant import STEP_S, Array

LOWEST_DEGC = 5.0
HIGHEST_DEGC = {"tool0": 290.0, "bed": 125.0}
WATCHES_S = {"tool0": 20.0, "bed": 60.0}


def seen_at(kind: str, heater: str, shown: Array, target: Array) -> float | None:
    """When the firmware behind a kind of print host stops, in seconds; None where it never does."""
    rule = _klipper if kind == "moonraker" else _marlin
    step = int(rule(shown, target, WATCHES_S[heater], HIGHEST_DEGC[heater]))
    return None if step < 0 else step * STEP_S


@numba.njit(cache=True)
def _marlin(shown, target, watch_s, highest):  # type: ignore[no-untyped-def]
    reached, watched, wanted, ok_at = False, -1, 0.0, 0
    for i in range(0, shown.size, 4):
        actual, goal = shown[i], target[i]
        if actual > highest or actual < LOWEST_DEGC:
            return i
        if i == 0 or goal != target[i - 4]:
            reached = False
            watched = -1
            if goal > 0.0 and actual < goal - 6.0:
                watched, wanted = i, actual + 2.0
        if goal <= 0.0:
            continue
        if watched >= 0:
            if actual >= wanted:
                watched, wanted = i, actual + 2.0
                if actual >= goal - 6.0:
                    watched = -1
            elif (i - watched) * STEP_S > watch_s:
                return i
        if actual >= goal:
            reached = True
        if actual >= goal - 4.0:
            ok_at = i
        elif reached and (i - ok_at) * STEP_S > 40.0:
            return i
    return -1


@numba.njit(cache=True)
def _klipper(shown, target, watch_s, highest):  # type: ignore[no-untyped-def]
    error, approaching, goal_degc, due, last = 0.0, False, 0.0, 0, 0.0
    for i in range(0, shown.size, 4):
        actual, goal = shown[i], target[i]
        if actual > highest + 10.0 or actual < LOWEST_DEGC - 5.0:
            return i
        if actual >= goal - 5.0 or goal <= 0.0:
            approaching, error = False, 0.0
            last = goal
            continue
        error += (goal - 5.0) - actual
        if not approaching:
            if goal != last:
                approaching, goal_degc, due = True, actual + 2.0, i + int(watch_s / STEP_S)
            elif error >= 120.0:
                return i
        elif actual >= goal_degc:
            goal_degc, error, due = actual + 2.0, 0.0, i + int(watch_s / STEP_S)
        elif i >= due:
            return i
        last = goal
    return -1


def earliest(kind: str, shown: dict[str, Array], target: dict[str, Array], since_s: float) -> float | None:
    """The first of a printer's heaters for which its firmware stops after a moment; None for never."""
    begin = int(since_s / STEP_S)
    found = [
        at
        for name in shown
        if (at := seen_at(kind, name, shown[name], target[name])) is not None and at >= begin * STEP_S
    ]
    return min(found, default=None)


def warm_up() -> None:
    """Compile."""
    for kind in ("moonraker", "serial"):
        seen_at(kind, "tool0", np.zeros(8), np.zeros(8))
