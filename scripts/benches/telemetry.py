"""What a measured value costs: taken in, reckoned up, looked at for medians and patterns; beside river.

A thousand printers with four channels each are measured once a second, 210 degC give or take a tenth. Ours
looks back on 1000 samples, reckons up every 5 s and tells all statistics then; the median and its deviation
are looked for every 100 s. river keeps, for each channel, the mean and variance of the last 1000 samples,
and the mean and variance weighted towards now; the slope it leaves out. What both say at the end is held
against NumPy over the same samples. Figures are of processor time, runs in turn.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from statistics import median

from scripts import environment
from scripts.benches.figure import Figure, Rival, alternating
from scripts.environment import CHECKOUT, EnvironmentFailed
from scripts.test import PEER_LOCKS, locked_version

WINDOW, BATCH, CHANNELS = 1000, 5, 4096

SAMPLES = """
import json, sys, time
import numpy as np
window, channels, more = (int(each) for each in sys.argv[1:4])
chance = np.random.default_rng(7)
rows = (210.0 + chance.normal(0.0, 0.1, (window + more, channels))).astype(np.float32)
last = rows[-window:].astype(np.float64)
wanted = {"mean": last.mean(axis=0), "variance": last.var(axis=0, ddof=1)}
def close(name, found, wanted):
    off = float(np.abs(np.asarray(found) - wanted).max())
    if not off < 1e-6:
        sys.exit(f"{name} is off by {off}")
"""

RINGS = (
    SAMPLES
    + """
from farm.telemetry.insight import ROBUST_EVERY
from farm.telemetry.patterns import line
from farm.telemetry.ring import WIDTH, Ring
from farm.telemetry.robust import SCALE, median_and_deviation
batch = int(sys.argv[4])
rings = [Ring(window, batch) for _ in range(channels // WIDTH)]
for ring in rings:
    for channel in range(WIDTH):
        ring.begin(channel, 210.0)
def feed(rows):
    for begin in range(0, len(rows), batch):
        for number, ring in enumerate(rings):
            np.frombuffer(ring.gathered, np.float32).reshape(batch, WIDTH)[:] = rows[
                begin : begin + batch, number * WIDTH : (number + 1) * WIDTH
            ]
            ring.reckon()
            summaries[number] = ring.summary()
summaries = [None] * len(rings)
feed(rows[:window])
begun = time.process_time()
feed(rows[window:])
statistics = (time.process_time() - begun) / (more * channels)
begun, robust = time.process_time(), []
for ring in rings:
    for first in range(0, WIDTH, 64):
        robust.append(median_and_deviation(ring.rows(window, np.arange(first, first + 64))))
took = (time.process_time() - begun) / (ROBUST_EVERY * channels)
slope = line(last.astype(np.float32))
for name in ("mean", "variance"):
    close(name, np.concatenate([getattr(each, name) for each in summaries]), wanted[name])
close("slope", np.concatenate([each.slope for each in summaries]), slope.slope)
middle = np.median(last, axis=0)
close("median", np.concatenate([each[0] for each in robust]), middle)
off = np.median(np.abs(last - middle), axis=0)
close("deviation", np.concatenate([each[1] for each in robust]), SCALE * off)
print(json.dumps({"statistics": 1e6 * statistics, "robust": 1e6 * took}))
"""
)

RIVER = (
    SAMPLES
    + """
from river import stats, utils
sums = [
    (
        utils.Rolling(stats.Mean(), window),
        utils.Rolling(stats.Var(), window),
        stats.EWMean(2 / 31),
        stats.EWVar(2 / 31),
    )
    for _ in range(channels)
]
values = rows.astype(float).T.tolist()
for column, each in zip(values, sums):
    for value in column[:window]:
        for one in each:
            one.update(value)
begun = time.process_time()
for column, (mean, variance, weighted, spread) in zip(values, sums):
    for value in column[window:]:
        mean.update(value)
        variance.update(value)
        weighted.update(value)
        spread.update(value)
        z = (value - weighted.get()) / (spread.get() ** 0.5 or 1.0)
statistics = (time.process_time() - begun) / (more * channels)
close("mean", [each[0].get() for each in sums], wanted["mean"])
close("variance", [each[1].get() for each in sums], wanted["variance"])
quantiles = [stats.RollingQuantile(0.5, window_size=window) for _ in range(channels)]
for column, quantile in zip(values, quantiles):
    for value in column[:window]:
        quantile.update(value)
begun = time.process_time()
for column, quantile in zip(values, quantiles):
    for value in column[window:]:
        quantile.update(value)
        quantile.get()
robust = (time.process_time() - begun) / (more * channels)
print(json.dumps({"statistics": 1e6 * statistics, "robust": 1e6 * robust}))
"""
)

PROCESSOR = """
import json, sys, time
from farm.domain.printer import Operation, PrinterStatus, Temperature
from farm.drivers.base import Fan, LineStatistics, Reading
from farm.telemetry.messages import PrinterObserved
from farm.telemetry.processor import Processor
printers, seconds = int(sys.argv[1]), int(sys.argv[2])
names, status = [f"p{number}" for number in range(printers)], PrinterStatus()
processor, steps, taking, telling, told = Processor(), [], 0.0, 0.0, 0
def held(until, since):
    steps.append(until - since)
    return time.thread_time()
for second in range(seconds):
    seen = [
        PrinterObserved(name, float(second), float(second), Reading(
            True, Operation.PRINTING,
            temperatures={"tool0": Temperature(210.0 + second % 3, 210.0), "bed": Temperature(60.0, 60.0)},
            duty={"tool0": 0.4, "bed": 0.2}, fans={"fan": Fan(0.5)}, load={"mcu": 0.1},
            line=LineStatistics(100 * second, second),
        ), status)
        for name in names
    ]
    begun = time.thread_time()
    processor.advance(float(second))
    begun = held(time.thread_time(), begun)
    for each in seen:
        processor.take(each)
    taking += time.thread_time() - begun
    if second % 5 == 4:
        begun = first = time.thread_time()
        for _ in processor.study(names):
            begun = held(time.thread_time(), begun)
        telling += time.thread_time() - first
numbers = processor.numbers()
if numbers.samples != printers * (7 * seconds - 1) or numbers.refused:
    sys.exit(f"{numbers}: not all was taken in")
if {round(each.mean, 6) for name in names for channel, each in processor.metrics(name, 0.0).channels.items()
        if channel.name == "bed"} != {60.0, 0.2}:
    sys.exit("the means are wrong")
print(json.dumps({
    "taking": 1e6 * taking / numbers.samples, "telling": 1e6 * telling / numbers.samples,
    "held": 1e3 * sorted(steps)[int(len(steps) * 0.999)],
}))
"""

Result = dict[str, float]


def run(quick: bool) -> list[Figure]:
    """Medians of several runs in turn."""
    rounds, more = (1, 200) if quick else (5, 1000)
    river = _river()
    figures = _alone(more, rounds) if river is None else _against(river, more, rounds)
    whole = [_run(sys.executable, PROCESSOR, 1000, 30 if quick else 120) for _ in range(rounds)]
    return [
        *figures,
        Figure("telemetry_taken_in", median(each["taking"] for each in whole), "us/sample"),
        Figure("telemetry_all_listened_to", median(each["telling"] for each in whole), "us/sample"),
        Figure("telemetry_loop_held_p999", median(each["held"] for each in whole), "ms", goal="value<=5"),
    ]


def _alone(more: int, rounds: int) -> list[Figure]:
    found = [_ours(more) for _ in range(rounds)]
    return [
        Figure(f"telemetry_{name}", median(each[name] for each in found), "us/sample", goal=goal)
        for name, goal in (("statistics", "value<=0.05"), ("robust", "value<=0.3"))
    ]


def _against(river: Path, more: int, rounds: int) -> list[Figure]:
    """Beside river, which gets a sixteenth of the channels: it takes its time."""
    ours: list[Result] = []
    theirs: list[Result] = []

    def one() -> float:
        ours.append(_ours(more))
        return ours[-1]["statistics"]

    def other() -> float:
        theirs.append(_run(str(river), RIVER, WINDOW, CHANNELS // 16, more))
        return theirs[-1]["statistics"]

    name = f"river {locked_version(PEER_LOCKS / 'river.txt', 'river')}"
    mine, its = alternating(one, other, rounds)
    medians = median(each["robust"] for each in theirs)
    return [
        Figure("telemetry_statistics", mine, "us/sample", Rival(name, its), "value<=0.05"),
        Figure(
            "telemetry_robust",
            median(each["robust"] for each in ours),
            "us/sample",
            Rival(f"{name}, the median alone", medians),
            "value<=0.3",
        ),
    ]


def _ours(more: int) -> Result:
    return _run(sys.executable, RINGS, WINDOW, CHANNELS, more, BATCH)


def _river() -> Path | None:
    """A Python that has river; None where it cannot be had, which is said aloud."""
    lock = PEER_LOCKS / "river.txt"
    python = f"py{sys.version_info[0]}.{sys.version_info[1]}"
    folder = environment.cache_folder() / f"river-{locked_version(lock, 'river')}-{python}"
    apart = environment.Environment(folder, (lock,))
    try:
        environment.prepare(apart, install=lambda it: environment.pip_install(it, "--only-binary=:all:"))
    except EnvironmentFailed as problem:
        print(f"no river to compare with: {problem}", file=sys.stderr)
        return None
    return apart.interpreter


def _run(interpreter: str, code: str, *numbers: int) -> Result:
    command = [interpreter, "-c", code, *map(str, numbers)]
    done = subprocess.run(command, cwd=CHECKOUT, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"the measurement failed: {done.stderr.strip()}")
    found: Result = json.loads(done.stdout)
    return found
