"""Why a job is not begun: one reason a printer, the one that a person can do something about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from farm.domain.job import Job, JobState, Print, PrintState
from farm.domain.printer import Address, Connection, Operation, Plate, Printer, PrinterStatus
from farm.queue.plan import ListPlan
from farm.queue.why_not import Place, WhyNot, why_not
from farm.store.printers import PlateRow

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
JOB = Job("j1", "f1", "benchy", 2, JobState.QUEUED, "test", NOON, required_tags=frozenset({"row-a"}))
OTHER = replace(JOB, id="j2", name="clip")
PRINTER = Printer("mk4", "MK4", Address("octoprint", "http://x"), frozenset({"row-a"}))
READY = PrinterStatus(Connection.ONLINE, Operation.IDLE, Plate.CLEAR)
FREE = Place(PRINTER, READY, PlateRow(Plate.CLEAR), None)


def reason(place, job=JOB, waiting=(JOB,)):
    (found,) = why_not(job, [place], list(waiting), ListPlan(), NOON)
    assert found.printer == "mk4"
    return found.reason


def status(**changes):
    return replace(FREE, status=replace(READY, **changes))


def active(job):
    return Print("p1", job, "mk4", "a1", PrintState.PRINTING, NOON, "a1_x.gcode")


PLACES = [
    (replace(FREE, printer=replace(PRINTER, tags=frozenset({"row-b"}))), "it lacks the tag row-a"),
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


def test_a_printer_that_the_job_does_not_name_is_told_which_it_names():
    job = replace(JOB, required_printers=frozenset({"mini", "xl"}))
    assert reason(FREE, job) == "the job is for mini or xl"


def test_a_more_urgent_job_is_named():
    assert reason(FREE, waiting=[OTHER, JOB]) == "clip comes first"


@pytest.mark.parametrize("state", [JobState.HELD, JobState.QUARANTINED, JobState.NEEDS_REVIEW])
def test_a_job_that_waits_for_a_person_says_so_once(state):
    (found,) = why_not(replace(JOB, state=state), [FREE, FREE], [], ListPlan(), NOON)
    assert found.printer is None
    assert found.reason


def test_a_job_that_waits_for_its_time_says_when():
    job = replace(JOB, release_at=NOON + timedelta(hours=1))
    assert why_not(job, [FREE], [], ListPlan(), NOON) == [
        WhyNot(None, "it is not to be begun before 2026-03-02 13:00 UTC")
    ]


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
    assert why_not(job, [FREE], [], ListPlan(), NOON) == []
