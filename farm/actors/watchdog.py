"""Sees a loop that stopped turning, which no task on that loop can."""

from __future__ import annotations

import faulthandler
import sys
import threading
import time
from collections.abc import Callable
from typing import IO

import structlog
import trio

log = structlog.get_logger(__name__)

BEAT_EVERY_S = 0.5
LIMIT_S = 5.0  # longer than any garbage collection or swapped-out moment of a healthy shop PC


class Watchdog:
    """A thread that watches the loop's beat. When it stops, every stack is written out, once.

    What happens next is the service manager's business: `alive` is called on each beat (it tells
    systemd, say), and is not called while the loop stands still, so the manager may restart us.
    stacks_to: an open file with a descriptor; the error stream unless given.
    """

    def __init__(
        self,
        *,
        limit_s: float = LIMIT_S,
        alive: Callable[[], None] = lambda: None,
        stacks_to: IO[str] | None = None,
    ) -> None:
        self.stalls = 0
        self._limit_s = limit_s
        self._alive = alive
        self._stacks_to = stacks_to
        self._beat = time.monotonic()

    async def run(self) -> None:
        """Beat until cancelled, under the eyes of the thread."""
        over = threading.Event()  # of this run: the thread of one before may still be looking
        self._beat = time.monotonic()
        threading.Thread(target=self._watch, args=(over,), name="watchdog", daemon=True).start()
        try:
            while True:
                self._beat = time.monotonic()
                self._alive()
                await trio.sleep(min(BEAT_EVERY_S, self._limit_s / 4))
        finally:
            over.set()

    def _watch(self, over: threading.Event) -> None:
        standing = False
        every_s = self._limit_s / 4
        looked_at = awake_since = time.monotonic()
        while not over.wait(every_s):
            now = time.monotonic()
            if now - looked_at > every_s + self._limit_s / 2:
                awake_since = now  # we stood still ourselves: the whole process did, or the computer slept
            looked_at = now
            silent_s = now - max(self._beat, awake_since)
            if silent_s > self._limit_s and not standing:
                standing = True
                self.stalls += 1
                log.critical("the loop stopped turning", silent_s=round(silent_s, 1))
                self._write_stacks()
            elif standing and silent_s <= self._limit_s:
                standing = False
                log.warning("the loop turns again")

    def _write_stacks(self) -> None:
        try:
            faulthandler.dump_traceback(self._stacks_to or sys.stderr, all_threads=True)
        except (AttributeError, OSError, RuntimeError, ValueError) as error:  # a service may have no stderr
            log.warning("the stacks could not be written out", problem=str(error))
