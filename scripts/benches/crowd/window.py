"""Some seconds of a shop's life, measured: how old readings are when they arrive, and what the farm used."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles

import psutil
import trio

from scripts.benches.crowd.watcher import Watcher
from scripts.benches.shop import Shop


@dataclass(frozen=True, slots=True)
class Window:
    """What some seconds showed.

    ages_s: of each new reading of each group of the watcher's, when it came. messages: that the printers
    sent, pushed or asked for. cpu_s, simulator_cpu_s: of the farm, and of all its printers.
    """

    seconds: float
    ages_s: Sequence[Sequence[float]]
    cpu_s: float
    simulator_cpu_s: float
    rss_mb: float
    messages: int

    def p50_ms(self, group: int = 0) -> float:
        return median(self.ages_s[group]) * 1000

    def p99_ms(self, group: int = 0) -> float:
        return quantiles(self.ages_s[group], n=100)[98] * 1000

    @property
    def readings_per_s(self) -> float:
        return len(self.ages_s[0]) / self.seconds

    @property
    def messages_per_s(self) -> float:
        return self.messages / self.seconds

    @property
    def cpu_percent(self) -> float:
        return 100 * self.cpu_s / self.seconds

    @property
    def cpu_us_per_message(self) -> float:
        return 1e6 * self.cpu_s / self.messages

    @property
    def simulator_us_per_message(self) -> float:
        return 1e6 * self.simulator_cpu_s / self.messages


async def window(shop: Shop, watcher: Watcher, seconds: float) -> Window:
    """Measures for so long."""
    farm, printers = shop.farm, psutil.Process(shop.fleet.pid)
    sent, began = await shop.messages(), time.perf_counter()
    before, theirs = _cpu_s(farm), _cpu_s(printers)
    for ages in watcher.ages_s:
        ages.clear()
    await trio.sleep(seconds)
    found = [list(ages) for ages in watcher.ages_s]
    took_s, cpu_s, theirs_s = time.perf_counter() - began, _cpu_s(farm) - before, _cpu_s(printers) - theirs
    messages = await shop.messages() - sent
    return Window(took_s, found, cpu_s, theirs_s, farm.memory_info().rss / 1e6, messages)


def _cpu_s(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)
