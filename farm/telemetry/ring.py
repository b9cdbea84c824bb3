"""The last samples of many channels at once, with running statistics: NumPy, no clock, no printers.

Time is counted in ticks, of one row each. A channel that was not measured in a tick has NaN there. Samples
gather for a batch of ticks, in which they may come in any order, and are reckoned up together.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Samples = NDArray[np.float32]
Channels = NDArray[np.intp]

WIDTH = 1024  # channels of one ring: few enough for the processor's cache, many enough for NumPy
REBUILT_AT_ONCE = 64  # channels; takes half a millisecond
SMOOTHING = 2.0 / 31.0  # weight of the newest sample in the moving mean: it looks back some 30 samples
LEAST_SEEN = 10  # samples before anything is called unusual

_N, _X, _XX, _Y, _XY, _YY = range(6)  # rows of the sums; x: ticks from the origin, y: from the reference


@dataclass(frozen=True, slots=True)
class Summary:
    """Statistics over the window, of each channel; NaN where there are too few samples.

    newest: the last sample there was, and z: how far it is from what is usual. slope, error: a tick, and its
    standard error.
    """

    count: Floats
    newest: Floats
    mean: Floats
    variance: Floats
    slope: Floats
    error: Floats
    z: Floats


class Ring:
    """WIDTH channels over the last `window` ticks, reckoned up every `batch` ticks.

    Sliding sums of squares lose digits, of 210 degC +- 0.1 nearly all: so they are of the distances from a
    reference, the channel's mean a while ago, and are rebuilt from the samples once in a window.
    """

    def __init__(self, window: int, batch: int, first: int = 0) -> None:
        """first: the tick it begins with. Raises ValueError for a window in which no batch fits twice."""
        if batch < 1 or window < 2 * batch:
            raise ValueError(f"{window} ticks hold no two batches of {batch}")
        self.window = window
        self.batch = batch
        self.samples: Samples = np.full((window, WIDTH), np.nan, np.float32)
        self.next = first  # the tick of the first row that is still gathered
        self.gathered = array("f", [float("nan")]) * (batch * WIDTH)  # item by item faster than an ndarray
        self._gathered: Samples = np.frombuffer(self.gathered, np.float32).reshape(batch, WIDTH)
        self._reference: Floats = np.zeros(WIDTH)
        self._origin = first
        self._sums: Floats = np.zeros((6, WIDTH))
        self._rebuilt = 0  # groups of channels, since the window began anew
        self._seen: Floats = np.zeros(WIDTH)  # samples since the channel began
        self._newest: Floats = np.full(WIDTH, np.nan)  # from the reference
        self._mean: Floats = np.zeros(WIDTH)  # weighted towards now, from the reference
        self._variance: Floats = np.zeros(WIDTH)  # weighted alike

    # -- samples come in -----------------------------------------------------------------------

    def begin(self, channel: int, value: float) -> None:
        """A new channel: nothing is known of it. value: near those that will come."""
        self.samples[:, channel] = np.nan
        self._gathered[:, channel] = np.nan
        self._sums[:, channel] = 0.0
        self._reference[channel] = value
        self._seen[channel] = self._mean[channel] = self._variance[channel] = 0.0
        self._newest[channel] = np.nan

    def add(self, channel: int, tick: int, value: float) -> bool:
        """A sample; of two in one tick the later one stays. False where that tick is too long ago.

        tick: before the end of the batch that is gathered.
        """
        ahead = tick - self.next
        if ahead >= 0:
            self.gathered[ahead * WIDTH + channel] = value
            return True
        return self._add_late(channel, tick, value)

    def _add_late(self, channel: int, tick: int, value: float) -> bool:
        """Add to what has been reckoned up; nothing is taken back there."""
        place = tick % self.window
        if tick < self.next - self.window or tick < 0 or not np.isnan(self.samples[place, channel]):
            return False
        self.samples[place, channel] = value
        x, y = float(tick - self._origin), float(np.float32(value)) - self._reference[channel]
        self._sums[:, channel] += (1.0, x, x * x, y, x * y, y * y)
        return True

    def reckon(self) -> None:
        """The batch is over: take it into the sums, and what falls out of the window out of them."""
        ticks = np.arange(self.next, self.next + self.batch)
        places = ticks % self.window
        has, y = self._from_reference(self.samples[places])
        self._sums -= _sums_of(has, y, ticks - self.window - self._origin)
        self.samples[places] = self._gathered
        has, y = self._from_reference(self._gathered)
        self._sums += _sums_of(has, y, ticks - self._origin)
        self._weigh(has, y)
        self._gathered.fill(np.nan)
        self.next += self.batch
        self._shift_origin()
        self._rebuild_when_due()

    def skip(self, batches: int) -> None:
        """The batch is over, and nothing came in those after it: so many in all."""
        self.reckon()
        ticks = (batches - 1) * self.batch
        if ticks <= self.window // 4:
            for _ in range(batches - 1):
                self.reckon()
            return
        self.samples[np.arange(self.next, self.next + min(ticks, self.window)) % self.window] = np.nan
        self.next += ticks
        self._origin = self.next - self.window
        for group in range(WIDTH // REBUILT_AT_ONCE):  # takes a few milliseconds, once after a long gap
            self._rebuild(slice(group * REBUILT_AT_ONCE, (group + 1) * REBUILT_AT_ONCE))

    # -- what is known -------------------------------------------------------------------------

    def rows(self, count: int, channels: slice | Channels) -> Samples:
        """The last `count` ticks that were reckoned up, oldest first; a copy."""
        places = np.arange(self.next - count, self.next) % self.window
        if isinstance(channels, slice):
            return self.samples[:, channels][places]
        return self.samples[np.ix_(places, channels)]

    def summary(self) -> Summary:
        """The statistics of every channel."""
        n, sx, sxx, sy, sxy, syy = self._sums
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = sy / n
            x_spread = np.where(n > 1, sxx - sx * sx / n, np.nan)
            y_spread = np.where(n > 1, np.maximum(syy - sy * mean, 0.0), np.nan)
            both = sxy - sx * mean
            slope = both / x_spread
            rest = np.maximum(y_spread - slope * both, 0.0)
            error = np.sqrt(np.where(n > 2, rest / (n - 2), np.nan) / x_spread)
            return Summary(
                n.copy(),
                self._reference + self._newest,
                self._reference + mean,
                y_spread / (n - 1),
                slope,
                error,
                self._z(),
            )

    def _z(self) -> Floats:
        """Of the newest sample, from the mean and variance before it; these already hold it (West 1979)."""
        off = (self._newest - self._mean) / (1.0 - SMOOTHING)
        variance = self._variance / (1.0 - SMOOTHING) - SMOOTHING * off * off
        seen_before = 1.0 - (1.0 - SMOOTHING) ** (self._seen - 1.0)  # it began with 0
        usual = np.sqrt(np.maximum(variance, 0.0) / seen_before)
        return np.where((self._seen > LEAST_SEEN) & (usual > 0.0), off / usual, np.nan)

    # -- reckoning -----------------------------------------------------------------------------

    def _from_reference(self, rows: Samples) -> tuple[Floats, Floats]:
        """Where there is a sample (1.0, else 0.0), and how far it is from the reference (0.0 for none)."""
        lacks = np.isnan(rows)
        y = rows - self._reference
        np.copyto(y, 0.0, where=lacks)
        return (~lacks).astype(np.float64), y

    def _weigh(self, has: Floats, y: Floats) -> None:
        """Take rows into the mean and variance that are weighted towards now, and note the newest samples."""
        self._seen += has.sum(axis=0)
        fades = 1.0 - SMOOTHING * has
        off, step = np.empty(WIDTH), np.empty(WIDTH)
        for row, is_there, fade in zip(y, has, fades, strict=True):
            np.subtract(row, self._mean, out=off)
            np.multiply(off, is_there, out=off)
            np.multiply(off, SMOOTHING, out=step)
            np.add(self._mean, step, out=self._mean)
            np.multiply(self._variance, fade, out=self._variance)
            np.multiply(step, off, out=step)
            np.multiply(step, 1.0 - SMOOTHING, out=step)
            np.add(self._variance, step, out=self._variance)
        if has.all():
            np.copyto(self._newest, y[-1])
            return
        for row, there in zip(y, has.astype(np.bool_), strict=True):
            np.copyto(self._newest, row, where=there)

    def _shift_origin(self) -> None:
        """Count ticks from nearby, or their squares swallow the digits of what matters."""
        if self.next - self._origin < 2 * self.window:
            return
        by, sums = float(self.window), self._sums
        self._origin += self.window
        sums[_XX] += by * (by * sums[_N] - 2.0 * sums[_X])
        sums[_X] -= by * sums[_N]
        sums[_XY] -= by * sums[_Y]

    def _rebuild_when_due(self) -> None:
        """Rebuild the sums of some channels, so that within a window all have their turn."""
        groups = WIDTH // REBUILT_AT_ONCE
        due = (self.next % self.window) * groups // self.window
        while self._rebuilt != due:
            self._rebuilt = (self._rebuilt + 1) % groups
            self._rebuild(slice(self._rebuilt * REBUILT_AT_ONCE, (self._rebuilt + 1) * REBUILT_AT_ONCE))

    def _rebuild(self, channels: slice) -> None:
        """Sums anew from the samples, around the means of now."""
        samples = self.rows(self.window, channels)
        lacks = np.isnan(samples)
        has = (~lacks).astype(np.float64)
        y = samples - self._reference[channels]
        np.copyto(y, 0.0, where=lacks)
        by = y.sum(axis=0) / np.maximum(has.sum(axis=0), 1.0)
        self._reference[channels] += by
        self._mean[channels] -= by
        self._newest[channels] -= by
        ticks = np.arange(self.next - self.window, self.next)
        self._sums[:, channels] = _sums_of(has, y - by * has, ticks - self._origin)


def _sums_of(has: Floats, y: Floats, ticks: NDArray[np.int_]) -> Floats:
    """What some rows add to the sums."""
    x = ticks.astype(np.float64)
    powers = np.stack((np.ones(len(x)), x, x * x))
    total = np.empty((6, has.shape[1]))
    np.matmul(powers, has, out=total[:_Y])
    np.matmul(powers[:2], y, out=total[_Y:_YY])
    np.einsum("ij,ij->j", y, y, out=total[_YY])
    return total
