"""Everything that printers measure, as the processor takes it in: what is sound, odd, late, mad, and gone."""

from __future__ import annotations

import math

import numpy as np
import pytest
import structlog.testing
from msgspec import structs

from farm.domain.metrics import Channel, Group, Trend
from farm.domain.printer import Operation, PrinterStatus, PrintProgress, Temperature
from farm.drivers.base import Fan, LineStatistics, LoadedFile, Reading
from farm.telemetry import processor as limits
from farm.telemetry.messages import PrinterObserved
from farm.telemetry.processor import Processor

TOOL = Channel(Group.TEMPERATURE, "tool0")
BED = Channel(Group.TEMPERATURE, "bed")
NOON = 1_767_268_800.0


def seen(now, printer="mk4", operation=Operation.IDLE, status=None, estimate_s=None, **reading):
    heaters = reading.pop("heaters", {})
    temperatures = {name: Temperature(value, 0.0) for name, value in heaters.items()}
    return PrinterObserved(
        printer,
        NOON + now,
        now,
        Reading(True, operation, temperatures=temperatures, **reading),
        status or PrinterStatus(),
        estimate_s,
    )


class Played:
    """A processor and its time, which begins at some odd moment."""

    def __init__(self, **settings):
        self.processor = Processor(**settings)
        self.now = 123_456.7
        self.processor.advance(self.now)

    def wait(self, seconds):
        self.now += seconds
        self.processor.advance(self.now)

    def see(self, back=0.0, **more):
        self.processor.take(seen(self.now - back, **more))

    def understood(self, printer="mk4"):
        for _ in self.processor.study([printer]):
            pass
        return self.processor.metrics(printer, NOON + self.now)


def test_a_steady_and_a_heating_heater_are_told_apart():
    farm, chance = Played(), np.random.default_rng(0)
    values = []
    for second in range(600):
        values.append(60.0 + float(chance.normal(0, 0.1)))
        farm.see(heaters={"bed": values[-1], "tool0": 20.0 + 0.25 * second})
        farm.wait(1.0)
    farm.wait(5.0)
    found = farm.understood().channels

    assert found[BED].mean == pytest.approx(np.mean(values), abs=0.001)
    assert found[BED].variance == pytest.approx(np.var(values, ddof=1), rel=0.02)
    assert found[BED].trend is Trend.STABLE
    assert abs(found[BED].robust_z) < 4
    assert found[TOOL].trend is Trend.RISING
    assert found[TOOL].slope_per_min == pytest.approx(15.0, rel=0.01)
    assert found[BED].slope_error_per_min < 1.0
    assert farm.understood().progress is None


def test_all_channels_of_a_reading_are_understood():
    farm = Played()
    for second in range(30):
        farm.see(
            heaters={"tool0": 200.0},
            duty={"tool0": 0.4},
            fans={"fan": Fan(0.5, 3000.0)},
            load={"mcu": 0.1},
            line=LineStatistics(100 * second, 2 * second),
        )
        farm.wait(1.0)
    found = farm.understood().channels

    assert {channel: round(statistics.mean, 3) for channel, statistics in found.items()} == {
        TOOL: 200.0,
        Channel(Group.DUTY, "tool0"): 0.4,
        Channel(Group.FAN, "fan"): 0.5,
        Channel(Group.RPM, "fan"): 3000.0,
        Channel(Group.LOAD, "mcu"): 0.1,
        Channel(Group.RESENT, "line"): 0.02,
    }


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf, -273.0, 3000.0, 1e300])
def test_what_cannot_be_true_is_counted_and_spoils_nothing(odd):
    farm = Played()
    with structlog.testing.capture_logs() as said:
        for second in range(60):
            farm.see(heaters={"tool0": odd if second % 10 == 5 else 200.0})
            farm.wait(1.0)
    farm.wait(5.0)

    assert [(line["event"], line["channel"]) for line in said] == [  # once, not six times
        ("a reading that cannot be true", "temperature tool0")
    ]

    assert farm.understood().channels[TOOL].mean == 200.0
    assert farm.understood().channels[TOOL].variance == 0.0
    assert (farm.processor.numbers().refused, farm.processor.numbers().samples) == (6, 54)


def test_late_looks_are_taken_where_they_belong_and_time_never_goes_back():
    farm = Played()
    for second in range(100):
        if second != 50:
            farm.see(heaters={"tool0": 200.0 + second})
        farm.wait(1.0)
    farm.see(heaters={"tool0": 300.0})
    farm.see(back=50.0, heaters={"tool0": 250.0})  # of the second in which nothing was seen
    farm.see(back=40.0, heaters={"tool0": 999.0 - 400.0})  # there is one already
    farm.see(back=5000.0, heaters={"tool0": 1.0})  # much too late
    farm.wait(5.0)
    found = farm.understood().channels[TOOL]

    assert found.mean == pytest.approx(np.mean(200.0 + np.arange(101.0)))
    assert farm.processor.numbers().late == 3
    assert farm.processor.numbers().refused == 2


def test_a_look_from_the_future_is_refused():
    farm = Played()
    farm.see(heaters={"tool0": 200.0})
    farm.see(back=-3600.0, heaters={"tool0": 500.0})
    farm.wait(5.0)

    assert farm.understood().channels[TOOL].mean == 200.0
    assert farm.processor.numbers().refused == 1


def test_ten_thousand_looks_a_second_change_nothing_for_others_and_take_no_room():
    farm = Played()
    for second in range(10):
        for _ in range(10_000):
            farm.see(printer="mad", heaters={"tool0": 200.0})
        farm.see(printer="mk4", heaters={"tool0": 60.0 + second})
        farm.wait(1.0)
    farm.wait(5.0)

    assert farm.understood("mk4").channels[TOOL].mean == 64.5
    assert farm.understood("mad").channels[TOOL].variance == 0.0
    assert farm.processor.numbers().channels == 2


def test_what_was_passed_over_before_it_came_here_is_counted():
    farm = Played()
    farm.processor.take(structs.replace(seen(farm.now, heaters={"tool0": 200.0}), passed_over=9_980))

    assert (farm.processor.numbers().passed_over, farm.processor.numbers().samples) == (9_980, 1)


def test_a_printer_with_ever_new_heaters_has_so_many_and_no_more():
    farm = Played()
    for number in range(1000):
        farm.see(printer="mad", heaters={f"heater{number}": 20.0})
    farm.see(heaters={"tool0": 60.0})

    assert farm.processor.numbers().channels == limits.MOST_CHANNELS + 1
    assert farm.processor.numbers().refused == 1000 - limits.MOST_CHANNELS


def test_room_is_bounded_and_given_back_when_a_printer_goes(monkeypatch):
    monkeypatch.setattr(limits, "MOST_RINGS", 1)
    monkeypatch.setattr(limits, "WIDTH", 2)
    farm = Played()
    for printer in ("a", "b", "c"):
        farm.see(printer=printer, heaters={"tool0": 100.0})
    assert (farm.processor.numbers().channels, farm.processor.numbers().refused) == (2, 1)

    farm.processor.forget("a")
    farm.processor.forget("never seen")
    farm.wait(5.0)
    farm.see(printer="c", heaters={"tool0": 20.0})
    farm.wait(5.0)
    assert farm.understood("c").channels[TOOL].mean == 20.0
    assert farm.understood("a") is None


def test_whoever_takes_over_a_place_shows_nothing_of_who_had_it(monkeypatch):
    monkeypatch.setattr(limits, "MOST_RINGS", 1)
    monkeypatch.setattr(limits, "WIDTH", 1)
    farm = Played()
    for second in range(60):
        farm.see(printer="a", heaters={"tool0": 100.0 + second})
        farm.wait(1.0)
    assert TOOL in farm.understood("a").channels

    farm.processor.forget("a")
    farm.see(printer="b", heaters={"tool0": 20.0})

    assert farm.processor.metrics("b", NOON).channels == {}  # nobody has looked since


def test_a_slow_drift_is_told_also_of_a_printer_that_is_seldom_looked_at():
    farm, chance = Played(), np.random.default_rng(4)
    for second in range(0, 1100, 2):
        farm.see(heaters={"bed": 60.0 - 0.01 * second + float(chance.normal(0, 0.2))})
        farm.wait(2.0)
    found = farm.understood().channels[BED]

    assert found.drift_per_h == pytest.approx(-36.0, rel=0.1)
    assert found.trend is Trend.STABLE


def test_a_farm_that_slept_for_hours_goes_on():
    farm = Played()
    for _ in range(60):
        farm.see(heaters={"tool0": 200.0})
        farm.wait(1.0)
    farm.wait(8 * 3600.0)
    assert TOOL not in farm.understood().channels
    for _ in range(60):
        farm.see(heaters={"tool0": 20.0})
        farm.wait(1.0)
    farm.wait(5.0)

    assert farm.understood().channels[TOOL].mean == 20.0


def test_a_print_is_foretold_from_what_was_seen_of_it():
    farm = Played()
    ours = PrinterStatus(print=PrintProgress("p1", "j1", "f1", "benchy.gcode", "printing"))
    for second in range(0, 1800, 2):
        file = LoadedFile("abc_benchy.gcode", progress=second / 3600)
        farm.see(operation=Operation.PRINTING, file=file, status=ours, estimate_s=3000.0)
        farm.wait(2.0)
    found = farm.understood().progress

    assert found.rate_per_h == pytest.approx(1.0, rel=0.02)
    assert found.completion_at == pytest.approx(NOON + farm.now + 1800, abs=60)
    assert found.confidence_s < 600
    farm.wait(600.0)  # nobody sees it, and it goes on all the same
    assert farm.understood().progress.completion_at == pytest.approx(found.completion_at, abs=10)
    farm.see(operation=Operation.IDLE, file=LoadedFile("abc_benchy.gcode", progress=1.0))
    assert farm.understood().progress is None


def test_a_thousand_printers_are_looked_at_in_steps_and_right():
    farm = Played(window=60)
    for _second in range(30):
        for number in range(300):
            heaters = {f"h{heater}": float(number + heater) for heater in range(5)}
            farm.see(printer=f"p{number}", heaters=heaters)
        farm.wait(1.0)
    steps = list(farm.processor.study([f"p{number}" for number in range(300)]))

    assert len(steps) >= 300 * 5 / 64
    found = farm.processor.metrics("p299", NOON)
    assert [found.channels[Channel(Group.TEMPERATURE, f"h{heater}")].mean for heater in range(5)] == [
        299.0,
        300.0,
        301.0,
        302.0,
        303.0,
    ]


def test_after_sleep_no_slope_leads_from_what_was_before_to_now():
    farm = Played()
    for _ in range(100):
        farm.see(heaters={"bed": 60.0})
        farm.wait(1.0)
    farm.processor.begin_anew()
    assert farm.understood() is None
    for _ in range(100):
        farm.see(heaters={"bed": 25.0})
        farm.wait(1.0)
    found = farm.understood().channels[BED]
    assert found.mean == pytest.approx(25.0)
    assert found.slope_per_min == pytest.approx(0.0, abs=1e-6)
    assert farm.processor.numbers().channels == 1
