"""What printing took and what it cost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from farm.domain.job import FailureCause, PrintState
from farm.domain.printer import Profile
from farm.domain.settings import Costs
from farm.domain.statistics import Sums, Tally, energy_kwh, shares

PROFILE = Profile(heat_up_w=350.0, heat_up_s=300.0, printing_w=120.0)
GOOD = Tally("mk4", "PLA", PrintState.FINISHED, None, 10, 1, 18, 36_000.0, 10, 500.0, 9, 900.0, 300.0)
COSTS = Costs("EUR", 0.30, 25.0, {"PLA": 20.0}, 0.5)


def taken(*tallies, profile=PROFILE, costs=COSTS):
    sums = Sums()
    for tally in tallies:
        sums.add(tally, profile, costs)
    return sums


def test_ten_prints_take_what_ten_heat_ups_and_their_hours_take():
    joules = 120 * (36_000 - 10 * 300) + 350 * 10 * 300
    assert energy_kwh(GOOD, PROFILE) == pytest.approx(joules / 3.6e6)
    assert energy_kwh(GOOD, Profile(printing_w=120.0)) == pytest.approx(120 * 36_000 / 3.6e6)
    assert energy_kwh(GOOD, Profile(heat_up_w=350.0, heat_up_s=300.0)) is None
    assert energy_kwh(GOOD, None) is None
    assert energy_kwh(replace(GOOD, begun=0, printed_s=0.0), None) == 0.0
    short = replace(GOOD, printed_s=1000.0)  # cancelled while they were heating up
    assert energy_kwh(short, PROFILE) == pytest.approx(350 * 1000 / 3.6e6)


def test_prints_are_counted_by_how_they_ended():
    failed = replace(GOOD, state=PrintState.FAILED, cause=FailureCause.WARPED, prints=4, begun=3, spoiled=0)
    sums = taken(
        GOOD,
        failed,
        replace(failed, state=PrintState.INTERRUPTED, cause=None),
        replace(GOOD, state=PrintState.CANCELLED, prints=2, spoiled=0),
        replace(GOOD, state=PrintState.UNKNOWN, prints=1, spoiled=0),
    )
    assert (sums.good, sums.spoiled, sums.failed, sums.not_begun) == (9, 1, 6, 2)
    assert (sums.cancelled, sums.unknown) == (2, 1)
    assert sums.causes == {"warped": 3, "unexplained": 4}
    assert sums.success_rate == pytest.approx(9 / 16)
    assert Sums().success_rate is None


def test_costs_are_what_is_known_of_them():
    sums = taken(GOOD)
    assert sums.material_cost == pytest.approx(0.5 * 20)
    assert sums.machine_cost == pytest.approx(10 * 0.5)
    assert sums.energy_cost == pytest.approx(0.30 * energy_kwh(GOOD, PROFILE))
    assert sums.cost == pytest.approx(sums.material_cost + sums.machine_cost + sums.energy_cost)
    other = taken(replace(GOOD, material=None))
    assert other.material_cost == pytest.approx(0.5 * 25)
    nothing = taken(GOOD, costs=Costs())
    assert (nothing.cost, nothing.energy_cost) == (None, None)
    no_watts = taken(GOOD, profile=None)
    assert (no_watts.energy_kwh, no_watts.energy_cost, no_watts.without_watts) == (None, None, 10)
    assert no_watts.cost == pytest.approx(15)


def test_shares_are_of_all_the_time_there_was():
    assert shares({"printing": 6.0, "idle": 18.0}) == {"printing": 0.25, "idle": 0.75}
    assert shares({"printing": 0.0}) == {"printing": 0.0}
