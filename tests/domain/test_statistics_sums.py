"""What printing took and what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
import pytest

from farm.domain.job import FailureCause, PrintState
from farm.domain.settings import Costs
from farm.domain.statistics import STATES, Counted, Outcomes, Power, Sums, count, energy_kwh, shares

POWER = Power(printing_w=120.0, heat_up_w=350.0, heat_up_s=300.0)
COSTS = Costs("EUR", 0.30, 25.0, {"PLA": 20.0}, 0.5)
FIRST, SECOND = date(2026, 1, 1), date(2026, 1, 2)


class Over(NamedTuple):
    """A print that is over."""

    state: PrintState = PrintState.FINISHED
    good: int | None = 2
    printed_s: float = 3600.0
    filament_g: float | None = 50.0
    waited_s: float | None = None
    cause: FailureCause | None = None
    printer: str = "mk4"
    material: str | None = "PLA"
    day: date = FIRST


def in_columns(prints: Sequence[Over]) -> Outcomes:
    def placed(name):
        there = sorted({getattr(each, name) for each in prints}, key=str)
        return there, np.array([there.index(getattr(each, name)) for each in prints], np.int64)

    def amounts(name):
        told = (getattr(each, name) for each in prints)
        return np.array([np.nan if each is None else each for each in told])

    (printers, printer), (materials, material) = placed("printer"), placed("material")
    (days, day), (causes, cause) = placed("day"), placed("cause")
    return Outcomes(
        printers, materials, days, causes, printer, material, day, cause,
        state=np.array([STATES.index(each.state) for each in prints], np.int64),
        good=np.array([-1 if each.good is None else each.good for each in prints], np.int64),
        printed_s=amounts("printed_s"), filament_g=amounts("filament_g"), waited_s=amounts("waited_s"),
    )  # fmt: skip


def counted(*prints: Over, power: Power | None = POWER, costs: Costs = COSTS) -> Counted:
    return count(in_columns(prints), {} if power is None else {"mk4": power}, costs)


def test_a_print_takes_what_its_heat_up_and_its_hours_take():
    def kwh(printed_s: float, power: Power) -> float:
        return float(energy_kwh(np.array([printed_s]), [power], np.array([0]))[0])

    assert kwh(3600, POWER) == pytest.approx((120 * 3300 + 350 * 300) / 3.6e6)
    assert kwh(3600, Power(120.0)) == pytest.approx(120 * 3600 / 3.6e6)
    assert kwh(3600, Power(120.0, 350.0)) == pytest.approx(120 * 3600 / 3.6e6)
    assert kwh(3600, Power(120.0, None, 300.0)) == pytest.approx(120 * 3600 / 3.6e6)
    assert np.isnan(kwh(3600, Power(None, 350.0, 300.0)))
    assert kwh(0, Power()) == 0.0
    assert kwh(100, POWER) == pytest.approx(350 * 100 / 3.6e6)  # cancelled while it was heating up


def test_prints_are_counted_by_how_they_ended():
    failed = Over(PrintState.FAILED, good=None, cause=FailureCause.WARPED)
    whole = counted(
        Over(),
        Over(good=None),
        Over(good=0),
        failed,
        failed._replace(printed_s=0.0),
        failed._replace(state=PrintState.INTERRUPTED, cause=None),
        failed._replace(state=PrintState.CANCELLED),
        failed._replace(state=PrintState.UNKNOWN),
    ).whole
    assert (whole.good, whole.spoiled, whole.failed, whole.not_begun) == (2, 1, 2, 1)
    assert (whole.cancelled, whole.unknown, whole.parts) == (1, 1, 2)
    assert whole.causes == {"warped": 1, "unexplained": 2}
    assert whole.success_rate == pytest.approx(2 / 5)
    assert Sums().success_rate is None


def test_they_are_counted_by_printer_material_and_day():
    told = counted(
        Over(waited_s=60.0),
        Over(printer="mini", material=None, waited_s=600.0),
        Over(material="PETG", good=0, day=SECOND),
        Over(PrintState.CANCELLED, material="PETG", printed_s=0.0, filament_g=None, day=SECOND),
    )
    assert {name: (sums.good, sums.spoiled) for name, sums in told.printers.items()} == {
        "mini": (1, 0), "mk4": (1, 1),
    }  # fmt: skip
    assert {name: sums.filament_g for name, sums in told.materials.items()} == {
        None: 50.0, "PETG": 50.0, "PLA": 50.0,
    }  # fmt: skip
    assert [tuple(day) for day in told.days] == [
        (FIRST, 2, 0, 0, 7200.0, 100.0), (SECOND, 0, 1, 1, 3600.0, 50.0),
    ]  # fmt: skip
    assert (told.whole.waited, told.whole.waited_s, told.whole.longest_wait_s) == (2, 660.0, 600.0)
    assert told.printers["mk4"].longest_wait_s == 60.0
    assert (told.printers["mk4"].without_watts, told.printers["mini"].without_watts) == (0, 1)
    assert told.printers["mini"].energy_kwh is None


def test_costs_are_what_is_known_of_them():
    whole = counted(Over()).whole
    assert whole.material_cost == pytest.approx(0.05 * 20)
    assert whole.machine_cost == pytest.approx(0.5)
    assert whole.energy_cost == pytest.approx(0.30 * whole.energy_kwh)
    assert whole.cost == pytest.approx(whole.material_cost + whole.machine_cost + whole.energy_cost)
    assert counted(Over(material=None)).whole.material_cost == pytest.approx(0.05 * 25)
    nothing = counted(Over(), costs=Costs()).whole
    assert (nothing.cost, nothing.energy_cost) == (None, None)
    no_watts = counted(Over(), power=None).whole
    assert (no_watts.energy_kwh, no_watts.energy_cost, no_watts.without_watts) == (None, None, 1)
    assert no_watts.cost == pytest.approx(1.5)
    dear = Costs(materials_per_kg={"PETG": 40.0})
    assert counted(Over(), Over(material="PETG"), costs=dear).whole.material_cost == pytest.approx(2.0)


def test_where_nothing_was_printed_there_is_nothing_to_tell():
    assert count(in_columns([]), {}, COSTS) == Counted()


def test_shares_are_of_all_the_time_there_was():
    assert shares({"printing": 6.0, "idle": 18.0}) == {"printing": 0.25, "idle": 0.75}
    assert shares({"printing": 0.0}) == {"printing": 0.0}
