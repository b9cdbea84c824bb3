"""How our print ended, by what Moonraker remembers and Klipper shows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.domain.printer import Operation
from farm.drivers.base import LoadedFile, OutcomeKind, Reading
from farm.drivers.moonraker.protocol import history
from farm.drivers.moonraker.protocol.history import Job
from farm.errors import ProtocolError
from tests.drivers.moonraker.recorded import NAME, recorded
from tests.drivers.nonsense import saying

STATUSES = [
    "in_progress",
    "completed",
    "cancelled",
    "error",
    "klippy_shutdown",
    "klippy_disconnect",
    "server_exit",
    "interrupted",
    "whatever",
]


def at_work(name: str = NAME) -> Reading:
    return Reading(True, Operation.PRINTING, "printing", file=LoadedFile(name))


def idle(text: str = "standby", name: str = "") -> Reading:
    return Reading(True, Operation.IDLE, text, file=LoadedFile(name) if name else None)


def outcome(reading: Reading, *statuses: str, there: bool = True) -> OutcomeKind:
    prints = [Job(number, NAME, status) for number, status in enumerate(statuses, 1)]
    return history.outcome(reading, prints, there, NAME).kind


def test_the_prints_of_a_real_one_are_read() -> None:
    (job,) = history.jobs(recorded("history, finished")) or []
    assert (job.number, job.filename, job.status) == (1, NAME, "completed")
    assert (job.printed_s or 0) > 0
    assert [job.status for job in history.jobs(recorded("history, printing")) or []] == [
        "in_progress",
        "completed",
    ]
    assert history.jobs(recorded("history, nothing printed yet")) == []


def test_a_moonraker_without_history_keeps_none() -> None:
    assert history.jobs(recorded("no such thing")) is None
    assert history.outcome(idle("complete", NAME), None, True, NAME).kind is OutcomeKind.FINISHED
    unknown = history.outcome(idle(), None, True, NAME)
    assert unknown.kind is OutcomeKind.UNKNOWN
    assert "[history]" in unknown.text


def test_only_what_came_after_the_mark_is_ours() -> None:
    prints = [Job(number, NAME if number % 2 else "other", "completed") for number in range(12, 0, -1)]

    assert [job.number for job in history.ours(prints, NAME, "")] == [1, 3, 5, 7, 9, 11]
    assert [job.number for job in history.ours(prints, NAME, "8")] == [9, 11]
    assert [job.number for job in history.ours(prints, NAME, "A")] == [11]
    assert history.mark(prints) == "C"
    assert history.ours(prints, NAME, history.mark(prints)) == []
    assert (history.mark([]), history.mark(None)) == ("0", "")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("completed", OutcomeKind.FINISHED),
        ("cancelled", OutcomeKind.FAILED),
        ("error", OutcomeKind.FAILED),
        ("klippy_shutdown", OutcomeKind.FAILED),
        ("klippy_disconnect", OutcomeKind.FAILED),
        ("interrupted", OutcomeKind.NO_RECORD),
        ("server_exit", OutcomeKind.NO_RECORD),
        ("in_progress", OutcomeKind.UNKNOWN),
        ("whatever", OutcomeKind.UNKNOWN),
    ],
)
def test_each_end_is_told(status: str, kind: OutcomeKind) -> None:
    assert outcome(idle(), status) is kind
    assert outcome(idle("complete", "other.gcode"), status) is kind


@pytest.mark.parametrize("status", ["interrupted", "server_exit", "klippy_disconnect"])
def test_a_print_that_moonraker_lost_sight_of_goes_on_as_klipper_shows(status: str) -> None:
    assert outcome(at_work(), status) is OutcomeKind.RUNNING
    assert outcome(idle("complete", NAME), status) is OutcomeKind.FINISHED
    assert outcome(idle("cancelled", NAME), status) is OutcomeKind.FAILED
    assert outcome(idle("error", NAME), status) is OutcomeKind.FAILED


def test_the_first_print_is_ours_whatever_was_printed_after_it() -> None:
    assert outcome(at_work(), "completed", "in_progress") is OutcomeKind.FINISHED
    assert outcome(at_work(), "cancelled", "in_progress") is OutcomeKind.FAILED
    assert outcome(at_work(), "interrupted", "in_progress") is OutcomeKind.NO_RECORD
    assert outcome(idle("complete", NAME), "interrupted", "completed") is OutcomeKind.NO_RECORD
    assert history.outcome(at_work(), [Job(1, NAME, "completed"), Job(2, NAME, "x")], True, NAME).still_runs


def test_a_print_without_a_record_never_began_as_long_as_the_file_is_there() -> None:
    assert outcome(idle()) is OutcomeKind.NO_RECORD
    assert outcome(idle(), there=False) is OutcomeKind.UNKNOWN
    assert outcome(at_work()) is OutcomeKind.RUNNING
    assert outcome(at_work("other.gcode")) is OutcomeKind.NO_RECORD
    assert outcome(idle("complete", NAME)) is OutcomeKind.FINISHED  # Moonraker was away when it began
    assert outcome(idle("standby", NAME)) is OutcomeKind.NO_RECORD


@given(st.lists(st.sampled_from(STATUSES), max_size=4), st.booleans())
def test_a_print_in_progress_is_never_told_as_over(statuses: list[str], there: bool) -> None:
    found = outcome(at_work(), "in_progress", *statuses, there=there)

    assert found is OutcomeKind.RUNNING


@pytest.mark.parametrize("jobs", [{}, [{}], [7], [{"job_id": "no number"}], [{"job_id": 7}]])
def test_a_list_that_is_none_is_refused(jobs: object) -> None:
    with pytest.raises(ProtocolError):
        history.jobs(saying({"result": {"jobs": jobs}}))
