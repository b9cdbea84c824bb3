"""Where a rule of `policy` is broken: which rule, in which line."""

from __future__ import annotations

from typing import Any

from farm.files.gcode.kernel.scan import MOST_DANGERS, MOST_OF_A_RULE
from farm.files.gcode.kernel.text import P, S
from farm.files.gcode.policy import OUTSIDE, When
from farm.workers.kernels import kernel

BESIDE = 5.0  # mm that a nozzle goes beside the bed to wipe itself or to draw a line
BELOW = 1.0  # mm: what a shop sets its first layer lower by, and some
COLD = 170.0  # degC: under it Marlin does not extrude

ALWAYS, WITH_NUMBERS = int(When.ALWAYS), int(When.WITH_NUMBERS)
NOZZLE_TOO_HOT, BED_TOO_HOT = int(When.NOZZLE_TOO_HOT), int(When.BED_TOO_HOT)
COLD_ALLOWED, SWITCHED_OFF = int(When.COLD_ALLOWED), int(When.SWITCHED_OFF)


@kernel
def check_rule(scan: Any, rule: int, numbered: int) -> None:
    """The command has a rule; is it broken by this one?"""
    condition, motion = scan.conditions[rule], scan.motion
    degc = scan.words[S] if numbered & (1 << S) else 0.0
    broken = condition == ALWAYS or (condition == WITH_NUMBERS and numbered != 0)
    if condition == NOZZLE_TOO_HOT:
        broken = 0 < motion.hottest_nozzle < degc
    elif condition == BED_TOO_HOT:
        broken = 0 < motion.hottest_bed < degc
    elif condition == COLD_ALLOWED:
        cold = numbered & (1 << S) and degc < COLD
        broken = bool(cold) or (numbered & (1 << P) != 0 and scan.words[P] == 1)
    elif condition == SWITCHED_OFF:
        broken = numbered & (1 << S) != 0 and degc == 0
    if broken:
        tell(scan, rule, degc)


@kernel
def tell(scan: Any, rule: int, value: float) -> None:
    found = scan.found
    scan.of_rule[rule] += 1
    if scan.of_rule[rule] > MOST_OF_A_RULE or found.dangers >= MOST_DANGERS:
        found.more_dangers += 1
        return
    danger = scan.dangers[found.dangers]
    danger.rule, danger.line, danger.value = rule, scan.reader.line, value
    found.dangers += 1


@kernel
def guard(scan: Any, x: float, y: float, z: float) -> None:
    """Does the nozzle stay where it may go?"""
    volume = scan.motion.volume
    inside = volume[0, 0] - BESIDE <= x <= volume[1, 0] + BESIDE
    inside &= volume[0, 1] - BESIDE <= y <= volume[1, 1] + BESIDE
    inside &= volume[0, 2] - BELOW <= z <= volume[1, 2] + BESIDE
    if not inside:
        tell(scan, OUTSIDE, z)
