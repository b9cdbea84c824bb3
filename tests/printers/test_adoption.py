"""What is concluded about a print, line by line, and that the README shows the same."""

from itertools import product
from pathlib import Path

import pytest

from farm.domain.printer import Operation
from farm.drivers.base import Ending, EndKind, LoadedFile, Outcome, OutcomeKind, Reading
from farm.printers.adoption import (
    ADOPTION,
    BEGIN_WITHIN_S,
    DECIDE_WITHIN_S,
    WATCHED,
    Conclusion,
    Evidence,
    Says,
    as_markdown,
    conclude,
    is_ours,
    remembered,
    says,
    witnessed,
)
from farm.printers.messages import Stage

OURS = "a1b2c3_cube.gcode"
LATE = max(BEGIN_WITHIN_S, DECIDE_WITHIN_S)
ASKED = [evidence for evidence in Evidence if evidence is not Evidence.NOT_NEEDED]


def reading(operation: Operation, file: str | None = OURS) -> Reading:
    return Reading(True, operation, file=LoadedFile(file) if file else None)


@pytest.mark.parametrize(
    ("operation", "file", "expected"),
    [
        (Operation.PRINTING, OURS, True),
        (Operation.PAUSED, OURS, True),
        (Operation.CANCELLING, OURS, True),
        (Operation.IDLE, OURS, False),  # selected, or printed before, is not at work on it
        (Operation.PRINTING, "z9y8x7_cube.gcode", False),  # the same model, another attempt
        (Operation.PRINTING, None, False),
    ],
)
def test_a_print_is_ours_when_the_printer_works_on_its_very_file(operation, file, expected):
    assert is_ours(reading(operation, file), OURS) is expected


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (Operation.PRINTING, Says.OURS_RUNS),
        (Operation.RESUMING, Says.OURS_RUNS),
        (Operation.CANCELLING, Says.OURS_RUNS),  # it is over when it is over
        (Operation.PAUSING, Says.OURS_PAUSED),
        (Operation.PAUSED, Says.OURS_PAUSED),
        (Operation.IDLE, Says.OTHERWISE),
        (Operation.UNKNOWN, Says.OTHERWISE),
    ],
)
def test_what_the_printer_is_doing_is_read_from_its_state_and_file(operation, expected):
    assert says(reading(operation), OURS) is expected


# Written out by hand, not computed from the table: stage, what it says, what is remembered, waited, then.
LINES = [
    # in sight all the while
    (Stage.STARTING, Says.OURS_RUNS, Evidence.NOT_NEEDED, 0, Stage.PRINTING),
    (Stage.PRINTING, Says.OURS_RUNS, Evidence.NOT_NEEDED, 0, Stage.PRINTING),
    (Stage.PAUSED, Says.OURS_RUNS, Evidence.NOT_NEEDED, LATE, Stage.PRINTING),
    (Stage.STARTING, Says.OURS_PAUSED, Evidence.NOT_NEEDED, 0, Stage.PAUSED),
    (Stage.PRINTING, Says.OURS_PAUSED, Evidence.NOT_NEEDED, 0, Stage.PAUSED),
    (Stage.PAUSED, Says.OURS_PAUSED, Evidence.NOT_NEEDED, LATE, Stage.PAUSED),
    # seen again, with no end on record
    (Stage.STARTING, Says.OURS_RUNS, Evidence.RUNNING, 0, Stage.PRINTING),
    (Stage.PRINTING, Says.OURS_RUNS, Evidence.RUNNING, LATE, Stage.PRINTING),
    (Stage.PAUSED, Says.OURS_RUNS, Evidence.RUNNING, 0, Stage.PRINTING),
    (Stage.STARTING, Says.OURS_PAUSED, Evidence.RUNNING, 0, Stage.PAUSED),
    (Stage.PRINTING, Says.OURS_PAUSED, Evidence.RUNNING, 0, Stage.PAUSED),
    (Stage.PAUSED, Says.OURS_PAUSED, Evidence.RUNNING, LATE, Stage.PAUSED),
    # seen again, and it had ended meanwhile: what runs was started at the machine
    (Stage.STARTING, Says.OURS_RUNS, Evidence.FINISHED, 0, Stage.FINISHED),
    (Stage.PRINTING, Says.OURS_RUNS, Evidence.FINISHED, LATE, Stage.FINISHED),
    (Stage.PAUSED, Says.OURS_PAUSED, Evidence.FINISHED, 0, Stage.FINISHED),
    (Stage.STARTING, Says.OURS_PAUSED, Evidence.CANCELLED, 0, Stage.CANCELLED),
    (Stage.PRINTING, Says.OURS_RUNS, Evidence.CANCELLED, LATE, Stage.CANCELLED),
    (Stage.PAUSED, Says.OURS_RUNS, Evidence.CANCELLED, 0, Stage.CANCELLED),
    (Stage.STARTING, Says.OURS_RUNS, Evidence.FAILED, LATE, Stage.FAILED),
    (Stage.PRINTING, Says.OURS_PAUSED, Evidence.FAILED, 0, Stage.FAILED),
    (Stage.PAUSED, Says.OURS_RUNS, Evidence.FAILED, 0, Stage.FAILED),
    # seen again, and its host contradicts itself
    (Stage.STARTING, Says.OURS_RUNS, Evidence.NO_RECORD, LATE, Stage.STARTING),
    (Stage.PRINTING, Says.OURS_PAUSED, Evidence.NO_RECORD, LATE, Stage.PRINTING),
    (Stage.PAUSED, Says.OURS_RUNS, Evidence.NO_RECORD, 0, Stage.PAUSED),
    (Stage.STARTING, Says.OURS_RUNS, Evidence.UNKNOWN, 0, Stage.STARTING),
    (Stage.PRINTING, Says.OURS_PAUSED, Evidence.UNKNOWN, 0, Stage.PRINTING),
    (Stage.PAUSED, Says.OURS_RUNS, Evidence.UNKNOWN, 0, Stage.PAUSED),
    (Stage.STARTING, Says.OURS_RUNS, Evidence.UNKNOWN, LATE, Stage.UNDECIDED),
    (Stage.PRINTING, Says.OURS_PAUSED, Evidence.UNKNOWN, LATE, Stage.UNDECIDED),
    (Stage.PAUSED, Says.OURS_RUNS, Evidence.UNKNOWN, LATE, Stage.UNDECIDED),
    # not running any more, or not yet
    (Stage.STARTING, Says.OTHERWISE, Evidence.FINISHED, 0, Stage.FINISHED),
    (Stage.PRINTING, Says.OTHERWISE, Evidence.FINISHED, 0, Stage.FINISHED),
    (Stage.PAUSED, Says.OTHERWISE, Evidence.FINISHED, LATE, Stage.FINISHED),
    (Stage.STARTING, Says.OTHERWISE, Evidence.CANCELLED, 0, Stage.CANCELLED),
    (Stage.PRINTING, Says.OTHERWISE, Evidence.CANCELLED, 0, Stage.CANCELLED),
    (Stage.PAUSED, Says.OTHERWISE, Evidence.CANCELLED, 0, Stage.CANCELLED),
    (Stage.STARTING, Says.OTHERWISE, Evidence.FAILED, 0, Stage.FAILED),
    (Stage.PRINTING, Says.OTHERWISE, Evidence.FAILED, 0, Stage.FAILED),
    (Stage.PAUSED, Says.OTHERWISE, Evidence.FAILED, 0, Stage.FAILED),
    (Stage.STARTING, Says.OTHERWISE, Evidence.RUNNING, LATE, Stage.STARTING),
    (Stage.PRINTING, Says.OTHERWISE, Evidence.RUNNING, LATE, Stage.PRINTING),
    (Stage.PAUSED, Says.OTHERWISE, Evidence.RUNNING, LATE, Stage.PAUSED),
    (Stage.STARTING, Says.OTHERWISE, Evidence.NO_RECORD, 0, Stage.STARTING),
    (Stage.PRINTING, Says.OTHERWISE, Evidence.NO_RECORD, 0, Stage.PRINTING),
    (Stage.PAUSED, Says.OTHERWISE, Evidence.NO_RECORD, 0, Stage.PAUSED),
    (Stage.STARTING, Says.OTHERWISE, Evidence.UNKNOWN, 0, Stage.STARTING),
    (Stage.PRINTING, Says.OTHERWISE, Evidence.UNKNOWN, 0, Stage.PRINTING),
    (Stage.PAUSED, Says.OTHERWISE, Evidence.UNKNOWN, 0, Stage.PAUSED),
    (Stage.STARTING, Says.OTHERWISE, Evidence.NO_RECORD, LATE, Stage.FAILED),
    (Stage.STARTING, Says.OTHERWISE, Evidence.UNKNOWN, LATE, Stage.UNDECIDED),
    (Stage.PRINTING, Says.OTHERWISE, Evidence.NO_RECORD, LATE, Stage.UNDECIDED),
    (Stage.PRINTING, Says.OTHERWISE, Evidence.UNKNOWN, LATE, Stage.UNDECIDED),
    (Stage.PAUSED, Says.OTHERWISE, Evidence.NO_RECORD, LATE, Stage.UNDECIDED),
    (Stage.PAUSED, Says.OTHERWISE, Evidence.UNKNOWN, LATE, Stage.UNDECIDED),
]


@pytest.mark.parametrize(("stage", "doing", "evidence", "waited_s", "then"), LINES)
def test_each_line_of_the_table(stage, doing, evidence, waited_s, then):
    assert conclude(stage, doing, evidence, waited_s).stage is then


def test_each_line_is_tried_above():
    tried = {
        row
        for row in ADOPTION
        for stage, doing, evidence, waited_s, _ in LINES
        if row.fits(stage, doing, evidence, waited_s == LATE)
    }
    assert tried == set(ADOPTION)


def test_every_case_has_exactly_one_line():
    cases = [
        *product(WATCHED, (Says.OURS_RUNS, Says.OURS_PAUSED), (Evidence.NOT_NEEDED,), (False, True)),
        *product(WATCHED, Says, ASKED, (False, True)),
    ]
    for stage, doing, evidence, waited in cases:
        fitting = [row for row in ADOPTION if row.fits(stage, doing, evidence, waited)]
        assert len(fitting) == 1, (stage, doing, evidence, waited)


def test_what_we_saw_end_counts_for_that_print_alone():
    ending = Ending(OURS, EndKind.CANCELLED)
    assert witnessed(ending, OURS) is Evidence.CANCELLED
    assert witnessed(ending, "z9y8x7_cube.gcode") is None
    assert witnessed(None, OURS) is None


def test_every_outcome_is_evidence():
    assert {remembered(Outcome(kind, "")) for kind in OutcomeKind} == set(ASKED) - {Evidence.CANCELLED}


def test_where_nobody_can_tell_a_person_is_told_to_look():
    for row in ADOPTION:
        if row.then is not None and row.then.stage is Stage.UNDECIDED:
            assert "look at the plate" in row.then.text
    assert conclude(Stage.PRINTING, Says.OTHERWISE, Evidence.FAILED) == Conclusion(Stage.FAILED)


def test_the_readme_shows_this_very_table():
    assert as_markdown() in (Path(__file__).parents[2] / "README.md").read_text("utf-8")
