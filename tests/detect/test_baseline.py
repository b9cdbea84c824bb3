"""What is usual is learned print by print."""

from __future__ import annotations

import pytest

from farm.detect.baseline import ENOUGH, NOTHING_LEARNED, Baseline, HeaterBaseline


def lesson(**values: float) -> Baseline:
    return Baseline(0, {"tool0": HeaterBaseline(**values)}, gap_s=5.0)


def test_it_is_sound_after_enough_prints():
    usual = NOTHING_LEARNED
    for _ in range(ENOUGH):
        assert not usual.is_sound
        usual = usual.with_print(lesson(rise_s=30.0))

    assert usual.is_sound


def test_times_are_averaged_and_the_newer_prints_count_more_in_the_end():
    usual = NOTHING_LEARNED.with_print(lesson(rise_s=20.0)).with_print(lesson(rise_s=30.0))
    assert usual.heaters["tool0"].rise_s == pytest.approx(25.0)

    for _ in range(30):
        usual = usual.with_print(lesson(rise_s=40.0))
    assert usual.heaters["tool0"].rise_s == pytest.approx(40.0, abs=0.2)


def test_the_worst_of_good_prints_is_kept_and_fades():
    usual = NOTHING_LEARNED.with_print(lesson(below_degc=4.0)).with_print(lesson(below_degc=1.0))
    assert 3.5 < usual.heaters["tool0"].below_degc < 4.0

    for _ in range(60):
        usual = usual.with_print(lesson(below_degc=1.0))
    assert usual.heaters["tool0"].below_degc == pytest.approx(1.0)


def test_what_a_print_did_not_show_stays_as_it_was():
    usual = NOTHING_LEARNED.with_print(lesson(rise_s=20.0)).with_print(lesson(below_degc=1.0))

    assert usual.heaters["tool0"].rise_s == 20.0
