"""When a print will be done: foretold along simulated prints whose end is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from farm.domain.printer import Operation
from farm.telemetry.forecast import Course, Sight

AT = 1_800_000_000.0
EVERY_S = 10.0


@dataclass(frozen=True)
class Played:
    """What was foretold along one print. shares: how far it was; off_s: foretold less real end; within_s."""

    shares: np.ndarray
    off_s: np.ndarray
    within_s: np.ndarray

    def at(self, share):
        return int(np.searchsorted(self.shares, share))


def play(seed, *, duration_s=7200.0, estimate_off=0.1, coarse=0.001, pauses=(), uneven=0.2, estimate=True):
    """A print looked at every ten seconds.

    Its pace wanders by `uneven` along the file; progress is told in steps of `coarse`; the slicer is off by
    `estimate_off`, a standard deviation; pauses: (share, seconds).
    """
    chance = np.random.default_rng(seed)
    steps = 400
    wander = np.zeros(steps)
    for step in range(1, steps):
        wander[step] = 0.9 * wander[step - 1] + chance.normal(0, uneven * np.sqrt(1 - 0.81))
    needed = np.maximum(1 + wander, 0.2)
    needed *= duration_s / needed.sum()
    ends = np.concatenate([[0.0], np.cumsum(needed)])  # printing seconds at each share
    waits = sum(seconds for _, seconds in pauses)
    estimate_s = duration_s * float(chance.normal(1, estimate_off)) if estimate else None
    course, shares, off, within = None, [], [], []
    now, printed, paused_for = 0.0, 0.0, dict(pauses)
    while printed < duration_s:
        share = float(np.interp(printed, ends, np.linspace(0, 1, steps + 1)))
        due = next((at for at in paused_for if at <= share and paused_for[at] > 0), None)
        operation = Operation.PAUSED if due is not None else Operation.PRINTING
        told = np.floor(share / coarse) * coarse
        sight = Sight("p1", now, told, operation, estimate_s=estimate_s)
        if course is None:
            course = Course(sight)
        else:
            course.see(sight)
        found = course.forecast(AT + now)
        if found.completion_at is not None:
            shares.append(share)
            off.append(found.completion_at - AT - (now + (duration_s - printed)))
            within.append(found.confidence_s)
        now += EVERY_S
        if due is not None:
            paused_for[due] -= EVERY_S
        else:
            printed += EVERY_S
    assert now == pytest.approx(duration_s + waits, abs=2 * EVERY_S)
    return Played(np.array(shares), np.array(off), np.array(within))


@pytest.mark.parametrize("coarse", [0.0001, 0.01])
@pytest.mark.parametrize("estimate", [True, False])
def test_what_is_foretold_is_as_sure_as_it_says(coarse, estimate):
    """Nine times of ten the end lies within what was said; and it says so from early on."""
    played = [play(seed, coarse=coarse, estimate=estimate) for seed in range(60)]

    for share in (0.1, 0.25, 0.5, 0.75, 0.9):
        hits = [abs(one.off_s[one.at(share)]) <= one.within_s[one.at(share)] for one in played]
        assert np.mean(hits) >= 0.8, share


def test_it_gets_surer_and_better_as_the_print_goes_on():
    played = [play(seed) for seed in range(40)]
    said = [np.mean([one.within_s[one.at(share)] for one in played]) for share in (0.02, 0.2, 0.5, 0.8, 0.95)]
    off = [
        np.mean([abs(one.off_s[one.at(share)]) for one in played]) for share in (0.02, 0.2, 0.5, 0.8, 0.95)
    ]

    assert said == sorted(said, reverse=True)
    assert off[-1] < off[2] < off[0]
    assert said[0] < 0.3 * 7200
    assert off[2] < 0.05 * 7200
    assert off[-1] < 120


def test_a_slicer_that_is_far_off_is_believed_less_and_less():
    played = [play(seed, estimate_off=0.0, duration_s=7200.0) for seed in range(3)]
    assert all(abs(one.off_s[0]) < 30 for one in played)  # it was right: from the first look

    course = Course(Sight("p1", 0.0, 0.0, Operation.PRINTING, estimate_s=3600.0))
    for now in range(0, 3601, 10):  # takes twice as long
        course.see(Sight("p1", float(now), now / 7200, Operation.PRINTING, estimate_s=3600.0))
    found = course.forecast(AT)
    assert found.completion_at - AT == pytest.approx(3600, rel=0.1)


def test_a_pause_puts_the_end_off_and_does_not_blur_the_pace():
    plain, paused = play(5), play(5, pauses=((0.4, 1800.0),))

    late = plain.at(0.7)
    assert abs(paused.off_s[paused.at(0.7)] - plain.off_s[late]) < 60
    assert paused.within_s[paused.at(0.7)] == pytest.approx(plain.within_s[late], rel=0.05)


def test_waiting_for_heat_does_not_blur_the_pace():
    heating = Course(Sight("p1", 0.0, 0.0, Operation.PRINTING, heats=True))
    for now in range(0, 600, 10):
        heating.see(Sight("p1", float(now), 0.0001, Operation.PRINTING, heats=True))
    for now in range(600, 1600, 10):
        heating.see(Sight("p1", float(now), 0.0001 + (now - 600) / 10_000, Operation.PRINTING))

    assert heating.forecast(AT).completion_at - AT == pytest.approx(9000, rel=0.05)


def test_a_print_that_begins_anew_is_foretold_anew():
    course = Course(Sight("p1", 0.0, 0.0, Operation.PRINTING))
    for now in range(0, 5000, 10):
        course.see(Sight("p1", float(now), now / 10_000, Operation.PRINTING))
    course.see(Sight("p1", 5000.0, 0.0, Operation.PRINTING))
    assert course.forecast(AT).completion_at is None
    for now in range(5000, 6000, 10):  # twice as fast this time
        course.see(Sight("p1", float(now), (now - 5000) / 5000, Operation.PRINTING))

    assert course.forecast(AT).completion_at - AT == pytest.approx(4000, rel=0.05)


def test_the_rate_is_that_of_lately():
    course = Course(Sight("p1", 0.0, 0.0, Operation.PRINTING))
    share = 0.0
    for now in range(0, 4000, 10):
        share += 10 / 10_000 if now < 2000 else 10 / 5000
        course.see(Sight("p1", float(now), share, Operation.PRINTING))

    assert course.forecast(AT).rate_per_h == pytest.approx(3600 / 5000, rel=0.1)


def test_time_that_goes_backwards_is_no_time():
    course = Course(Sight("p1", 1000.0, 0.10, Operation.PRINTING, estimate_s=3600.0))
    before = course.forecast(AT)
    course.see(Sight("p1", 900.0, 0.11, Operation.PRINTING, estimate_s=3600.0))

    assert course.forecast(AT) == before


def test_without_an_estimate_nothing_is_foretold_before_something_was_seen():
    course = Course(Sight("p1", 0.0, 0.0, Operation.PRINTING))

    assert (course.forecast(AT).completion_at, course.forecast(AT).rate_per_h) == (None, None)
