"""What looks at a printer tell of how long a print's phases take."""

from __future__ import annotations

import pytest

from farm.domain.durations import Measured
from farm.domain.printer import Temperature
from farm.printers.phases import COOLS_WITHIN_S, LONGEST_UNSEEN_S, Cooling, Phases

COLD = {"tool0": Temperature(25.0, 0.0), "bed": Temperature(25.0, 0.0)}
BED_FIRST = {"tool0": Temperature(30.0, 0.0), "bed": Temperature(40.0, 60.0)}
BED_DONE = {"tool0": Temperature(30.0, 0.0), "bed": Temperature(60.0, 60.0)}
NOZZLE_NEXT = {"tool0": Temperature(120.0, 215.0), "bed": Temperature(60.0, 60.0)}
WARM = {"tool0": Temperature(214.0, 215.0), "bed": Temperature(60.0, 60.0)}
DRAUGHT = {"tool0": Temperature(209.0, 215.0), "bed": Temperature(59.0, 60.0)}
TOOL_CHANGE = {"tool0": Temperature(150.0, 215.0), "bed": Temperature(60.0, 60.0)}


def watched(*looks, end, begin=0.0, whole=True):
    """A print that began and ended then, with looks at it in between: (when, temperatures)."""
    phases = Phases(from_the_beginning=whole)
    phases.begin(begin)
    seen = dict(looks)
    shown = COLD
    for now in range(int(begin), int(end) + 1, 10):
        shown = seen.get(now, shown)
        phases.see(float(now), shown)
    return phases.ended(float(end))


HEATING = ((10, BED_FIRST), (100, BED_DONE), (110, NOZZLE_NEXT), (200, WARM))


def test_it_heats_until_bed_and_nozzle_are_warm_and_prints_from_then_on():
    assert watched(*HEATING, end=1200) == Measured(1000.0, 200.0)


def test_a_draught_and_a_late_change_of_tools_are_no_heating():
    late = ((300, DRAUGHT), (310, WARM), (2000, TOOL_CHANGE), (2030, WARM))
    assert watched(*HEATING, *late, end=3200) == Measured(3000.0, 200.0)


def test_one_that_is_warm_from_the_start_teaches_nothing_of_heating():
    assert watched((0, WARM), end=900) == Measured(900.0, None)


def test_a_printer_without_thermometers_still_tells_how_long_it_printed():
    assert watched((0, {}), end=900) == Measured(900.0, None)


def test_the_upload_is_told_with_its_size():
    phases = Phases(from_the_beginning=True)
    phases.sent(12.5, 4_000_000)
    phases.begin(20.0)
    assert phases.ended(70.0) == Measured(50.0, None, 12.5, 4_000_000)


def test_what_was_taken_up_paused_or_lost_from_sight_is_not_told():
    assert watched((0, WARM), end=900, whole=False) is None
    paused, lost, blind = (Phases(from_the_beginning=True) for _ in range(3))
    for one in (paused, lost, blind):
        one.lose_sight()  # nothing has begun
        one.begin(0.0)
        one.see(10.0, WARM)
    paused.begin(20.0)
    lost.lose_sight()
    blind.see(20.0 + LONGEST_UNSEEN_S, WARM)
    assert [one.ended(25.0 + LONGEST_UNSEEN_S) for one in (paused, lost, blind)] == [None, None, None]
    never = Phases(from_the_beginning=True)
    assert never.ended(10.0) is None


def bed(actual, target=0.0):
    return Temperature(actual, target)


def cooled(*looks):
    """What is told of a bed that shows this, a look every 30 s: seconds, or None where nothing is."""
    cooling = Cooling("p", 0.0)
    for number, shown in enumerate(looks, start=1):
        if not cooling.see(number * 30.0, shown):
            return None
        if cooling.took_s(shown) is not None:
            return cooling.took_s(shown)
    return None


def test_a_bed_lets_go_when_it_is_cool():
    assert cooled(bed(60), bed(50), bed(40), bed(34)) == 120.0
    assert cooled(bed(60, 60.0), bed(59), bed(40), bed(34)) == 120.0  # it is switched off a moment later


@pytest.mark.parametrize(
    "looks",
    [
        pytest.param((bed(30), bed(29)), id="it was never hot"),
        pytest.param((bed(60), bed(50, 60.0), bed(60), bed(20)), id="it is heated again"),
        pytest.param((bed(60), None, bed(20)), id="it is not seen"),
        pytest.param((bed(60),) * int(COOLS_WITHIN_S / 30 + 1) + (bed(20),), id="a hot day"),
    ],
)
def test_what_did_not_cool_down_by_itself_is_not_told(looks):
    assert cooled(*looks) is None
