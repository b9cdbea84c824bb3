"""Sensors that slip and fans that die, seen by the power alone: the values all stay at their targets."""

from __future__ import annotations

import random

from farm.detect.baseline import Baseline, HeaterBaseline
from farm.domain.anomaly import AnomalyKind, Severity
from farm.drivers.base import Fan
from tests.detect.watching import Bench, first, kinds

USUAL = Baseline(prints=3, heaters={"tool0": HeaterBaseline(duty_spread=0.03)})
SEEN = {(AnomalyKind.DUTY, "tool0")}


class Nozzle:
    """A nozzle that holds 210 °C with half its power, more or less as filament comes."""

    def __init__(self, usual: Baseline = USUAL) -> None:
        self.bench = Bench(usual=usual)
        self._filament = random.Random(2)
        self.hold(400)

    def hold(
        self, seconds: float, share: float = 1.0, fan: float | None = 0.8, target: float = 210.0
    ) -> None:
        """share: of the power it usually takes."""
        for _ in range(round(seconds / 5)):
            duty = 0.5 * share * (1.0 + self._filament.gauss(0.0, 0.01))
            fans = {} if fan is None else {"fan": Fan(fan)}
            self.bench.tell(5, tool=target, target=target, duty={"tool0": duty}, fans=fans)

    @property
    def seen(self) -> set[tuple[AnomalyKind, str]]:
        return kinds(self.bench.heard)


def test_nothing_is_said_of_a_nozzle_that_holds() -> None:
    nozzle = Nozzle()

    nozzle.hold(3600)

    assert not nozzle.bench.heard


def test_sensor_that_slips_in_seconds_shows_as_a_surge_of_power() -> None:
    nozzle = Nozzle()

    nozzle.hold(20, 1.35)
    nozzle.hold(10, 1.05)

    assert nozzle.seen == SEEN
    found = first(nozzle.bench.heard, Severity.WARN)
    assert "more power" in found.sentence
    assert "hotter than it shows" in found.sentence
    assert found.evidence.values["differs_percent"] > found.evidence.limit > 18.0


def test_sensor_that_shows_too_much_lets_the_nozzle_cool() -> None:
    nozzle = Nozzle()

    nozzle.hold(20, 0.65)
    nozzle.hold(10, 0.95)

    assert nozzle.seen == SEEN
    assert "colder than it shows" in first(nozzle.bench.heard, Severity.WARN).sentence


def test_slow_slip_is_much_for_a_minute_and_a_little_for_good() -> None:
    nozzle = Nozzle()
    nozzle.hold(60, 1.2)
    assert not nozzle.bench.heard

    nozzle.hold(200, 1.06)

    found = first(nozzle.bench.heard, Severity.WARN)
    assert "hotter than it shows" in found.sentence
    assert 4.0 < found.evidence.values["differs_percent"] < 8.0


def test_slow_slip_the_other_way() -> None:
    nozzle = Nozzle()

    nozzle.hold(60, 0.84)
    nozzle.hold(200, 0.94)

    assert "colder than it shows" in first(nozzle.bench.heard, Severity.WARN).sentence


def test_doors_and_filament_are_no_slip() -> None:
    nozzle = Nozzle()

    for open_s in (20, 60, 120, 300):  # a door
        nozzle.hold(open_s, 1.16)
        nozzle.hold(400)
    nozzle.hold(1200, 1.06)  # thicker lines from here on

    assert not nozzle.bench.heard


def test_fan_that_dies_is_seen_within_half_a_minute() -> None:
    nozzle = Nozzle()

    nozzle.hold(30, 0.7)

    assert "fan may have stopped" in first(nozzle.bench.heard, Severity.WARN).sentence


def test_fan_that_is_told_another_speed_is_no_surprise() -> None:
    nozzle = Nozzle()

    nozzle.hold(40, 0.75, fan=0.0)
    nozzle.hold(300)
    nozzle.hold(600, 0.75, fan=0.0)  # from here on
    nozzle.hold(600, 1.1, fan=1.0)

    assert not nozzle.bench.heard


def test_fan_that_nobody_tells_of_may_be_all_there_is_to_it() -> None:
    nozzle = Nozzle()
    nozzle.hold(400, fan=None, target=215.0)

    nozzle.hold(60, 0.7, fan=None, target=215.0)

    assert not nozzle.bench.heard


def test_printer_of_which_nothing_is_known_is_only_learned_from() -> None:
    nozzle = Nozzle(Baseline())

    nozzle.hold(25, 1.5)
    nozzle.hold(600)

    assert not nozzle.bench.heard
    lesson = nozzle.bench.guard.lesson()
    assert lesson is not None
    spread = lesson.heaters["tool0"].duty_spread
    assert spread is not None
    assert 0.01 < spread < 0.2


def test_uneven_filament_needs_more_than_even_one() -> None:
    uneven = Nozzle(Baseline(prints=3, heaters={"tool0": HeaterBaseline(duty_spread=0.1)}))

    uneven.hold(25, 1.3)
    uneven.hold(300)

    assert not uneven.bench.heard


def test_what_has_slipped_stays_said_until_the_target_changes() -> None:
    nozzle = Nozzle()
    nozzle.hold(20, 1.4)

    nozzle.hold(600, 1.05)
    assert [each.kind for each in nozzle.bench.guard.current] == [AnomalyKind.DUTY]

    nozzle.hold(120, 1.05, target=200.0)
    assert not nozzle.bench.guard.current
