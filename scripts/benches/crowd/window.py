"""Some seconds of a shop's life, measured: how old readings are when they arrive, and what the farm used."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles

import trio

from scripts.benches.crowd.watcher import Watcher
from scripts.benches.shop import Shop


@dataclass(frozen=True, slots=True)
class Window:
    """What some seconds showed.

    ages_s: of each new reading of each group of the watcher's, when it came. messages: that the printers
    sent, pushed or asked for.
    """

    seconds: float
    ages_s: Sequence[Sequence[float]]
    cpu_s: float
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


async def window(shop: Shop, watcher: Watcher, seconds: float) -> Window:
    """Measures for so long."""
    farm = shop.farm
    sent, before, began = await shop.messages(), farm.cpu_times(), time.perf_counter()
    for ages in watcher.ages_s:
        ages.clear()
    await trio.sleep(seconds)
    found = [list(ages) for ages in watcher.ages_s]
    took_s, after = time.perf_counter() - began, farm.cpu_times()
    cpu_s = after.user + after.system - before.user - before.system
    return Window(took_s, found, cpu_s, farm.memory_info().rss / 1e6, await shop.messages() - sent)
