"""Why a job is not begun: one reason a printer, the one that a person can do something about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from msgspec import structs

from farm.domain.compatibility import Constraint, Reason
from farm.domain.job import Approval, Job, JobState, Pin, Print, PrintState
from farm.domain.printer import Address, Connection, Operation, Plate, Printer, PrinterStatus
from farm.queue.why_not import Place, WhyNot, why_not
from farm.store.printers import PlateRow

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
JOB = Job("j1", "f1", "benchy", 2, JobState.QUEUED, "test", NOON, required_tags=frozenset({"row-a"}))
OTHER = replace(JOB, id="j2", name="clip")
PRINTER = Printer("mk4", "MK4", Address("octoprint", "http://x"), frozenset({"row-a"}))
READY = PrinterStatus(Connection.ONLINE, Operation.IDLE, Plate.CLEAR)
FREE = Place(PRINTER, READY, PlateRow(Plate.CLEAR))


def reason(place, job=JOB):
    (found,) = why_not(job, [place], NOON)
    assert found.printer == "mk4"
    return found.reason


def status(**changes):
    return replace(FREE, status=structs.replace(READY, **changes))


def active(job):
    return Print("p1", job, "mk4", "a1", PrintState.PRINTING, NOON, "a1_x.gcode")


TAG = Reason("mk4", Constraint.TAGS, "row-a", "none")
FILAMENT = Reason("mk4", Constraint.LOADED, "PETG", "PLA")

PLACES = [
    (replace(FREE, lasting=[TAG], obstacles=[TAG]), "it lacks the tag row-a"),
    (replace(FREE, obstacles=[FILAMENT]), "the job takes PETG, and PLA is loaded; change it, and say so"),
    (replace(FREE, power="there is no power for it"), "there is no power for it"),
    (replace(status(connection=Connection.OFFLINE), obstacles=[FILAMENT], power="none"), "it is offline"),
    (status(connection=Connection.OFFLINE, message="no answer"), "it is offline: no answer"),
    (status(connection=Connection.DISABLED), "it is disabled"),
    (
        status(connection=Connection.OFFLINE, operation=Operation.EMERGENCY),
        "it was stopped in an emergency; look at it, then clear that",
    ),
    (status(operation=Operation.MAINTENANCE, message="new nozzle"), "it is in maintenance: new nozzle"),
    (
        status(operation=Operation.ATTENTION, message="Thermal Runaway"),
        "it needs somebody to look at it: Thermal Runaway",
    ),
    (status(operation=Operation.UNKNOWN), "it is unknown"),
    (status(operation=Operation.PRINTING, foreign=True), "somebody else prints on it"),
    (replace(status(operation=Operation.PRINTING), active=active("j1")), "it prints a copy of it"),
    (replace(status(operation=Operation.PRINTING), active=active("j9")), "it has another print to do"),
    (replace(FREE, plate=PlateRow(Plate.OCCUPIED)), "something lies on its plate; clear it, and say so"),
    (replace(FREE, plate=PlateRow(Plate.UNKNOWN)), "nobody has looked at its plate; say that it is clear"),
    (
        replace(FREE, plate=PlateRow(Plate.CLEAR, Plate.UNKNOWN, NOON + timedelta(seconds=12))),
        "its plate was cleared just now; it begins in 12 s",
    ),
    (FREE, "it begins in a moment"),
]


@pytest.mark.parametrize(("place", "words"), PLACES, ids=[words[:40] for _, words in PLACES])
def test_each_state_of_a_printer_has_its_reason(place, words):
    assert reason(place) == words


def test_what_was_compared_is_there_for_programs_too():
    (found,) = why_not(JOB, [replace(FREE, lasting=[TAG])], NOON)
    assert found == WhyNot("mk4", "it lacks the tag row-a", TAG)


def test_a_more_urgent_job_is_named():
    assert reason(replace(FREE, first=OTHER)) == "clip comes first"
    assert reason(replace(FREE, first=JOB)) == "it begins in a moment"


def test_a_job_that_waits_for_approval_says_of_what():
    share = replace(JOB, state=JobState.HELD, approval=Approval.SHARE, approval_why="12 of 10 jobs")
    assert why_not(share, [FREE], NOON) == [WhyNot(None, "it waits for approval: 12 of 10 jobs")]
    asked = Reason("mk4", Constraint.NOZZLE, None, "0.4 mm")
    fit = replace(JOB, state=JobState.NEEDS_REVIEW, approval=Approval.FIT, approval_why="nozzle?")
    own, of_printer = why_not(fit, [replace(FREE, lasting=[asked]), FREE], NOON)
    assert (own.printer, own.reason) == (None, "it waits for approval: nozzle?")
    assert (of_printer.printer, of_printer.compared) == ("mk4", asked)


@pytest.mark.parametrize("state", [JobState.HELD, JobState.QUARANTINED, JobState.NEEDS_REVIEW])
def test_a_job_that_waits_for_a_person_says_so_once(state):
    (found,) = why_not(replace(JOB, state=state), [FREE, FREE], NOON)
    assert found.printer is None
    assert found.reason


def test_a_job_that_waits_for_its_time_says_when():
    job = replace(JOB, release_at=NOON + timedelta(hours=1))
    later = [WhyNot(None, "it is not to be begun before 2026-03-02 13:00 UTC")]
    assert why_not(job, [FREE], NOON) == later
    pinned = replace(JOB, pin=Pin("mk4", NOON + timedelta(hours=1)), release_at=NOON + timedelta(minutes=1))
    assert why_not(pinned, [FREE], NOON) == later


@pytest.mark.parametrize(
    "job",
    [
        replace(JOB, state=JobState.DONE),
        replace(JOB, state=JobState.CANCELLED),
        replace(JOB, state=JobState.ACTIVE, running=2),
        replace(JOB, state=JobState.ACTIVE, running=1, uncounted=1),
    ],
    ids=["done", "cancelled", "all run", "all begun"],
)
def test_a_job_of_which_nothing_is_to_be_begun_needs_no_reason(job):
    assert why_not(job, [FREE], NOON) == []


def test_what_the_plan_has_in_mind_is_told_where_nothing_else_is_in_the_way():
    later = "the plan begins it at 2026-01-01 14:00"
    (found,) = why_not(JOB, [replace(FREE, planned=later)], NOON)
    assert found.reason == later
