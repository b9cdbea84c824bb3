"""What is worth a line, and what time is counted as."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from farm.domain.anomaly import Anomaly, AnomalyKind, Evidence, Severity
from farm.domain.occupation import Occupation, Trouble, occupation_of, trouble_of
from farm.domain.printer import Connection, Operation, Plate, PrinterStatus, PrintProgress, Temperature
from farm.history.book import LONGEST_UNSEEN_S, Book
from farm.history.messages import StatusSeen
from farm.store.histories import MOST_LINES, SLOT_S, TroubleBegun, TroubleEnded

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
IDLE = PrinterStatus(Connection.ONLINE, Operation.IDLE, Plate.CLEAR)
OFFLINE = PrinterStatus(Connection.OFFLINE, message="no route to host")
PRINT = PrintProgress("p1", "j1", "f1", "benchy", "printing", progress=0.0)
PRINTING = structs.replace(IDLE, operation=Operation.PRINTING, print=PRINT)


def seen(status, second, printer="mk4", at=None):
    return StatusSeen(printer, at or NOON + timedelta(seconds=second), float(second), status)


def told(book, *statuses, every_s=5):
    for number, status in enumerate(statuses):
        book.see(seen(status, number * every_s))
    return book.take()


def test_a_line_for_each_change_and_none_for_what_is_as_it_was():
    warm = structs.replace(IDLE, temperatures={"bed": Temperature(60.0, 60.0)}, message="warming")
    lines = told(
        Book(), IDLE, warm, IDLE, PRINTING, structs.replace(PRINTING, plate=Plate.OCCUPIED), OFFLINE, OFFLINE
    )
    assert [(line.connection, line.operation, line.plate, line.print) for line in lines.statuses] == [
        ("online", "idle", "clear", None),
        ("online", "printing", "clear", "p1"),
        ("online", "printing", "occupied", "p1"),
        ("offline", "unknown", "unknown", None),
    ]
    assert lines.statuses[-1].message == "no route to host"
    assert lines.statuses[-1].at == NOON + timedelta(seconds=25)


def test_time_goes_into_what_a_printer_did_since_its_last_word():
    waits = structs.replace(IDLE, plate=Plate.OCCUPIED)
    lines = told(Book(), IDLE, PRINTING, PRINTING, waits, OFFLINE, IDLE)
    slot = int(NOON.timestamp())
    assert lines.seconds == {
        ("mk4", slot, Occupation.IDLE): 5.0,
        ("mk4", slot, Occupation.PRINTING): 10.0,
        ("mk4", slot, Occupation.WAITING): 5.0,
        ("mk4", slot, Occupation.OFFLINE): 5.0,
    }


@given(
    st.lists(
        st.tuples(
            st.sampled_from([IDLE, PRINTING, OFFLINE]), st.integers(0, 200), st.integers(-(10**6), 10**6)
        ),
        max_size=50,
    )
)
def test_no_clock_makes_more_time_than_went_on(words):
    """The wall clock may jump as it likes; a gap nobody looked into counts as nothing."""
    book, now, expected = Book(), 0, 0
    for number, (status, after_s, jump_s) in enumerate(words):
        now += after_s
        if number and after_s <= LONGEST_UNSEEN_S:
            expected += after_s
        book.see(seen(status, now, at=NOON + timedelta(seconds=now + jump_s)))
    seconds = book.take().seconds
    assert sum(seconds.values()) == expected
    assert all(slot % SLOT_S == 0 for _, slot, _ in seconds)


def test_a_trouble_begins_and_ends_once():
    emergency = structs.replace(IDLE, operation=Operation.EMERGENCY, message="stopped by ann")
    gone_too = structs.replace(OFFLINE, operation=Operation.EMERGENCY)
    lines = told(Book(), IDLE, OFFLINE, OFFLINE, emergency, gone_too, IDLE, IDLE)
    assert list(lines.troubles) == [
        TroubleBegun("mk4", NOON + timedelta(seconds=5), Trouble.CONNECTION, None, "no route to host"),
        TroubleEnded("mk4", NOON + timedelta(seconds=15)),
        TroubleBegun("mk4", NOON + timedelta(seconds=15), Trouble.EMERGENCY, None, "stopped by ann"),
        TroubleEnded("mk4", NOON + timedelta(seconds=25)),
    ]


def test_what_was_the_matter_before_a_restart_goes_on_or_ends():
    book = Book()
    book.take_up([("mk4", Trouble.CONNECTION), ("mk5", Trouble.CONNECTION)])
    book.see(seen(OFFLINE, 0))
    book.see(seen(IDLE, 0, "mk5"))
    assert list(book.take().troubles) == [TroubleEnded("mk5", NOON)]
    book.forget("mk4", NOON)
    assert list(book.take().troubles) == [TroubleEnded("mk4", NOON)]


def test_progress_is_noted_by_the_hundredth_and_to_its_end():
    shares = [0.0, 0.001, 0.02, 0.025, 0.5, 0.999, 1.0, 1.0]
    statuses = [structs.replace(PRINTING, print=structs.replace(PRINT, progress=share)) for share in shares]
    lines = told(Book(), *statuses)
    assert [line.progress for line in lines.progress] == [0.0, 0.02, 0.5, 0.999, 1.0]
    slow = told(Book(), *(statuses[1] for _ in range(5)), every_s=200)
    assert [(line.at - NOON).total_seconds() for line in slow.progress] == [0, 400, 800]


def test_what_could_not_be_written_is_kept_in_order_as_far_as_there_is_room():
    book = Book()
    first = told(book, IDLE, OFFLINE)
    book.see(seen(IDLE, 100))
    book.put_back(first)
    lines = book.take()
    assert [line.connection for line in lines.statuses] == ["online", "offline", "online"]
    assert sum(lines.seconds.values()) == 5
    for number in range(MOST_LINES):
        book.see(seen((OFFLINE, IDLE)[number % 2], 200 + number))
    book.put_back(lines)
    assert len(book.take().statuses) == MOST_LINES


def test_every_way_to_stand_is_one_occupation():
    expected = {
        (Connection.ONLINE, Operation.IDLE, Plate.CLEAR, False): Occupation.IDLE,
        (Connection.ONLINE, Operation.IDLE, Plate.OCCUPIED, False): Occupation.WAITING,
        (Connection.ONLINE, Operation.IDLE, Plate.UNKNOWN, False): Occupation.WAITING,
        (Connection.ONLINE, Operation.FINISHED, Plate.OCCUPIED, False): Occupation.WAITING,
        (Connection.ONLINE, Operation.PRINTING, Plate.OCCUPIED, False): Occupation.PRINTING,
        (Connection.ONLINE, Operation.PREPARING, Plate.OCCUPIED, False): Occupation.PRINTING,
        (Connection.ONLINE, Operation.PRINTING, Plate.OCCUPIED, True): Occupation.FOREIGN,
        (Connection.ONLINE, Operation.PAUSED, Plate.OCCUPIED, False): Occupation.WAITING,
        (Connection.ONLINE, Operation.EMERGENCY, Plate.CLEAR, False): Occupation.WAITING,
        (Connection.ONLINE, Operation.ATTENTION, Plate.CLEAR, False): Occupation.WAITING,
        (Connection.ONLINE, Operation.MAINTENANCE, Plate.OCCUPIED, False): Occupation.MAINTENANCE,
        (Connection.ONLINE, Operation.UNKNOWN, Plate.CLEAR, False): Occupation.OFFLINE,
        (Connection.OFFLINE, Operation.PRINTING, Plate.OCCUPIED, False): Occupation.OFFLINE,
        (Connection.DISABLED, Operation.IDLE, Plate.CLEAR, False): Occupation.OFFLINE,
    }
    for (connection, operation, plate, foreign), occupation in expected.items():
        status = PrinterStatus(connection, operation, plate, foreign=foreign)
        assert occupation_of(status) is occupation
    wrong = Anomaly(
        AnomalyKind.DROP, Severity.WARN, "The nozzle is too cold.", Evidence("tool0", 30.0, {}, 8.0)
    )
    printing = PrinterStatus(Connection.ONLINE, Operation.PRINTING, anomalies=(wrong,))
    assert trouble_of(printing) is Trouble.ANOMALY
    noted = structs.replace(printing, anomalies=(replace(wrong, severity=Severity.NOTE),))
    assert trouble_of(noted) is None
    assert trouble_of(structs.replace(printing, operation=Operation.ATTENTION)) is Trouble.ATTENTION
    assert trouble_of(PrinterStatus(Connection.CONNECTING)) is None
    assert trouble_of(PrinterStatus(Connection.DISABLED)) is None
