"""What could be seen of a fault at best, by a filter that knows its very shape in that very printer.

A nozzle holds its target while its fan blows and filament takes heat as in prints; nothing else disturbs it,
no door is opened. What the farm is told then (the sensor's value, and where that is told the power and the
fan) is freed of what it would be without noise. In what is left the filter looks for the fault as it would
show without noise: it is the best linear one (matched to the shape, and to the noise of both in all
frequencies). A fault counts as seen where the filter comes out higher than it does once in 500 healthy hours.
It looks at whole ten minutes, so it says whether, not how soon.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from scripts.benches.heat.judge import workers
from scripts.benches.heat.plant import STEP_S, Array, Course, Plant, cold, heat
from scripts.benches.heat.printers import ROOM_DEGC, Draw, SimulatedPrinter, printer
from scripts.benches.heat.prints import Fault, break_at, fan_of, flow_of, seed_of
from scripts.benches.heat.told import DECIMALS, KNOWS_POWER, TOLD_S, measured

SECOND = int(1 / STEP_S)
PIECE_S, SETTLES_S = 9000, 600
WINDOW_S, SHAPE_S = 2048, 600
APART_S = 600  # two alarms are two
NEAR_S = 30  # from its moment, a fault is seen


@dataclass(frozen=True, slots=True)
class Best:
    """Of so many times that a fault came at one kind of printer, how often it could have been seen."""

    kind: str
    fault: Fault
    times: int
    seen: int


def best(kind: str, faults: Sequence[Fault], seed: int, hours: float, times: int) -> list[Best]:
    """One printer of the judging range. hours: healthy ones that the filter is held against."""
    nozzle = _Nozzle(kind, seed)
    pieces = max(2, round(hours * 3600 / (PIECE_S - SETTLES_S)))
    calm = np.stack([nozzle.unexplained(PIECE_S)[:, SETTLES_S:] for _ in range(pieces)])
    noise = _spectrum(calm)
    return [_best(nozzle, fault, calm, noise, hours, times) for fault in faults]


def all_best(
    kinds: Sequence[str], faults: Sequence[Fault], printers: int, hours: float, times: int
) -> dict[tuple[str, Fault], float]:
    """The share of each fault that could be seen at each kind, 0..1."""
    tasks = [(kind, faults, seed, hours, times) for seed in range(printers) for kind in kinds]
    sums: dict[tuple[str, Fault], list[int]] = {}
    with workers() as pool:
        for each in pool.map(best, *zip(*tasks, strict=True)):
            for one in each:
                total = sums.setdefault((one.kind, one.fault), [0, 0])
                total[0] += one.seen
                total[1] += one.times
    return {key: seen / came for key, (seen, came) in sums.items()}


def _best(nozzle: _Nozzle, fault: Fault, calm: Array, noise: Array, hours: float, times: int) -> Best:
    response = _matched(nozzle.shape(fault), noise)
    limit = _highest(np.stack([_through(response, piece) for piece in calm]), hours)
    at = SETTLES_S + WINDOW_S // 2
    seen = 0
    for _ in range(times):
        told = nozzle.unexplained(at + WINDOW_S // 2 + SHAPE_S, fault, at)
        near = _through(response, told)[at - NEAR_S : at + NEAR_S]
        seen += bool(near.max() > limit)
    return Best(nozzle.printer.kind, fault, times, seen)


class _Nozzle:
    """One printer's nozzle at its target, and what the farm is told of it, second by second."""

    def __init__(self, kind: str, seed: int) -> None:
        self.printer: SimulatedPrinter = printer(kind, Draw(seed_of(kind, seed), judging=True))
        self._quiet: Plant = replace(self.printer.tool, noise_degc=0.0, step_degc=1e-9)
        self._draw = Draw(seed_of("best", kind, seed), judging=True)
        at_target = self._course(
            PIECE_S, np.full(PIECE_S * SECOND, self.printer.fan), np.ones(PIECE_S * SECOND)
        )
        self._state = cold(ROOM_DEGC)
        heat(self._quiet, at_target, self._state, 1)

    def unexplained(self, seconds: int, fault: Fault | None = None, at_s: int = 0) -> Array:
        """What is told, less what was to be expected by what is told; shape (channels, seconds)."""
        n = seconds * SECOND
        fan = fan_of(self.printer, self._draw, n, 0, n)
        flow = flow_of(self._draw, n, 0, n)
        told = self._told(self.printer.tool, self._course(seconds, fan, flow, fault, at_s))
        known = fan if KNOWS_POWER[self.printer.kind] else np.full(n, self.printer.fan)
        return told - self._told(self._quiet, self._course(seconds, known, np.ones(n)))

    def shape(self, fault: Fault) -> Array:
        """The fault without noise; shape (channels, SHAPE_S), zeros up to WINDOW_S."""
        seconds = SETTLES_S + SHAPE_S
        fan = np.full(seconds * SECOND, self.printer.fan)
        steady = np.ones(seconds * SECOND)
        broken = self._told(self._quiet, self._course(seconds, fan, steady, fault, SETTLES_S))
        differs = broken - self._told(self._quiet, self._course(seconds, fan, steady))
        found = np.zeros((differs.shape[0], WINDOW_S))
        found[:, :SHAPE_S] = differs[:, SETTLES_S:]
        return found

    def _course(
        self, seconds: int, fan: Array, flow: Array, fault: Fault | None = None, at_s: int = 0
    ) -> Course:
        """fan, flow: as they would be; some faults are that they are not."""
        course = Course.calm(seconds * SECOND, ROOM_DEGC)
        course.target[:] = self.printer.tool_degc
        whole = np.arange(seconds * SECOND) < at_s * SECOND
        blows = fan * whole if fault is not None and fault.what == "fan dead" else fan
        comes = flow * whole if fault is not None and fault.what == "filament stalled" else flow
        course.extra[:] = self.printer.fan_share * blows + self.printer.flow_share * comes
        if fault is not None:
            break_at(fault, {"tool0": course}, None, at_s * SECOND)
        return course

    def _told(self, plant: Plant, course: Course) -> Array:
        kind = self.printer.kind
        shown, duty = heat(plant, course, self._state.copy(), self._draw.chance.randrange(2**31))
        step = int(TOLD_S[kind] / STEP_S)
        told = np.arange(step - 1, shown.size, step)
        when = measured(self.printer, told, self._draw)
        values = shown[when] if plant is self._quiet else np.round(shown[when], DECIMALS[kind])
        channels = np.stack([values, duty[when]] if KNOWS_POWER[kind] else [values])
        if step >= SECOND:
            held: Array = np.repeat(channels, step // SECOND, axis=1)
            return held
        mean: Array = channels.reshape(len(channels), -1, SECOND // step).mean(axis=2)
        return mean


def _spectrum(calm: Array) -> Array:
    """Of the noise and between its channels, shape (frequencies, channels, channels)."""
    count = calm.shape[2] // WINDOW_S
    parts = calm[:, :, : count * WINDOW_S].reshape(*calm.shape[:2], count, WINDOW_S)
    shown = np.fft.rfft((parts - parts.mean(axis=3, keepdims=True)) * np.hanning(WINDOW_S), axis=3)
    found: Array = np.einsum("pcsf,pdsf->fcd", shown, shown.conj()) / (shown.shape[0] * count)
    power = np.einsum("fcc->c", found).real / found.shape[0]
    found += np.eye(len(power)) * (1e-6 * power)
    return found


def _matched(shape: Array, noise: Array) -> Array:
    """The filter, shape (channels, WINDOW_S): what is told, seen through it, shows where the shape begins."""
    wanted = np.linalg.solve(noise, np.fft.rfft(shape, axis=1).T[:, :, None])[:, :, 0]
    found: Array = np.fft.irfft(wanted.T, WINDOW_S, axis=1)
    return np.roll(found, WINDOW_S // 2, axis=1)


def _through(response: Array, told: Array) -> Array:
    """How much there is of the shape, beginning at each second; minus infinity near the ends."""
    n, half = told.shape[1], WINDOW_S // 2
    size = 1 << (n + WINDOW_S).bit_length()
    both = np.fft.rfft(told - told[:, :half].mean(axis=1, keepdims=True), size, axis=1)
    turned = np.fft.rfft(response, size, axis=1).conj()
    found = np.fft.irfft((both * turned).sum(axis=0), size)
    sums: Array = np.full(n, -np.inf)
    sums[half : n - half] = found[: n - WINDOW_S]
    return sums


def _highest(calm: Array, hours: float) -> float:
    """What the filter exceeds once in 500 hours; where those are too few, what it never exceeded."""
    peaks = sorted(
        (float(part.max()) for piece in calm for part in np.array_split(piece, PIECE_S // APART_S)),
        reverse=True,
    )
    return peaks[min(int(hours / 500), len(peaks) - 1)]
