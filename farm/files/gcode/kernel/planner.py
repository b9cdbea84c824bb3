"""From how fast moves may begin to how fast they do, and how long they take.

Trapezoids, looked ahead as far as it matters. The queue is walked backwards, so that every move can still
come down to the speed of the next, and then forwards, so that none begins faster than the one before could
become. What lies behind the queue's end is not known yet, so the walk back begins from standstill. That can
only be too careful, and a move that begins at its highest speed all the same hides it from all the moves
before: those are planned for good, the others wait for more. Speeds are squares: v^2 changes by 2 a d along
a move.
"""

from __future__ import annotations

import math
from typing import Any

from farm.files.gcode.kernel.scan import MOST_MINUTES, QUEUED
from farm.files.gcode.machine import Model
from farm.workers.kernels import kernel, part

KLIPPER = int(Model.KLIPPER)
CRAWL = 0.05  # mm/s, Marlin's slowest; nothing takes for ever


@kernel
def plan(scan: Any, halts: bool) -> None:
    """Plan what is queued. halts: the printer stands still behind it; otherwise more is to come."""
    motion, queue = scan.motion, scan.queue
    queued = motion.queued
    if queued == 0:
        motion.halts = 0
        return
    exit2 = motion.safe * motion.safe if halts else 0.0
    certain = _walk_back(queue, queued, exit2)
    if motion.model == KLIPPER:
        certain = min(certain, _smooth(queue, queued))
    if halts:
        certain = queued
        motion.standing, motion.halts = 1, 0
    elif certain < QUEUED // 4:
        certain = QUEUED // 2  # thousands of moves on one way down: nothing that is printed
    _walk_on(scan, certain, exit2 if halts else queue[min(certain, queued - 1)].entry2)
    for at in range(certain, queued):
        queue[at - certain] = queue[at]
    motion.queued = queued - certain


@part
def _walk_back(queue: Any, queued: int, exit2: float) -> int:
    """The speeds at which the moves begin, and how many of them nothing behind the queue can change."""
    certain, behind2 = 0, exit2
    for at in range(queued - 1, -1, -1):
        move = queue[at]
        reachable2 = behind2 + 2 * move.acceleration * move.length
        if reachable2 >= move.corner2:
            behind2 = move.corner2
            certain = max(certain, at)
        else:
            behind2 = reachable2
        move.entry2 = behind2
    return certain


@part
def _walk_on(scan: Any, count: int, exit2: float) -> None:
    """How long the first `count` moves take. exit2: at which speed the last of them ends."""
    motion, queue = scan.motion, scan.queue
    entry2 = min(motion.entry2, queue[0].entry2)
    entry = math.sqrt(entry2)
    seconds = motion.seconds
    for at in range(count):
        move = queue[at]
        gain2 = 2 * move.acceleration * move.length
        leave2 = min(queue[at + 1].entry2 if at + 1 < count else exit2, entry2 + gain2)
        leave = math.sqrt(leave2)
        highest2 = min(move.top2, (entry2 + leave2 + gain2) / 2)
        highest = max(CRAWL, math.sqrt(highest2))
        slowness = 1 / move.acceleration
        ramps = (2 * highest2 - entry2 - leave2) * 0.5 * slowness
        seconds += (2 * highest - entry - leave) * slowness + (move.length - ramps) / highest
        entry2, entry = leave2, leave
        if seconds >= 60.0 * motion.minutes:
            _mark_minutes(scan, seconds, move.line)
    motion.entry2, motion.seconds = entry2, seconds


@kernel
def _mark_minutes(scan: Any, seconds: float, line: int) -> None:
    motion = scan.motion
    while motion.minutes < MOST_MINUTES and seconds >= 60.0 * motion.minutes:
        scan.minutes[motion.minutes] = line
        motion.minutes += 1


@kernel
def _smooth(queue: Any, queued: int) -> int:
    """Klipper: no move becomes faster than it would with the lower acceleration of the whole hill of speed
    that it belongs to, so that the toolhead does not shake over short moves.

    Sets `top2`, and lowers the speeds at which moves begin to it. Returns how many moves at the beginning are
    on hills that are over.
    """
    behind2, peak2, pending, certain = 0.0, 0.0, 0, 0
    for at in range(queued - 1, -1, -1):
        move = queue[at]
        gain2 = 2 * move.smooth_acceleration * move.length
        reachable2 = behind2 + gain2
        entry2 = min(move.smooth_corner2, reachable2)
        pending += 1
        if entry2 < reachable2:  # it can speed up
            if entry2 + gain2 > behind2 or pending > 1:  # and slows down, or the next one does: the top
                if peak2 > 0 and certain == 0:
                    certain = at + pending
                peak2 = (entry2 + reachable2) / 2
            move.top2 = min(move.cruise2, peak2)
            pending = 0
        move.smooth_entry2 = entry2 if entry2 < reachable2 else -1.0
        behind2 = entry2
    _carry_peaks_down(queue, queued)
    return certain


@kernel
def _carry_peaks_down(queue: Any, queued: int) -> None:
    """The moves down a hill are no faster than its top."""
    before2 = 0.0
    for at in range(queued):
        move = queue[at]
        if move.smooth_entry2 < 0:
            move.top2 = min(move.cruise2, before2, move.entry2)
        move.entry2 = min(move.entry2, before2, move.top2) if at > 0 else min(move.entry2, move.top2)
        before2 = move.top2
