"""What looks at a PrusaLink show together: ends, wishes, and values that stand still."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.domain.printer import Operation, Temperature
from farm.drivers.base import Ending, EndKind, Loss, OutcomeKind, Reading
from farm.drivers.prusalink.protocol import Job, Status
from farm.drivers.prusalink.session import ASKED_FOR_S, BLIND_S, OVER_S, STALE_S, Session

NAME = "ab12cd_part.gcode"
OTHER = "benchy.gcode"


@dataclass
class Looked:
    """A session that is looked at every five seconds, by a printer whose jobs have names."""

    session: Session = field(default_factory=Session)
    now: float = 1000.0
    names: dict[int | None, str] = field(default_factory=lambda: {7: NAME, 8: NAME, 9: OTHER, None: NAME})
    asked: int = 0

    def at(self, state: str, job: Job | None = None, after_s: float = 5.0, **more: object) -> Reading:
        self.now += after_s
        if self.session.take(Status(state, job=job, **more), self.now):  # type: ignore[arg-type]
            self.asked += 1
            assert job is not None
            self.session.named(job.id, self.names[job.id])
        return self.session.reading()


def running(id: int | None = 7, seconds: float = 10.0) -> Job:
    return Job(id, 0.1, seconds, 60.0)


@pytest.mark.parametrize(("state", "kind"), [("FINISHED", EndKind.FINISHED), ("STOPPED", EndKind.CANCELLED)])
def test_a_print_that_was_seen_has_its_end(state: str, kind: EndKind) -> None:
    looked = Looked()
    looked.at("PRINTING", running())
    looked.at("PRINTING", running(seconds=15))

    over = looked.at(state)

    assert over.ended == Ending(NAME, kind, "", 15.0)
    assert looked.at("IDLE").ended == over.ended  # until the next print begins
    assert looked.at("PRINTING", running(9)).ended is None


def test_a_printer_that_goes_on_showing_its_job_has_one_end_too() -> None:
    looked = Looked()
    looked.at("PRINTING", running())

    seen = [looked.at("FINISHED", running()) for _ in range(3)]

    assert {reading.ended for reading in seen} == {Ending(NAME, EndKind.FINISHED, "", 10.0)}
    assert looked.asked == 1


def test_an_end_that_nobody_saw_has_no_kind() -> None:
    looked = Looked()
    looked.at("PRINTING", running())

    assert looked.at("IDLE").ended is None
    assert looked.session.outcome(NAME, None).kind is OutcomeKind.UNKNOWN


def test_after_a_while_without_a_look_an_end_may_be_anybodys() -> None:
    looked = Looked()
    looked.at("PRINTING", running())

    assert looked.at("FINISHED", after_s=BLIND_S + 1).ended is None


def test_an_error_ends_the_print_and_says_why() -> None:
    looked = Looked()
    looked.at("PRINTING", running())

    broken = looked.at("ERROR", problem="Firmware detected a hardware issue")

    assert (broken.machine_connected, broken.loss) == (False, Loss.FIRMWARE_ERROR)
    assert broken.error == "Firmware detected a hardware issue"
    assert broken.ended == Ending(NAME, EndKind.FAILED, "Firmware detected a hardware issue", 10.0)


def test_the_file_is_asked_for_once_a_print() -> None:
    looked = Looked()
    for _ in range(5):
        looked.at("PRINTING", running())
    assert looked.asked == 1

    looked.at("PRINTING", running(9))
    assert looked.asked == 2


def test_a_print_without_a_number_is_asked_for_each_time_until_it_has_one() -> None:
    looked = Looked()
    looked.at("PRINTING", running(None))
    looked.at("PRINTING", running(None))
    assert looked.asked == 2

    looked.at("PRINTING", running(7))
    assert looked.session.outcome(NAME, NAME).kind is OutcomeKind.RUNNING


def test_a_print_is_told_from_the_same_file_started_again() -> None:
    looked = Looked()
    looked.at("PRINTING", running(7))
    assert looked.session.outcome(NAME, NAME).kind is OutcomeKind.RUNNING

    looked.at("PRINTING", running(8, seconds=1))

    assert looked.session.outcome(NAME, NAME).kind is OutcomeKind.UNKNOWN


def test_a_shown_end_can_be_told_without_having_seen_the_print() -> None:
    looked = Looked()
    looked.at("FINISHED", running())

    assert looked.session.outcome(NAME, NAME).kind is OutcomeKind.FINISHED
    assert looked.session.outcome(OTHER, NAME).kind is OutcomeKind.UNKNOWN
    assert looked.session.outcome(NAME, None).kind is OutcomeKind.UNKNOWN


def test_nothing_counts_as_idle_while_an_end_is_shown_that_keeps_the_next_from_beginning() -> None:
    looked = Looked()
    looked.at("PRINTING", running())

    assert looked.at("FINISHED").operation is Operation.FINISHED
    assert looked.at("FINISHED", after_s=OVER_S - 1).operation is Operation.FINISHED
    assert looked.at("FINISHED", after_s=2).operation is Operation.IDLE  # some printers show it until touched


@pytest.mark.parametrize(
    ("wish", "before", "after"),
    [
        (Operation.PAUSING, "PRINTING", "PAUSED"),
        (Operation.RESUMING, "PAUSED", "PRINTING"),
        (Operation.CANCELLING, "PRINTING", "STOPPED"),
        (Operation.CANCELLING, "PAUSED", "STOPPED"),
    ],
)
def test_what_was_asked_for_shows_until_it_is_done(wish: Operation, before: str, after: str) -> None:
    looked = Looked()
    looked.at(before, running())
    looked.session.asked(7, wish, looked.now)

    assert looked.at(before, running()).operation is wish
    done = looked.at(after, running() if after != "STOPPED" else None).operation
    assert done not in (wish, Operation.UNKNOWN)


def test_what_was_asked_for_in_vain_shows_no_longer_in_the_end() -> None:
    looked = Looked()
    looked.at("PRINTING", running())
    looked.session.asked(7, Operation.PAUSING, looked.now)

    looked.at("PRINTING", running(), after_s=ASKED_FOR_S)
    assert looked.at("PRINTING", running()).operation is Operation.PRINTING


def test_what_was_asked_of_one_print_does_not_show_at_the_next() -> None:
    looked = Looked()
    looked.at("PRINTING", running())
    looked.session.asked(7, Operation.CANCELLING, looked.now)

    assert looked.at("PRINTING", running(9)).operation is Operation.PRINTING


def test_values_that_stand_still_while_it_prints_are_stale() -> None:
    looked, warm = Looked(), {"tool0": Temperature(215.0, 215.0)}
    looked.at("PRINTING", running(), temperatures=warm)

    stood = [looked.at("PRINTING", running(), temperatures=warm) for _ in range(int(STALE_S / 5) + 1)]

    assert not stood[0].stale
    assert stood[-1].stale
    assert "Look at it" in stood[-1].attention
    assert not looked.at("PRINTING", running(seconds=300), temperatures=warm).stale


def test_what_stands_still_while_it_is_paused_is_as_it_should_be() -> None:
    looked = Looked()
    for _ in range(100):
        assert not looked.at("PAUSED", running()).stale


def test_whoever_has_to_go_there_is_told_why() -> None:
    looked = Looked()

    assert "screen" in looked.at("ATTENTION", running()).attention
    assert "no print" in looked.at("BUSY").attention
    assert looked.at("PRINTING", running(), problem="Print fan is slow").attention == "Print fan is slow"
    assert looked.at("PRINTING", running()).attention == ""


looks = st.tuples(
    st.sampled_from(["IDLE", "BUSY", "PRINTING", "PAUSED", "FINISHED", "STOPPED", "ERROR", "ATTENTION", "?"]),
    st.one_of(st.none(), st.sampled_from([7, 8, 9, None]).map(running)),
    st.floats(0.5, 40),
    st.sampled_from([None, Operation.PAUSING, Operation.RESUMING, Operation.CANCELLING]),
)


@given(st.lists(looks, max_size=20))
def test_whatever_is_seen_a_print_has_one_end_and_a_busy_printer_no_other_file(
    seen: list[tuple[str, Job | None, float, Operation | None]],
) -> None:
    looked, ends = Looked(), 0
    before: Ending | None = None
    for state, job, after_s, wish in seen:
        reading = looked.at(state, job, after_s)
        if wish is not None and job is not None and job.id is not None:
            looked.session.asked(job.id, wish, looked.now)
        ends += reading.ended is not None and reading.ended is not before
        before = reading.ended
        assert reading.file is None or (job is not None and reading.file.remote_name == looked.names[job.id])
        assert looked.session.outcome(NAME, None).kind in OutcomeKind
    assert ends <= len(seen)
