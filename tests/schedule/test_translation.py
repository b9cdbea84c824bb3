"""From what the farm knows to a problem, and back to a plan."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import msgspec
import pytest

from farm.domain.analysis import Filament, GcodeAnalysis, PrintTime
from farm.domain.constraints import Constraints, Day, Shift, Window
from farm.domain.durations import PRIORS, Durations, Fit, Own, Phase, learn
from farm.domain.file import FileState
from farm.domain.job import Job, JobState
from farm.domain.plan import Plan, Planned
from farm.domain.printer import Address, Loaded, Printer, Profile
from farm.domain.settings import Preset
from farm.domain.spool import Spool
from farm.schedule import problem as posed
from farm.schedule.facts import Asked, Facts, KnownFile, Station
from farm.schedule.in_moments import Translator
from farm.schedule.problem import HandWork, Placed
from farm.schedule.result import Placement, Relaxed, Schedule, Unscheduled
from farm.schedule.translation import MARGIN_S, MOST_CLEARING_S, UNKNOWN_PRINT_S, Names
from farm.schedule.translation import problem_of as posed_of

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)  # a Monday
HOUR = timedelta(hours=1)
GCODE = GcodeAnalysis(
    time_s=PrintTime(slicer=3600.4, motion=3500.0), filament=(Filament(0, g=12.5, material="PETG"),)
)
FILE = KnownFile(FileState.READY, GCODE)
UNREAD = KnownFile(FileState.READY, None)


def problem_of(found):
    return posed_of(found, Names(found))


def printer(name="a", **profile):
    return Printer(name, name.upper(), Address("octoprint", f"http://{name}"), profile=Profile(**profile))


def job(id="j", **fields):
    called, copies = fields.pop("name", id), fields.pop("copies", 1)
    return Job(id, "f", called, copies, JobState.QUEUED, "user:1", NOON, **fields)


def facts(*jobs, stations=None, **fields):
    return Facts(NOON, jobs or (job(),), {"f": FILE}, stations or (Station(printer()),), **fields)


def only_job(found):
    (one,) = problem_of(found).jobs
    return one


def only_printer(found):
    (one,) = problem_of(found).printers
    return one


def test_a_job_takes_as_long_as_its_slicer_says_and_no_second_less():
    one = only_job(facts())
    assert one.estimate_s == {"A": 3601}
    assert (one.filament, one.grams) == (posed.Filament("PETG", ""), 12.5)


def test_a_file_that_nobody_has_read_takes_a_guess():
    one = only_job(replace(facts(), files={"f": UNREAD}))
    assert one.estimate_s == {"A": UNKNOWN_PRINT_S}
    assert (one.filament, one.grams) == (None, None)


def test_what_the_job_says_of_its_filament_goes_before_the_file():
    one = only_job(facts(job(material="PLA", colour="black")))
    assert one.filament == posed.Filament("PLA", "black")


def test_only_what_is_still_to_be_begun_is_planned():
    assert only_job(facts(job(copies=5, good=1, running=1))).copies == 3
    assert problem_of(facts(job(running=1))).jobs == ()


@pytest.mark.parametrize(("priority", "weight"), [(0, 1.0), (3, 8.0), (-1, 0.5), (999, 2.0**20)])
def test_a_priority_is_a_power_of_two(priority, weight):
    assert only_job(facts(job(priority=priority))).weight == weight


def test_moments_become_seconds_that_make_no_plan_too_good():
    half = timedelta(seconds=0.5)
    one = only_job(
        facts(job(release_at=NOON + HOUR + half, due_at=NOON + HOUR + half, deadline_at=NOON + HOUR + half))
    )
    assert (one.release_s, one.due_s, one.deadline_s) == (3601, 3600, 3600)


def test_an_order_is_due_when_the_first_of_its_dates_is():
    orders = {"o": NOON + HOUR}
    assert only_job(facts(job(order="o"), order_due=orders)).due_s == 3600
    assert only_job(facts(job(order="o", due_at=NOON + HOUR / 2), order_due=orders)).due_s == 1800
    assert only_job(facts(job(order="o", due_at=NOON + 2 * HOUR), order_due=orders)).due_s == 3600


def test_a_printer_clears_its_plate_itself_where_it_will():
    ejects = only_printer(facts(stations=(Station(printer(auto_eject=True), ejects_s=1234.5),)))
    assert (ejects.auto_eject, ejects.eject_s) == (True, 1235)
    by_hand = only_printer(facts(stations=(Station(printer(auto_eject=True)),)))
    assert not by_hand.auto_eject


def test_a_printer_that_is_away_is_a_reason_and_no_printer():
    found = problem_of(
        facts(stations=(Station(printer("a")), Station(printer("b"), away="it is in maintenance")))
    )
    assert [one.id for one in found.printers] == ["A"]
    (why,) = found.jobs[0].excluded
    assert (why.printer, why.have) == ("B", "it is in maintenance")


def test_a_printer_that_failed_a_file_is_not_given_it_again():
    found = facts(stations=(Station(printer("a")), Station(printer("b"))), failed_on={"f": ("a",)})
    assert set(only_job(found).estimate_s) == {"B"}


def test_a_printer_is_free_when_its_print_ends_and_not_in_the_next_minute():
    def busy(until):
        return only_printer(
            facts(stations=(Station(printer(), free_at=until, prints="x", plate_clear=False),))
        )

    assert busy(NOON + HOUR).ready_s == 3600
    assert busy(NOON).ready_s == MARGIN_S
    assert not busy(NOON).plate_clear
    assert only_printer(facts()).ready_s == 0


def test_what_a_printer_is_loaded_with_and_draws():
    one = only_printer(
        facts(
            stations=(
                Station(
                    printer(
                        heat_up_w=350.0,
                        heat_up_s=240.0,
                        printing_w=120.0,
                        circuit="a",
                        loaded=(Loaded(0, "PLA", "black"),),
                    ),
                    left_g=300.0,
                ),
            )
        )
    )
    assert (one.heat_up_w, one.heat_up_s, one.printing_w, one.circuit) == (350.0, 240, 120.0, "a")
    assert (one.loaded, one.grams_left) == (posed.Filament("PLA", "black"), 300.0)


def test_the_shops_hours_are_cut_to_whole_seconds_inside():
    shop = Constraints(
        working_hours=(Shift(frozenset({Day.MON, Day.TUE}), time(8), time(18)),),
        closed_dates=frozenset({date(2026, 3, 9)}),
    )
    staffed = problem_of(replace(facts(), at=NOON + timedelta(seconds=0.5), constraints=shop)).staffed
    assert staffed[:3] == ((0, 6 * 3600 - 1), (20 * 3600, 30 * 3600 - 1), (188 * 3600, 198 * 3600 - 1))


def test_windows_block_the_printers_they_name():
    shop = Constraints(
        maintenance_windows=(
            Window(NOON - HOUR, NOON + HOUR, frozenset({"a"})),
            Window(NOON + 2 * HOUR, NOON + 3 * HOUR, "all"),
            Window(NOON - 2 * HOUR, NOON - HOUR, "all"),
        )
    )
    found = problem_of(facts(stations=(Station(printer("a")), Station(printer("b"))), constraints=shop))
    assert [one.blocked for one in found.printers] == [((0, 3600), (7200, 10800)), ((7200, 10800),)]


def test_power_is_in_watts():
    shop = Constraints(power_limit_kw=2.0, circuits={"a": 1.9}, operators=2)
    found = problem_of(facts(constraints=shop))
    assert (found.power_w, found.circuits_w, found.operators) == (2000.0, {"a": 1900.0}, 2)


def test_a_print_that_is_too_long_by_its_file_is_left_out_and_no_other():
    short = Constraints(max_print_time_s=3600.9)
    assert only_job(facts(constraints=short)).max_print_s is None
    one = only_job(facts(constraints=Constraints(max_print_time_s=3600.2), durations=TWICE))
    assert (one.max_print_s, one.estimate_s) == (3600, {"A": 3601})


TWICE = Durations(
    {
        Phase.PRINT_SLICER: learn(
            [Own("a", None, Fit(100, math.log(2), 0.1)), Own("b", None)], PRIORS[Phase.PRINT_SLICER]
        )
    }
)
"""Prints on a take twice as long as slicers say."""


def test_what_was_learned_of_a_printer_is_planned_with():
    two = (Station(printer("a")), Station(printer("b")))
    found = problem_of(facts(stations=two, durations=TWICE))
    (one,) = found.jobs
    assert one.estimate_s["A"] == pytest.approx(7200, rel=0.02)
    assert 3601 < one.estimate_s["B"] < 7200  # it is of another model, for all anybody knows
    near, far = (each.spread for each in found.printers)
    assert 0.09 < near < 0.12 < far


def of_phase(phase, seconds, count=100):
    """Learned on a, b and everywhere."""
    own = Own("a", "M", Fit(count, math.log(seconds), 0.0))
    return {phase: learn([own, Own("b", "M")], PRIORS[phase])}


def test_sending_and_heating_come_before_the_print_and_draw_what_they_draw():
    found = replace(
        facts(stations=(Station(printer(heat_up_w=300.0, heat_up_s=60.0)),)),
        files={"f": KnownFile(FileState.READY, GCODE, 9_000_000)},
        durations=Durations(of_phase(Phase.HEAT, 400.0) | of_phase(Phase.UPLOAD, 3.0)),
    )
    assert only_job(found).estimate_s["A"] == pytest.approx(3601 + 400 + 30, rel=0.01)
    assert only_printer(found).heat_up_s == pytest.approx(400, rel=0.05)
    assert only_printer(found).spread is None  # of prints themselves nothing is known


def test_clearing_takes_as_long_as_was_learned_unless_people_are_counted():
    cleared = Durations(of_phase(Phase.CLEAR, 600.0))
    assert problem_of(facts(durations=cleared)).hand_work.clear_s == pytest.approx(620, rel=0.1)
    counted = Constraints(operators=1)
    assert problem_of(facts(durations=cleared, constraints=counted)).hand_work == HandWork()
    long = Durations(of_phase(Phase.CLEAR, 7200.0))
    assert problem_of(facts(durations=long)).hand_work.clear_s == MOST_CLEARING_S
    cools = Durations(of_phase(Phase.COOL, 600.0))
    assert problem_of(facts(durations=cools)).hand_work.clear_s == pytest.approx(900, rel=0.1)


def spool(name, material, colour, left_g):
    return Spool(name, material, NOON, colour=colour, left_g=left_g)


def test_of_any_colour_there_is_what_all_spools_have_and_nobody_knows_it_where_one_is_not_counted():
    spools = (
        spool("1", "PETG", "Black", 300.0),
        spool("2", "petg", "black", 200.0),
        spool("3", "PETG", None, 50.0),
        spool("4", "PLA", "white", None),
        spool("5", "PLA", "black", 100.0),
    )
    assert problem_of(facts(spools=spools)).stock_g == {
        posed.Filament("PETG", "black"): 500.0,
        posed.Filament("PETG", ""): 550.0,
        posed.Filament("PLA", "black"): 100.0,
    }


def test_filament_is_the_same_however_it_is_written():
    found = facts(
        job(material="pla", colour="Black"),
        stations=(Station(printer(loaded=(Loaded(0, "PLA", "black"),))),),
    )
    assert only_printer(found).loaded == only_job(found).filament


def test_what_prints_draws_its_power_also_where_it_cannot_be_reached_or_was_not_begun_by_us():
    heats = {"heat_up_w": 350.0, "printing_w": 120.0}
    stations = (
        Station(printer("a", **heats), away="it cannot be reached", free_at=NOON + HOUR, began_at=NOON),
        Station(printer("b", **heats), free_at=NOON + HOUR),
        Station(printer("c", **heats), away="it cannot be reached"),
    )
    found = problem_of(facts(stations=stations))
    assert [(one.id, one.running) for one in found.printers] == [
        ("A", posed.Running("", 300)),
        ("B", posed.Running("", 0)),
    ]
    assert set(found.jobs[0].estimate_s) == {"B"}


def planned(name, copy, hours, where="a"):
    start = NOON + hours * HOUR
    return Planned(name, copy, where, start, start + HOUR / 12, start + HOUR / 12, start + HOUR)


def test_what_is_left_of_the_plan_before_is_counted_anew():
    plan = Plan("p", NOON, "time_first", (planned("j", 0, -1), planned("j", 1, 1), planned("gone", 0, 2)))
    found = problem_of(facts(job(copies=2, good=1), plan=plan))
    assert found.previous == {("j", 0): Placed("A", -3600, -3300)}


def test_a_solution_becomes_a_plan_in_moments_and_by_ids():
    schedule = Schedule(
        (Placement("j", 0, "A", 0, 300, 300, 3900, locked=True),),
        (Unscheduled("k", 2, (posed.Reason("A", "power", "350 W", "300 W"),), Relaxed("power", 7200)),),
    )
    translator = Translator(NOON, Names(facts(job("j"), job("k"))))
    plan = translator.plan(schedule, "p1", Preset.TIME_FIRST, ("a job was added",), ("it moved",))
    (one,) = plan.placements
    assert (one.printer, one.start, one.end) == ("a", NOON + HOUR / 12, NOON + HOUR / 12 + HOUR)
    assert one.locked
    (left,) = plan.unplanned
    assert (left.job, left.copies, left.would_do, left.would_end) == ("k", 2, "power", NOON + 2 * HOUR)
    assert left.reasons[0].printer == "a"
    assert plan.jobs == {"j", "k"}
    assert msgspec.json.decode(msgspec.json.encode(plan), type=Plan) == plan


def test_jobs_of_the_same_name_are_told_apart_by_their_ids():
    names = Names(facts(job("j1", name="cube"), job("j2", name="cube"), job("j3", name="vase")))
    assert set(names.job.values()) == {"cube (j1)", "cube (j2)", "vase"}
    assert names.job_id["cube (j2)"] == "j2"


def test_nobody_takes_the_name_that_another_is_told_apart_by():
    names = Names(facts(job("j1", name="cube"), job("j2", name="cube"), job("j3", name="cube (j1)")))
    assert len(set(names.job.values())) == 3
    assert {id: names.job_id[name] for id, name in names.job.items()} == {"j1": "j1", "j2": "j2", "j3": "j3"}


def test_everything_goes_through_the_pipe_to_the_worker_and_stays_what_it_is():
    shop = Constraints(
        working_hours=(Shift(frozenset({Day.MON}), time(8), time(18)),),
        maintenance_windows=(Window(NOON, NOON + HOUR, "all"), Window(NOON, NOON + HOUR, frozenset({"a"}))),
    )
    asked = Asked(
        facts(job(required_tags=frozenset({"x"})), constraints=shop, plan=Plan("p", NOON, "time_first", ())),
        5.0,
        "id",
    )
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(asked), type=Asked) == asked
