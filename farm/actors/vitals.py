"""How the process itself does: how late its loop is, what it takes, and what room its disk has."""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import trio

from farm.platform import Use, use_of_this_process

BEAT_S = 0.1  # ten looks at the loop a second cost less than half a hundredth of a core
BEATS = 600  # those of the last minute
SAMPLE_S = 5.0


@dataclass(frozen=True, slots=True)
class Resources:
    """The numbers of one moment; None for what was not measured yet. disk_free: bytes, where the data lies.

    processor: share of one core over the last seconds; more than 1 where threads work beside the loop.
    """

    uptime_s: float
    use: Use | None
    processor: float | None
    disk_free: int | None
    lateness_p99_s: float | None
    lateness_max_s: float | None


class Vitals:
    """Measures while it runs; `report` tells what was measured last and never waits."""

    def __init__(self, folder: Path, *, look: Callable[[], Use] = use_of_this_process) -> None:
        """folder: the data folder."""
        self._folder = folder
        self._look = look
        self._began = trio.current_time()
        self._lateness: deque[float] = deque(maxlen=BEATS)
        self._use: Use | None = None
        self._looked_at = 0.0
        self._processor: float | None = None
        self._disk_free: int | None = None
        self._one = trio.CapacityLimiter(1)

    async def run(self) -> None:
        """Measure until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._beat)
            nursery.start_soon(self._sample_again_and_again)

    def report(self) -> Resources:
        """The newest numbers."""
        lateness = sorted(self._lateness)
        return Resources(
            uptime_s=trio.current_time() - self._began,
            use=self._use,
            processor=self._processor,
            disk_free=self._disk_free,
            lateness_p99_s=lateness[len(lateness) * 99 // 100] if lateness else None,
            lateness_max_s=lateness[-1] if lateness else None,
        )

    async def _beat(self) -> None:
        while True:
            due = trio.current_time() + BEAT_S
            await trio.sleep_until(due)
            self._lateness.append(trio.current_time() - due)

    async def _sample_again_and_again(self) -> None:
        while True:
            # A disk that hangs keeps its thread; neither the loop nor the end of the farm waits for it.
            sample = await trio.to_thread.run_sync(self._sample, limiter=self._one, abandon_on_cancel=True)
            self._take(*sample)
            await trio.sleep(SAMPLE_S)

    def _take(self, use: Use, disk_free: int | None) -> None:
        now = trio.current_time()
        if self._use is not None and now > self._looked_at:
            self._processor = (use.processor_s - self._use.processor_s) / (now - self._looked_at)
        self._use, self._looked_at, self._disk_free = use, now, disk_free

    def _sample(self) -> tuple[Use, int | None]:
        try:
            free = shutil.disk_usage(self._folder).free
        except OSError:  # whoever uses the disk says so; here it is a number that is not known
            return self._look(), None
        return self._look(), free
