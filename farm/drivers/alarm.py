"""Waits until a moment that may move meanwhile, for a thousand printers at the price of a few."""

from __future__ import annotations

import math
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import TypeAlias

import trio

TICK_S = 0.05  # how late an alarm may ring, so that those close to each other take one turn of the loop

_Look: TypeAlias = Callable[[float, float], None]


class Alarm:
    """Wakes the one task that sleeps by it. Made in the run in which it is used.

    For what is due a while after each message, should no other come. A deadline of trio's around each wait
    for a message, or a task that wakes to see that it is too early, would cost as much as the message.
    """

    def __init__(self) -> None:
        self._due: Callable[[], float] = lambda: math.inf
        self._look_at = math.inf
        self._sleeper: trio.lowlevel.Task | None = None
        self._watch = _Watch.of_this_run()

    async def sleep_past(self, due: Callable[[], float]) -> None:
        """Sleeps until the moment that `due` tells, of trio's clock. It is asked again when that has come:
        what moved on meanwhile is slept past, and what came closer is told by `set`."""
        moment = due()
        if moment <= trio.current_time():
            await trio.lowlevel.checkpoint()
            return
        self._due, self._sleeper, self._look_at = due, trio.lowlevel.current_task(), math.inf
        self.set(moment)
        await trio.lowlevel.wait_task_rescheduled(self._give_up)

    def set(self, moment: float) -> None:
        """Whoever sleeps is looked after at `moment`, unless that is before."""
        if self._sleeper is not None and moment < self._look_at:
            self._look_at = moment
            self._watch.call(moment, self._look)

    def _look(self, moment: float, now: float) -> None:
        if self._sleeper is None or moment != self._look_at:
            return  # it woke, or was set anew, since that was asked for
        self._look_at = math.inf
        due = self._due()
        if due > now:
            self.set(due)
            return
        sleeper, self._sleeper = self._sleeper, None
        trio.lowlevel.reschedule(sleeper)

    def _give_up(self, _: object) -> trio.lowlevel.Abort:
        self._sleeper = None
        return trio.lowlevel.Abort.SUCCEEDED


class _Watch:
    """Knows when which alarm wants to be looked at: one for all of them, in a task of its own."""

    def __init__(self) -> None:
        self._calls: list[tuple[float, int, _Look]] = []
        self._number = count()  # of two at the same moment, the one that was asked for first
        self._rest = trio.CancelScope()
        self._rests_until = math.inf
        self._rang_at = -math.inf

    @classmethod
    def of_this_run(cls) -> _Watch:
        try:
            return _of_this_run.get()
        except LookupError:
            watch = cls()
            _of_this_run.set(watch)
            trio.lowlevel.spawn_system_task(watch.run)
            return watch

    def call(self, moment: float, look: _Look) -> None:
        """At `moment`, or a tick later. `look` is told the moment and the time; it must not fail."""
        heappush(self._calls, (moment, next(self._number), look))
        if moment < self._rests_until:
            self._rests_until = self._rest.deadline = max(moment, self._rang_at + TICK_S)

    async def run(self) -> None:
        while True:
            soonest = self._calls[0][0] if self._calls else math.inf
            self._rests_until = max(soonest, self._rang_at + TICK_S)
            self._rest = trio.CancelScope(deadline=self._rests_until)
            with self._rest:
                await trio.sleep_forever()
            now = self._rang_at = trio.current_time()
            while self._calls and self._calls[0][0] <= now:
                moment, _, look = heappop(self._calls)
                look(moment, now)


_of_this_run: trio.lowlevel.RunVar[_Watch] = trio.lowlevel.RunVar("watch over the alarms")
