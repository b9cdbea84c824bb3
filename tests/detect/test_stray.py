"""Nozzles whose power nobody tells: how late their control takes something up is held against good days."""

from __future__ import annotations

import pytest

from farm.detect.baseline import Baseline, HeaterBaseline
from farm.detect.values import CADENCES, Cadence
from farm.domain.anomaly import AnomalyKind, Severity
from farm.drivers.base import Fan
from tests.detect.watching import Bench, first, kinds

USUAL = Baseline(prints=3, heaters={"tool0": HeaterBaseline(strays_below_degc=0.8, strays_above_degc=0.6)})


def holding(cadence: Cadence = CADENCES["octoprint"], usual: Baseline = USUAL) -> Bench:
    """A printer that has held its target for five minutes."""
    bench = Bench(cadence=cadence, usual=usual)
    bench.tell(300)
    return bench


@pytest.mark.parametrize("kind", ["octoprint", "prusalink"])
def test_nozzle_that_stays_below_for_longer_than_on_any_good_day_is_told(kind: str) -> None:
    bench = holding(CADENCES[kind])

    bench.tell(40, tool=207.5, step_s=CADENCES[kind].fresh_s)

    found = first(bench.heard, Severity.WARN)
    assert (found.kind, found.evidence.channel) == (AnomalyKind.DROP, "tool0")
    assert "below its target" in found.sentence
    assert found.evidence.limit == pytest.approx(1.9 * 0.8)
    assert found.evidence.values["off_degc"] < -1.5


def test_nozzle_that_stays_above_is_told_too() -> None:
    bench = holding()

    bench.tell(40, tool=212.0)

    assert kinds(bench.heard) == {(AnomalyKind.RUNAWAY, "tool0")}


def test_what_good_prints_have_shown_is_no_trouble() -> None:
    bench = holding()

    for _ in range(5):
        bench.tell(60, tool=209.0)  # a fan that comes on
        bench.tell(120, tool=210.8)  # and goes off
        bench.tell(3, tool=205.5)  # the mains dip
        bench.tell(300)

    assert not bench.heard


def test_settling_after_another_target_is_no_straying() -> None:
    bench = holding()

    bench.tell(40, tool=lambda t: 215.0 - 8.0 * 2.718 ** (-t / 8), target=215.0)
    bench.tell(300, tool=215.0, target=215.0)

    assert not bench.heard


def test_where_power_is_told_it_is_the_power_that_is_looked_at() -> None:
    bench = holding()

    bench.tell(40, tool=207.5, duty={"tool0": 0.5}, fans={"fan": Fan(0.8)})

    assert not bench.heard


def test_good_prints_teach_how_far_it_strays() -> None:
    bench = holding(usual=Baseline())

    bench.tell(60, tool=208.8)
    bench.tell(600)

    lesson = bench.guard.lesson()
    assert lesson is not None
    assert lesson.heaters["tool0"].strays_below_degc == pytest.approx(1.2, abs=0.1)
    usual = Baseline().with_print(lesson).with_print(lesson)
    assert usual.heaters["tool0"].strays_below_degc == lesson.heaters["tool0"].strays_below_degc
