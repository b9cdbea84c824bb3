"""Detectors of trouble, judged on simulated printers: what they see and how soon, and what they make up.

The printers' heaters are physics (see `heat/plant.py`), their control sees the sensor alone, and the
detectors see only what each kind of print host passes on. The firmwares' own rules are held against them on
the same values. Printers are drawn from ranges that were never used for tuning. Beside what a control loop
hides from its printer's own sensor stands what the best linear filter sees of it (see `heat/oracle.py`).
`python -m scripts.benches.anomalies` prints the tables of the README, and every false alarm.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping, Sequence

from scripts.benches.figure import Figure, Rival
from scripts.benches.heat.judge import FAULTS, Calm, Seen, all_broken, all_calm, middle, share_seen
from scripts.benches.heat.oracle import all_best
from scripts.benches.heat.printers import KINDS
from scripts.benches.heat.prints import Fault
from scripts.benches.plans.planning import COMPILED

HOURS, QUICK_HOURS = 2500.0, 20.0  # of each kind
TIMES, QUICK_TIMES = 8, 1  # each fault, on so many printers of each kind
BEST_PRINTERS, BEST_HOURS, BEST_TIMES = 8, 500.0, 16
QUICK_BEST = (1, 40.0, 4)
HIDDEN = tuple(
    fault
    for fault in FAULTS
    if fault.what == "fan dead" or (fault.what == "sensor off" and fault.within_s > 1.0)
)
"""What a control loop takes up, so that the sensor's value stays where it was."""
NOT_LOOKED_FOR = (Fault("filament stalled"),)
BY_ITSELF = ("moonraker", "serial")  # tell at 1 Hz or more

Broken = Mapping[tuple[str, Fault], Sequence[Seen]]
Best = Mapping[tuple[str, Fault], float]


def run(quick: bool) -> list[Figure]:
    """Healthy printers, then broken ones."""
    os.environ.setdefault("NUMBA_CACHE_DIR", str(COMPILED))
    return figures(*measured(quick))


def measured(quick: bool) -> tuple[dict[str, Calm], Broken, Best]:
    """By kind of print host: healthy printers; each fault; and the share that the best filter sees."""
    calm = all_calm(KINDS, QUICK_HOURS if quick else HOURS, judging=True)
    faults = [fault for fault in FAULTS if has_to_be_seen(fault)] if quick else FAULTS
    broken = all_broken(KINDS, faults, QUICK_TIMES if quick else TIMES, judging=True)
    hidden = [*(fault for fault in HIDDEN if fault in faults), *NOT_LOOKED_FOR]
    best = QUICK_BEST if quick else (BEST_PRINTERS, BEST_HOURS, BEST_TIMES)
    return calm, broken, all_best(KINDS, hidden, *best)


def has_to_be_seen(fault: Fault) -> bool:
    """Whether it is as large as one that has to be seen."""
    match fault.what:
        case "power down":
            return fault.size >= 30
        case "sensor off":
            return abs(fault.size) >= 10
        case "sensor drifts":
            return abs(fault.size) >= 5
        case "sensor frozen":
            return fault.size >= 30
        case "stalled":
            return fault.size >= 120
        case "slow layer":
            return fault.size >= 3
        case _:
            return True


def figures(calm: Mapping[str, Calm], broken: Broken, best: Best) -> list[Figure]:
    """False alarms first, then each fault that has to be seen: how many are, and how soon."""
    hours = sum(one.hours for one in calm.values())
    warnings, pauses = sum(one.warnings for one in calm.values()), sum(one.pauses for one in calm.values())
    stops = sum(one.firmware for one in calm.values())
    found = [
        Figure("healthy printers", hours, "h"),
        Figure("false pauses in 10,000 h", pauses * 10_000 / hours, "pauses", goal="value<=1"),
        Figure("false warnings in 500 h", warnings * 500 / hours, "warnings", goal="value<=1"),
        Figure("false stops by their firmware in 10,000 h", stops * 10_000 / hours, "stops"),
    ]
    for fault in dict.fromkeys(fault for _, fault in broken):
        if has_to_be_seen(fault):
            found += _of_fault(fault, broken)
            found += _at_best(fault, best)
    for fault in NOT_LOOKED_FOR:
        found += _at_best(fault, best)
    return found


def _of_fault(fault: Fault, broken: Broken) -> list[Figure]:
    name = named(fault)
    everywhere = [seen for kind in KINDS for seen in broken[kind, fault]]
    quick = [seen for kind in BY_ITSELF for seen in broken[kind, fault]]
    delay, theirs = middle([each.noted_s for each in quick]), middle([each.firmware_s for each in quick])
    found = [
        Figure(f"{name}: seen at 1 Hz and better", 100 * share_seen(quick), "%", goal="value>=100"),
        Figure(f"{name}: seen by all kinds", 100 * share_seen(everywhere), "%"),
    ]
    if math.isfinite(delay):
        rival = Rival("their firmware", theirs) if math.isfinite(theirs) and theirs >= 1.0 else None
        goal = "ratio<=0.5" if rival is not None else None
        found.append(Figure(f"{name}: delay at 1 Hz and better", delay, "s", rival, goal))
    return found


def _at_best(fault: Fault, best: Best) -> list[Figure]:
    if (KINDS[0], fault) not in best:
        return []
    at_1_hz = sum(best[kind, fault] for kind in BY_ITSELF) / len(BY_ITSELF)
    everywhere = sum(best[kind, fault] for kind in KINDS) / len(KINDS)
    name = f"{named(fault)}: what the best linear filter sees"
    return [
        Figure(f"{name}, at 1 Hz and better", 100 * at_1_hz, "%"),
        Figure(f"{name}, by all kinds", 100 * everywhere, "%"),
    ]


def named(fault: Fault) -> str:
    """A fault in words."""
    part = {"tool0": "nozzle", "bed": "bed"}[fault.part]
    slowly = f" within {fault.within_s:.0f} s" if fault.within_s > 1.0 else ""
    match fault.what:
        case "power down":
            return f"{part}'s power down by {fault.size:.0f} %{slowly}"
        case "sensor off":
            return f"sensor off by {fault.size:+.0f} °C{slowly or ' at once'}"
        case "sensor drifts":
            return f"sensor drifts by {fault.size:+.0f} °C a minute"
        case "sensor frozen":
            return f"sensor frozen for {fault.size:.0f} s"
        case "sensor torn":
            return f"sensor {'short' if fault.size > 0 else 'torn off'}"
        case "relay stuck":
            return f"{part}'s relay stuck"
        case "stalled":
            return f"print stalled for {fault.size:.0f} s"
        case "slow layer":
            return f"layers take {fault.size:.0f} times as long"
        case _:
            return fault.what


def table(broken: Broken) -> str:
    """The README's: by kind of print host how many are seen, and the median delay; and the firmware's."""
    lines = [
        "| what breaks | Klipper | its firmware | Marlin | its firmware | OctoPrint | PrusaLink |",
        "|---|---|---|---|---|---|---|",
    ]
    for fault in dict.fromkeys(fault for _, fault in broken):
        cells = [_cell(broken[kind, fault]) for kind in KINDS]
        klipper, marlin = (_seconds([s.firmware_s for s in broken[kind, fault]]) for kind in BY_ITSELF)
        row = (named(fault), cells[0], klipper, cells[1], marlin, cells[2], cells[3])
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def bounds(broken: Broken, best: Best) -> str:
    """The README's: how many of what is hidden we see, and how many the best filter, by kind of host."""
    lines = ["| what breaks | Klipper | Marlin | OctoPrint | PrusaLink |", "|---|---|---|---|---|"]
    for fault in dict.fromkeys(fault for _, fault in best):
        seen = [share_seen(broken.get((kind, fault), ())) for kind in KINDS]
        cells = (f"{ours:.0%} / {best[kind, fault]:.0%}" for kind, ours in zip(KINDS, seen, strict=True))
        lines.append(f"| {named(fault)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(seen: Sequence[Seen]) -> str:
    share = share_seen(seen)
    if share == 0.0:
        return "–"
    delay = middle([each.noted_s for each in seen if math.isfinite(each.noted_s)])
    return f"{delay:.0f} s" if share == 1.0 else f"{delay:.0f} s ({share:.0%})"


def _seconds(delays: Sequence[float]) -> str:
    delay = middle(delays)
    return f"{delay:.0f} s" if math.isfinite(delay) else "–"


if __name__ == "__main__":
    os.environ.setdefault("NUMBA_CACHE_DIR", str(COMPILED))
    healthy, faulty, possible = measured("--quick" in sys.argv)
    for kind, one in healthy.items():
        print(f"{kind}: {one.hours:.0f} h, {one.warnings} false warnings, {one.pauses} false pauses")
        for words in one.said:
            print("   ", words)
    print(table(faulty))
    print(bounds(faulty, possible))
