"""What a job needs and a printer has: compared where both are known, asked where the file is silent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from farm.domain.analysis import BoundingBox, Box, Filament, GcodeAnalysis, PrintTime, Temperatures
from farm.domain.compatibility import (
    Constraint,
    Reason,
    compatibility,
    doubts,
    in_words,
    limits_of,
    print_time_s,
)
from farm.domain.file import FileAnalysis, FileState
from farm.domain.job import Job, JobState, Pin
from farm.domain.printer import Address, Loaded, Printer, Profile, Simulation

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
JOB = Job("j1", "f1", "benchy", 1, JobState.QUEUED, "test", NOON)
PROFILE = Profile((250, 210, 220), 0.4, frozenset({"PLA", "PETG"}), 290, 120, model="Prusa MK4")
MK4 = Printer("mk4", "MK4", Address("prusalink", "http://x"), frozenset({"row-a"}), profile=PROFILE)
FOUND = GcodeAnalysis(
    printer_model="MK4",
    firmware="marlin2",
    filament=(Filament(0, g=10.0, material="PLA"), Filament(1, g=0.0, material="ABS")),
    bounding_box=BoundingBox(Box((-5, 245), (0, 210), (0.2, 220.2))),
    temperatures=Temperatures(215, 210, 60, 60),
    nozzle_mm=0.4,
)


def read(found=FOUND, state=FileState.READY, **changes):
    return FileAnalysis(state, None, replace(found, **changes))


def told(job=JOB, analysis=None, printer=MK4):
    return [
        (each.constraint, each.needed, each.have) for each in compatibility(job, analysis or read(), printer)
    ]


def test_what_fits_to_the_edge_has_no_reason_against_it():
    assert told() == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"nozzle_mm": 0.6}, (Constraint.NOZZLE, "0.6 mm", "0.4 mm")),
        (
            {"filament": (Filament(0, g=1, material="PLA"), Filament(1, g=1, material="TPU"))},
            (Constraint.MATERIAL, "TPU", "PETG or PLA"),
        ),
        (
            {"temperatures": Temperatures(291, 210, 60, 60)},
            (Constraint.NOZZLE_HEAT, "291 degC", "290 degC"),
        ),
        ({"temperatures": Temperatures(215, 210, 60, 121)}, (Constraint.BED_HEAT, "121 degC", "120 degC")),
        (
            {"bounding_box": BoundingBox(Box((0, 200), (0, 240), (0, 10)))},
            (Constraint.BOX, "200 x 240 x 10 mm", "250 x 210 x 220 mm"),
        ),
        ({"firmware": "klipper"}, (Constraint.FLAVOUR, "klipper", "prusalink")),
        ({"printer_model": "MINI"}, (Constraint.MODEL, "MINI", "Prusa MK4")),
    ],
)
def test_each_thing_that_does_not_fit_is_told_with_what_is_needed_and_what_is_there(changes, expected):
    assert told(analysis=read(**changes)) == [expected]


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (
            replace(JOB, required_printers=frozenset({"xl", "mini"})),
            (Constraint.PRINTERS, "mini or xl", "mk4"),
        ),
        (
            replace(JOB, pin=Pin("xl"), required_printers=frozenset({"mk4"})),
            (Constraint.PRINTERS, "xl", "mk4"),
        ),
        (replace(JOB, required_tags=frozenset({"row-a", "b"})), (Constraint.TAGS, "b", "row-a")),
        (replace(JOB, material="ABS"), (Constraint.MATERIAL, "ABS", "PETG or PLA")),
    ],
)
def test_what_people_wish_of_a_job_counts(job, expected):
    assert told(job) == [expected]


def test_a_printer_that_is_switched_off_takes_nothing():
    assert told(printer=replace(MK4, enabled=False))[0][0] is Constraint.ENABLED


def test_only_a_job_that_may_be_turned_is_turned():
    tall = read(bounding_box=BoundingBox(Box((0, 200), (0, 240), (0, 10))))
    assert told(replace(JOB, rotatable=True), tall) == []
    too_long = read(bounding_box=BoundingBox(Box((0, 240), (0, 240), (0, 10))))
    assert len(told(replace(JOB, rotatable=True), too_long)) == 1


def test_the_material_that_people_say_stands_for_the_files_and_its_case_does_not_matter():
    silent = read(filament=(Filament(0, g=1),))
    assert told(replace(JOB, material="petg"), silent) == []


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"nozzle_mm": None}, Constraint.NOZZLE),
        ({"filament": None}, Constraint.MATERIAL),
        ({"filament": (Filament(0, g=1, material="PLA"), Filament(1, g=1))}, Constraint.MATERIAL),
        ({"bounding_box": BoundingBox()}, Constraint.BOX),
    ],
)
def test_where_the_file_is_silent_a_person_is_asked_once_it_was_read(changes, constraint):
    (asked,) = compatibility(JOB, read(**changes), MK4)
    assert (asked.constraint, asked.needed, asked.asks) == (constraint, None, True)
    assert "approve" in in_words(asked)

    glanced_at = read(state=FileState.PROCESSING, **changes)
    assert compatibility(JOB, glanced_at, MK4) == []  # what is known so far is compared, and no more
    hot = replace(MK4, profile=replace(PROFILE, max_nozzle_degc=200))
    assert [each.constraint for each in compatibility(JOB, glanced_at, hot)] == [Constraint.NOZZLE_HEAT]


def test_a_file_of_which_nothing_is_known_yet_is_waited_for():
    (waits,) = compatibility(JOB, FileAnalysis(FileState.QUEUED), MK4)
    assert (waits.constraint, waits.asks) == (Constraint.READ, False)


def test_of_a_file_that_could_not_be_read_everything_is_asked():
    failed = FileAnalysis(FileState.FAILED, "damaged")
    assert {each.constraint for each in compatibility(JOB, failed, MK4)} == {
        Constraint.NOZZLE,
        Constraint.MATERIAL,
        Constraint.BOX,
    }


def test_where_the_shop_is_silent_nothing_is_compared():
    silent = replace(MK4, profile=Profile())
    assert told(printer=silent) == []
    assert told(analysis=FileAnalysis(FileState.QUEUED), printer=silent) == []


@pytest.mark.parametrize("host", ["moonraker", "octoprint", "prusalink"])
def test_what_was_sliced_for_another_firmware_goes_where_that_understands_it(host):
    printer = replace(MK4, address=Address(host, "http://x"))
    simulated = replace(MK4, address=Address("simulated", "", simulation=Simulation(host)))
    for flavour, understood in (("klipper", host != "prusalink"), ("marlin", True), ("sailfish", False)):
        assert (told(analysis=read(firmware=flavour), printer=printer) == []) is understood
        assert (told(analysis=read(firmware=flavour), printer=simulated) == []) is understood


@pytest.mark.parametrize("name", ["MK4", "original prusa mk4", "MK4IS", "Prusa  MK4"])
def test_a_model_is_known_by_all_its_names(name):
    assert told(analysis=read(printer_model=name)) == []
    assert doubts(JOB, read(printer_model=name), MK4) == []


def test_a_model_that_nobody_knows_is_allowed_and_doubted():
    strange = read(printer_model="Home-made 3")
    assert told(analysis=strange) == []
    assert doubts(JOB, strange, MK4) == [Reason("mk4", Constraint.MODEL, "Home-made 3", "Prusa MK4")]
    unsaid = replace(MK4, profile=replace(PROFILE, model=None))
    (doubt,) = doubts(JOB, read(), unsaid)
    assert in_words(doubt) == "the job was sliced for a MK4; this is: nobody said which"


def test_every_reason_has_its_words():
    for constraint in Constraint:
        assert in_words(Reason("mk4", constraint, "what it needs", "what is there"))


def test_a_persons_word_holds_for_what_printers_can_do_and_not_for_what_is_loaded():
    loaded = replace(PROFILE, loaded=(Loaded(0, "PLA"),), printing_w=120)
    assert limits_of(loaded) == limits_of(PROFILE)
    assert limits_of(replace(PROFILE, volume_mm=(250.0, 210.0, 220.0))) == limits_of(PROFILE)
    assert limits_of(replace(PROFILE, nozzle_mm=0.6)) != limits_of(PROFILE)


def test_a_print_takes_as_long_as_its_slicer_says_or_else_its_moves_and_its_heating():
    assert print_time_s(read(time_s=PrintTime(100, 90, 60))) == 100
    assert print_time_s(read(time_s=PrintTime(None, 90, 60))) == 150
    assert print_time_s(read(time_s=PrintTime(None, 90))) == 90
    assert print_time_s(FileAnalysis()) is None
