"""Problems as they are sent: what is read of them, and every way in which they can be wrong."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.errors import Invalid
from farm.schedule.problem import Filament, Pin, Placed, Problem
from farm.schedule.reading import read_plan, read_problem
from farm.schedule.result import Placement, Schedule
from farm.schedule.rules import Rule
from farm.schedule.schema import json_schema
from farm.schedule.validate import validate
from farm.schedule.writing import plan_json
from tests.schedule.small_shop import at, plan

INSTANCES = Path(__file__).parents[1] / "data" / "instances"
HOUR = 3600

SHOP = {
    "now": "2026-03-28T11:00:00Z",
    "timezone": "Europe/Berlin",
    "working_hours": [{"days": ["sat"], "start": "22:00", "end": "06:00"}],
    "horizon_s": 86_400,
    "operators": 2,
    "power_w": 2000,
    "circuits_w": {"left": 1000},
    "printers": [
        {"id": "a", "loaded": {"material": "PLA", "colour": "black"}, "circuit": "left"},
        {"id": "b", "ready_s": 60, "plate_clear": False, "running": {"job": "x"}},
    ],
    "jobs": [
        {"id": "j", "estimate_s": 3600, "priority": 3, "copies": 2, "pin": {"printer": "b"}},
        {"id": "k", "estimate_s": {"a": 60}, "filament": {"material": "PETG"}, "preferred_printers": ["a"]},
    ],
    "maintenance_windows": [{"start": 100, "end": 200, "affected_printers": "all"}],
    "stock": [{"material": "PLA", "colour": "black", "grams": 500}],
    "hand_work": {
        "changes": [
            {"before": {"material": "PLA", "colour": "black"}, "after": {"material": "PETG"}, "seconds": 9}
        ]
    },
    "previous": [{"job": "j", "printer": "b", "hand_work_start": 60, "start": 360}],
}

BOOK = {"duration": [[3, 4], [5, None]], "setup": [[[0, 1], [2, 0]], [[0, 3], [4, 0]]], "due": [4, 9]}


def read(problem: dict) -> Problem:
    return read_problem(json.dumps(problem).encode())


def changed(problem: dict, **changes: object) -> dict:
    return {**problem, **changes}


def hours(days, start="05:00", end="06:00"):
    return changed(SHOP, working_hours=[{"days": days, "start": start, "end": end}])


def down(start, end, printers="all"):
    window = {"start": start, "end": end, "affected_printers": printers}
    return changed(SHOP, maintenance_windows=[window])


def inside(where: str, number: int = 0, **changes: object) -> dict:
    """The shop with these fields of one of its printers or jobs changed."""
    items = [dict(item) for item in SHOP[where]]
    items[number].update(changes)
    return changed(SHOP, **{where: items})


def test_a_shop_is_read_with_the_night_in_which_the_clocks_change():
    problem = read(SHOP)
    assert problem.staffed == ((10 * HOUR, 17 * HOUR),)  # 420 minutes
    one, other = problem.printers
    assert (one.loaded, one.circuit, one.blocked) == (Filament("PLA", "black"), "left", ((100, 200),))
    assert (other.ready_s, other.plate_clear, other.running.job) == (60, False, "x")
    job, second = problem.jobs
    assert (dict(job.estimate_s), job.weight, job.copies) == ({"a": 3600, "b": 3600}, 8.0, 2)
    assert job.pin == Pin("b")
    assert (dict(second.estimate_s), second.preferred) == ({"a": 60}, frozenset("a"))
    assert problem.stock_g == {Filament("PLA", "black"): 500.0}
    assert problem.hand_work.change_s(Filament("PLA", "black"), Filament("PETG", "")) == 9
    assert problem.previous == {("j", 0): Placed("b", 60, 360)}
    assert (problem.zone, problem.operators, problem.power_w) == ("Europe/Berlin", 2, 2000.0)


def test_staffed_spans_may_be_given_instead_of_hours():
    given = {name: value for name, value in SHOP.items() if name != "working_hours"}
    assert read(changed(given, staffed=[[50, 60], [-5, 10], [10, 20]])).staffed == ((0, 20), (50, 60))
    assert read(given).staffed is None


def test_a_printer_that_is_not_required_is_left_out_with_the_reason():
    (job, _) = read(inside("jobs", required_printers=["b"])).jobs
    assert dict(job.estimate_s) == {"b": 3600}
    assert [(why.printer, why.constraint) for why in job.excluded] == [("a", Rule.PIN)]


def test_a_problem_from_a_book_is_read_by_its_matrices():
    problem = read(
        changed(BOOK, ready=[0, 7], weights=[1, 2], release=[0, 1], initial_setup=[[1, 2], [3, 4]])
    )
    assert [dict(job.estimate_s) for job in problem.jobs] == [{"0": 3, "1": 4}, {"0": 5}]
    assert problem.setups.between == (((0, 1), (2, 0)), ((0, 3), (4, 0)))
    assert problem.setups.first == ((1, 2), (3, 4))
    assert [printer.ready_s for printer in problem.printers] == [0, 7]
    assert (problem.weights.makespan, problem.weights.tardiness) == (60.0, 0.0)
    assert (
        validate(problem, plan(Placement("0", 0, "1", 7, 10, 10, 14), Placement("1", 0, "0", 1, 3, 3, 8)))
        == []
    )
    assert read(changed(BOOK, eligible=[[True, False], [True, True]])).jobs[0].estimate_s == {"0": 3}


def test_an_instance_is_read_in_minutes():
    problem = read_problem((INSTANCES / "10x3-s1.json").read_bytes())
    a, b, c = problem.printers
    assert (a.ready_s, a.loaded, a.heat_up_w, a.heat_up_s) == (
        94 * 60,
        Filament("PLA", "natural"),
        350.0,
        600,
    )
    assert problem.staffed[0] == (0, 600 * 60)
    abs_job = problem.jobs[0]
    assert dict(abs_job.estimate_s) == {c.id: round(725 * 0.7) * 60}  # it needs an enclosed printer
    assert (abs_job.due_s, abs_job.weight) == (962 * 60, 4.0)
    assert dict(problem.jobs[3].estimate_s) == {a.id: 231 * 60, b.id: 266 * 60, c.id: 162 * 60}
    assert problem.power_w == 1120.0


@pytest.mark.parametrize(
    ("problem", "field"),
    [
        (changed(SHOP, printers=[]), "printers"),
        (changed(SHOP, printers=SHOP["printers"][:1] * 2), "printers[1]"),
        (changed(SHOP, jobs=SHOP["jobs"][:1] * 2), "jobs[1]"),
        (changed(SHOP, timezone="Europe/Atlantis"), "timezone"),
        (changed(SHOP, now="2026-03-28T11:00:00"), "now"),
        (changed(SHOP, now="yesterday"), "now"),
        (changed(SHOP, operators=0), "operators"),
        (changed(SHOP, power_w=0), "power_w"),
        (changed(SHOP, staffed=[[0, 60]]), "staffed"),
        (changed(SHOP, closed_dates=["Christmas"]), "closed_dates[0]"),
        (changed(SHOP, wishes=[]), "wishes"),
        (hours(["sat"], start="25:00"), "working_hours[0].start"),
        (hours([]), "working_hours[0].days"),
        (hours(["x"]), "working_hours[0].days[0]"),
        (down(5, 5), "maintenance_windows[0].end"),
        (down(5, 4), "maintenance_windows[0].end"),
        (down(1, 4, []), "maintenance_windows[0].affected_printers"),
        (down(1, 4, ["z"]), "maintenance_windows[0].affected_printers"),
        (inside("printers", blocked=[[9, 3]]), "printers[0].blocked[0]"),
        (inside("printers", ready_s=-1), "printers[0].ready_s"),
        (inside("printers", risk=2), "printers[0].risk"),
        (inside("printers", id=""), "printers[0].id"),
        (inside("jobs", estimate_s=0), "jobs[0].estimate_s"),
        (inside("jobs", estimate_s={"z": 5}), "jobs[0].estimate_s"),
        (inside("jobs", estimate_s={"a": 2**40}), "jobs[0].estimate_s[...]"),
        (inside("jobs", copies=0), "jobs[0].copies"),
        (inside("jobs", copies=50_000), "jobs"),
        (inside("jobs", weight=2), "jobs[0].weight"),
        (inside("jobs", 1, weight=-2), "jobs[1].weight"),
        (inside("jobs", pin={"printer": "z"}), "jobs[0].pin.printer"),
        (inside("jobs", preferred_printers=["z"]), "jobs[0].preferred_printers"),
        (inside("jobs", required_printers=["z"]), "jobs[0].required_printers"),
        (inside("jobs", due_s="tomorrow"), "jobs[0].due_s"),
        (changed(BOOK, setup=[[[0, 1], [2, 0]]]), "setup"),
        (changed(BOOK, setup=[[[0, 1], [2]], [[0, 3], [4, 0]]]), "setup[0][1]"),
        (changed(BOOK, duration=[[3, 4], [5]]), "duration[1]"),
        (changed(BOOK, duration=[[]]), "duration"),
        (changed(BOOK, duration=[]), "duration"),
        (changed(BOOK, due=[1]), "due"),
        (changed(BOOK, ready=[1]), "ready"),
        (changed(BOOK, jobs=["a", "a"]), "jobs[1]"),
    ],
)
def test_what_is_wrong_is_refused_by_its_field(problem, field):
    with pytest.raises(Invalid) as refused:
        read(problem)
    assert refused.value.field == field
    assert str(refused.value).startswith((field, f"there is no {field}"))


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"3", b"\xff", b"[" * 100_000, b'{"t0": 3}'])
def test_what_is_no_problem_at_all_is_refused(text):
    with pytest.raises(Invalid):
        read_problem(text)
    with pytest.raises(Invalid):
        read_plan(text)


KEYS = st.sampled_from(sorted({*SHOP, *BOOK, "t0"}))
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner),
)


@settings(max_examples=40)
@given(ANYTHING)
def test_any_json_is_read_or_refused(value):
    try:
        read_problem(json.dumps(value).encode())
    except Invalid:
        return


def test_ten_thousand_jobs_are_read():
    jobs = [{"id": str(number), "estimate_s": 60} for number in range(10_000)]
    assert len(read(changed(SHOP, jobs=jobs, previous=[])).jobs) == 10_000


def test_the_schema_takes_what_is_read():
    checker = jsonschema_rs.validator_for(json_schema())
    assert checker.is_valid(SHOP)
    assert checker.is_valid(BOOK)
    assert checker.is_valid(json.loads((INSTANCES / "10x3-s1.json").read_bytes()))
    assert not checker.is_valid(changed(SHOP, wishes=[]))
    assert not checker.is_valid({})


def test_a_plan_is_read_as_it_is_written():
    written = json.dumps(plan_json(plan(at(0), at(65, copy=1, hands=(60, 65))))).encode()
    assert read_plan(written) == plan(at(0), at(65, copy=1, hands=(60, 65)))
    assert read_plan(b'{"placements": [], "unscheduled": [{"job": "j"}]}').unscheduled[0].copies == 1
    assert isinstance(read_plan(written), Schedule)
