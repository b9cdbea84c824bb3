"""What nobody may overrule when a print is about to be begun."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from farm.domain.analysis import Filament, GcodeAnalysis, PrintTime
from farm.domain.compatibility import Constraint
from farm.domain.constraints import WEEK, Constraints, Shift, Window
from farm.domain.file import FileAnalysis, FileKind, FileState
from farm.domain.job import Job, JobState
from farm.domain.printer import Address, Loaded, Printer, Profile
from farm.queue.obstacles import PASSING, Around, in_maintenance, obstacles

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
HOUR = timedelta(hours=1)
JOB = Job("j1", "f1", "benchy", 1, JobState.QUEUED, "test", NOON)
PROFILE = Profile(loaded=(Loaded(0, "PLA", "black"),))
MK4 = Printer("mk4", "MK4", Address("octoprint", "http://x"), profile=PROFILE)
TWO_HOURS = GcodeAnalysis(time_s=PrintTime(7200), filament=(Filament(0, g=100, material="PLA"),))
SHOP = Constraints(working_hours=(Shift(frozenset(WEEK), time(8), time(14)),), timezone="UTC")


def told(job=JOB, found=TWO_HOURS, printer=MK4, **around):
    analysis = FileAnalysis(FileState.READY, None, found)
    return [
        (each.constraint, each.needed, each.have)
        for each in obstacles(job, analysis, printer, Around(**{"at": NOON, **around}))
    ]


def constraints(**around):
    return [constraint for constraint, _, _ in told(**around)]


def test_nothing_is_in_the_way_of_what_the_shop_allows():
    assert told(shop=SHOP) == []


def test_what_was_learned_of_a_printer_counts_for_deadlines_windows_and_attended_prints():
    in_two_hours = Window(NOON + 2 * HOUR, NOON + 3 * HOUR, "all")
    for job, shop, constraint in (
        (replace(JOB, deadline_at=NOON + 2 * HOUR), SHOP, Constraint.DEADLINE),
        (JOB, replace(SHOP, maintenance_windows=(in_two_hours,)), Constraint.MAINTENANCE),
        (replace(JOB, attended=True), SHOP, Constraint.ATTENDED),
    ):
        assert constraints(job=job, shop=shop, takes_s=7300.0) == [constraint]
        assert constraints(job=job, shop=shop, takes_s=7100.0) == []


def test_a_print_may_take_just_as_long_as_the_shop_allows():
    assert told(shop=Constraints(max_print_time_s=7200)) == []
    assert told(shop=Constraints(max_print_time_s=7199)) == [(Constraint.MAX_PRINT_TIME, "2 h", "2 h")]
    assert told(shop=Constraints(max_print_time_s=5400)) == [(Constraint.MAX_PRINT_TIME, "2 h", "1 h 30 min")]


def test_of_a_print_that_takes_nobody_knows_how_long_a_person_is_asked_where_that_is_limited():
    unknown, limit = GcodeAnalysis(), Constraints(max_print_time_s=60)
    assert told(found=unknown) == []
    assert told(found=unknown, shop=limit) == [(Constraint.MAX_PRINT_TIME, None, "1 min")]
    assert told(found=unknown, shop=limit, approved=True) == []
    assert told(shop=limit, approved=True) != []  # a person cannot allow what is known to be too long


def test_binary_gcode_needs_a_printer_that_takes_it():
    assert constraints(job=replace(JOB, kind=FileKind.BINARY_GCODE)) == [Constraint.FILE_KIND]


@pytest.mark.parametrize(
    ("start", "end", "those", "kept"),
    [
        (NOON + 2 * HOUR, NOON + 3 * HOUR, "all", False),  # it ends just then
        (NOON + HOUR, NOON + 3 * HOUR, "all", True),
        (NOON + HOUR, NOON + 3 * HOUR, frozenset({"mk4"}), True),
        (NOON + HOUR, NOON + 3 * HOUR, frozenset({"mini"}), False),
        (NOON - HOUR, NOON, "all", False),
        (NOON - HOUR, NOON + timedelta(seconds=1), "all", True),
    ],
)
def test_no_print_meets_a_maintenance_window(start, end, those, kept):
    shop = Constraints(maintenance_windows=(Window(start, end, those),))
    assert (constraints(shop=shop) == [Constraint.MAINTENANCE]) is kept


def test_a_print_of_unknown_length_is_only_kept_from_a_window_that_has_begun():
    shop = Constraints(maintenance_windows=(Window(NOON, NOON + HOUR, "all"),))
    assert constraints(found=GcodeAnalysis(), shop=shop) == [Constraint.MAINTENANCE]
    assert constraints(found=GcodeAnalysis(), shop=shop, at=NOON - HOUR) == []


def test_a_print_that_is_to_be_watched_lies_within_one_shift():
    watched = replace(JOB, attended=True)
    assert told(watched, shop=SHOP) == []  # it ends as the shift does, at two
    late = told(watched, shop=SHOP, at=NOON + HOUR)
    assert late == [(Constraint.ATTENDED, "2 h", "somebody until 2026-03-02 14:00")]
    night = told(watched, shop=SHOP, at=NOON + 9 * HOUR)
    assert night == [(Constraint.ATTENDED, "2 h", "nobody before 2026-03-03 08:00")]
    assert constraints(job=watched, found=GcodeAnalysis(), shop=SHOP) == [Constraint.ATTENDED]
    assert told(watched, at=NOON + 9 * HOUR) == []  # nobody said any hours: somebody is always there
    assert constraints(job=JOB, shop=SHOP, at=NOON + 9 * HOUR) == []  # a start needs no person


def test_a_print_that_would_end_after_its_deadline_is_of_no_use():
    assert told(replace(JOB, deadline_at=NOON + 2 * HOUR)) == []
    late = replace(JOB, deadline_at=NOON + HOUR)
    assert told(late) == [(Constraint.DEADLINE, "2 h", "2026-03-02 13:00")]


def test_other_filament_than_the_job_takes_has_to_be_changed_first():
    assert told(replace(JOB, material="PETG")) == [(Constraint.LOADED, "PETG", "PLA")]
    assert told(replace(JOB, colour="Red")) == [(Constraint.LOADED, "PLA Red", "PLA black")]
    assert told(replace(JOB, colour="Black")) == []
    unsaid = replace(MK4, profile=replace(PROFILE, loaded=()))
    assert told(replace(JOB, material="PETG", colour="red"), printer=unsaid) == []


def test_a_spool_has_to_last_unless_somebody_allows_that_it_does_not():
    assert told(left_g={0: 100.0}) == []
    assert told(left_g={0: 99.4}) == [(Constraint.LEFT, "100 g", "99 g")]
    assert told(left_g={1: 0.0}) == []
    assert told(replace(JOB, allow_short_filament=True), left_g={0: 0.0}) == []


def test_a_printer_is_in_maintenance_while_a_window_lasts_that_is_its_own():
    for start, those, kept in (
        (NOON, "all", True),
        (NOON, frozenset({"x"}), False),
        (NOON + HOUR, "all", False),
    ):
        shop = Constraints(maintenance_windows=(Window(start, NOON + 2 * HOUR, those),))
        assert in_maintenance(MK4, Around(NOON, shop)) is kept


def test_what_lasts_is_told_without_what_passes():
    shop = Constraints(max_print_time_s=60, maintenance_windows=(Window(NOON, NOON + HOUR, "all"),))
    found = constraints(shop=shop)
    assert found == [Constraint.MAX_PRINT_TIME]
    assert not PASSING & set(found)
