"""A run that can be repeated: virtual time, and a seeded order of the tasks that are ready together.

trio shuffles tasks that become ready in the same step, so that nobody relies on their order. Its
private switch for tests, the one pytest-trio uses too, sorts them before shuffling, and its private
random source can be seeded. Both are touched here and nowhere else; a test repeats a run twice, so a
trio that changes them is noticed.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import trio
from trio._core import _run as trio_run
from trio.testing import MockClock

Result = TypeVar("Result")


def replay(seed: int, main: Callable[..., Awaitable[Result]], *args: Any) -> Result:
    """Run `main` under virtual time; the same `seed` gives the same order of everything, always.

    Nothing inside may touch threads, sockets or the real clock: while all tasks sleep the clock
    jumps to the next deadline, and would not wait for them.
    """
    private: Any = trio_run
    before = private._ALLOW_DETERMINISTIC_SCHEDULING, private._r
    private._ALLOW_DETERMINISTIC_SCHEDULING, private._r = True, random.Random(seed)
    try:
        return trio.run(main, *args, clock=MockClock(autojump_threshold=0))
    finally:
        private._ALLOW_DETERMINISTIC_SCHEDULING, private._r = before
