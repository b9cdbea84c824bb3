"""What is concluded about a print, line by line."""

import pytest

from farm.domain.printer import Operation
from farm.drivers.base import LoadedFile, Outcome, OutcomeKind, Reading
from farm.printers.adoption import (
    BEGIN_WITHIN_S,
    DECIDE_WITHIN_S,
    WATCHED,
    Conclusion,
    from_outcome,
    from_reading,
    is_ours,
)
from farm.printers.messages import Stage

OURS = "a1b2c3_cube.gcode"


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
    ("operation", "stage"),
    [
        (Operation.PRINTING, Stage.PRINTING),
        (Operation.RESUMING, Stage.PRINTING),
        (Operation.CANCELLING, Stage.PRINTING),  # it is over when it is over
        (Operation.PAUSING, Stage.PAUSED),
        (Operation.PAUSED, Stage.PAUSED),
    ],
)
def test_a_running_print_prints_or_pauses(operation, stage):
    assert from_reading(reading(operation)) == Conclusion(stage)


SOON, LATE = 1.0, max(BEGIN_WITHIN_S, DECIDE_WITHIN_S)


@pytest.mark.parametrize(
    ("stage", "kind", "waited_s", "expected"),
    [
        (Stage.STARTING, OutcomeKind.FINISHED, SOON, Stage.FINISHED),
        (Stage.PRINTING, OutcomeKind.FINISHED, SOON, Stage.FINISHED),
        (Stage.PAUSED, OutcomeKind.FINISHED, SOON, Stage.FINISHED),
        (Stage.STARTING, OutcomeKind.FAILED, SOON, Stage.FAILED),
        (Stage.PRINTING, OutcomeKind.FAILED, SOON, Stage.FAILED),
        (Stage.PAUSED, OutcomeKind.FAILED, SOON, Stage.FAILED),
        (Stage.STARTING, OutcomeKind.RUNNING, LATE, Stage.STARTING),
        (Stage.PRINTING, OutcomeKind.RUNNING, LATE, Stage.PRINTING),
        (Stage.PAUSED, OutcomeKind.RUNNING, LATE, Stage.PAUSED),
        (Stage.STARTING, OutcomeKind.NO_RECORD, SOON, Stage.STARTING),
        (Stage.PRINTING, OutcomeKind.NO_RECORD, SOON, Stage.PRINTING),
        (Stage.PAUSED, OutcomeKind.UNKNOWN, SOON, Stage.PAUSED),
        (Stage.STARTING, OutcomeKind.NO_RECORD, LATE, Stage.FAILED),
        (Stage.STARTING, OutcomeKind.UNKNOWN, LATE, Stage.UNDECIDED),
        (Stage.PRINTING, OutcomeKind.NO_RECORD, LATE, Stage.UNDECIDED),
        (Stage.PRINTING, OutcomeKind.UNKNOWN, LATE, Stage.UNDECIDED),
        (Stage.PAUSED, OutcomeKind.NO_RECORD, LATE, Stage.UNDECIDED),
        (Stage.PAUSED, OutcomeKind.UNKNOWN, LATE, Stage.UNDECIDED),
    ],
)
def test_a_print_that_is_not_running_is_concluded_from_its_hosts_memory(stage, kind, waited_s, expected):
    assert from_outcome(stage, Outcome(kind, "the host's words"), waited_s).stage is expected


def test_every_watched_stage_and_outcome_has_a_conclusion():
    for stage in WATCHED:
        for kind in OutcomeKind:
            assert from_outcome(stage, Outcome(kind, ""), LATE).stage in Stage


def test_the_hosts_reason_is_kept_for_a_failed_print():
    assert from_outcome(Stage.PRINTING, Outcome(OutcomeKind.FAILED, "cancelled"), SOON).text == "cancelled"
