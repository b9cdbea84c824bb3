"""A printer that floods: its readings are passed over, so that the others' are not."""

from __future__ import annotations

from farm.printers.pace import MOST_A_S, Pace


def test_ten_thousand_readings_a_second_become_twenty_and_the_rest_is_counted():
    pace = Pace()
    kept = [pace.keeps(second + number / 10_000) for second in range(3) for number in range(10_000)]

    assert sum(kept) == 3 * MOST_A_S
    assert pace.passed_over() == 3 * (10_000 - MOST_A_S)
    assert pace.passed_over() == 0


def test_a_driver_that_keeps_its_word_is_never_passed_over():
    pace = Pace()

    assert all(pace.keeps(number * 0.4) for number in range(1000))
    assert pace.passed_over() == 0
