"""Which smaller copies are wanted, which a print is sent, which are forgotten, and whom they count for."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from farm.domain import optimising
from farm.domain.analysis import ANALYSIS_VERSION, GcodeAnalysis
from farm.domain.file import FileAnalysis, FileKind, FileState, Quota, RemoteFile, StoredFile
from farm.domain.job import Job, JobState, Print, PrintState
from farm.domain.optimising import Comments, OptimisedCopy, Optimising, Proven, Savings, Size
from farm.domain.printer import Address, Printer, Profile
from farm.domain.user import LOCAL
from farm.errors import StorageFull
from farm.store import file_analyses, files, jobs, optimised, orders, printers, prints, remote_files
from farm.store.audit import Stamp
from farm.store.connection import FARM, dial
from farm.store.schema import view

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
BARE = Optimising(Comments.NONE, 0.05)
PROVEN = Proven(Savings(Size(1000, 50, 40), Size(400, 20, 15), 3, 25, 0.049), (60.5, 60.4))


@pytest.fixture
def db():
    connection = dial(None)
    FARM.migrations.apply(view(connection))
    yield connection
    connection.close()


def add_printer(db, id, wish=None, *tags):
    printer = Printer(
        id, id, Address("octoprint", "http://x"), frozenset(tags), profile=Profile(optimise=wish)
    )
    printers.add(db, printer, b"", NOON, "test")
    return printer


def add_file(db, name, kind=FileKind.GCODE, state=FileState.READY, by="anna"):
    file, _ = files.add(db, StoredFile(name, name, kind, 1000, f"sha-{name}", by, NOON))
    if state is not FileState.QUEUED:
        found = GcodeAnalysis() if state is FileState.READY else None
        file_analyses.note_analysis(db, file, FileAnalysis(state, None, found, ANALYSIS_VERSION), NOON)
    return files.existing(db, name)


def add_job(db, file, *required, state=JobState.QUEUED, **wishes):
    job = Job(f"job-{file}", file, file, 1, state, "test", NOON, required_printers=frozenset(required))
    jobs.add(db, replace(job, **wishes), "test")
    return job


def made(file, wish=BARE, sha256="sha-small"):
    return OptimisedCopy(f"sha-{file}", wish, NOON, sha256, 400, PROVEN)


def none(file, again_at=None, wish=BARE):
    return OptimisedCopy(f"sha-{file}", wish, NOON, reason="the disk is full", again_at=again_at)


def wishes(db, at=NOON):
    """All that are made one after the other."""
    found = []
    while (wish := optimised.next_wish(db, at)) is not None:
        found.append((wish.file.id, wish.settings))
        assert optimised.keep(db, OptimisedCopy(wish.file.sha256, wish.settings, at, reason="no"))
    return found


def test_a_copy_is_wanted_of_what_a_printer_that_asks_may_print(db):
    add_printer(db, "plain")
    add_printer(db, "mk4", BARE, "row-a")
    for name, kind, state in (
        ("cube", FileKind.GCODE, FileState.READY),
        ("unread", FileKind.GCODE, FileState.QUEUED),
        ("broken", FileKind.GCODE, FileState.FAILED),
        ("packed", FileKind.BINARY_GCODE, FileState.READY),
        ("done", FileKind.GCODE, FileState.READY),
        ("elsewhere", FileKind.GCODE, FileState.READY),
        ("other row", FileKind.GCODE, FileState.READY),
        ("held", FileKind.GCODE, FileState.READY),
        ("idle", FileKind.GCODE, FileState.READY),
    ):
        add_file(db, name, kind, state)
    for name in ("cube", "unread", "broken", "packed"):
        add_job(db, name)
    add_job(db, "done", state=JobState.DONE)
    add_job(db, "elsewhere", "plain")
    add_job(db, "other row", required_tags=frozenset({"row-b"}))
    add_job(db, "held", state=JobState.HELD, priority=5)

    assert wishes(db) == [("held", BARE), ("cube", BARE)]  # the most urgent first


def test_each_way_of_making_copies_is_a_copy_of_its_own(db):
    arcs = Optimising(arc_tolerance_mm=0.02)
    for number, wish in enumerate((BARE, arcs, BARE, None)):
        add_printer(db, f"p{number}", wish)
    add_file(db, "cube")
    add_job(db, "cube")

    assert sorted(wishes(db), key=str) == sorted([("cube", BARE), ("cube", arcs)], key=str)


def test_what_could_not_be_made_is_tried_again_only_where_that_may_help(db):
    add_printer(db, "mk4", BARE)
    add_file(db, "cube")
    add_job(db, "cube")

    optimised.keep(db, none("cube"))
    assert wishes(db, NOON + timedelta(days=9)) == []
    optimised.keep(db, none("cube", NOON + timedelta(hours=1)))
    assert wishes(db, NOON + timedelta(minutes=59)) == []
    assert wishes(db, NOON + timedelta(hours=1)) == [("cube", BARE)]


def test_copies_of_an_earlier_optimiser_are_made_anew(db, monkeypatch):
    add_printer(db, "mk4", BARE)
    add_file(db, "cube")
    add_job(db, "cube")
    optimised.keep(db, made("cube"))
    assert wishes(db) == []

    monkeypatch.setattr(optimising, "OPTIMISER_VERSION", optimising.OPTIMISER_VERSION + 1)

    assert wishes(db) == [("cube", BARE)]
    assert optimised.drop_unasked(db) == ["sha-small"]


def test_a_copy_comes_back_as_it_was_kept(db):
    add_file(db, "cube")
    kept = [made("cube"), none("cube", NOON + timedelta(hours=1), Optimising())]
    for copy in kept:
        optimised.keep(db, copy)
    assert sorted(optimised.of_content(db, "sha-cube"), key=str) == sorted(kept, key=str)


def test_no_copy_is_kept_of_what_was_removed_meanwhile(db):
    file = add_file(db, "cube")
    files.remove(db, file.id, Stamp(NOON, LOCAL))
    assert not optimised.keep(db, made("cube"))
    assert optimised.of_content(db, "sha-cube") == []


@pytest.mark.parametrize(
    ("copy", "wish", "kind", "sha256", "why"),
    [
        (None, None, FileKind.GCODE, None, ""),
        (None, BARE, FileKind.GCODE, None, "sent as it is: its smaller copy is not made yet"),
        (
            none("cube"),
            BARE,
            FileKind.GCODE,
            None,
            "sent as it is: there is no smaller copy, for the disk is full",
        ),
        (
            made("cube"),
            BARE,
            FileKind.GCODE,
            "sha-small",
            "sent as its smaller copy: 400 bytes instead of 1000",
        ),
        (made("cube"), Optimising(), FileKind.GCODE, None, "sent as it is: its smaller copy is not made yet"),
        (made("cube"), None, FileKind.GCODE, None, ""),
        (None, BARE, FileKind.BINARY_GCODE, None, "sent as it is: there are no smaller copies of .bgcode"),
    ],
)
def test_what_is_sent_and_why(db, copy, wish, kind, sha256, why):
    file = add_file(db, "cube", kind)
    if copy is not None:
        optimised.keep(db, copy)
    sent = optimised.to_send(db, file, wish)
    assert (sent.copy.sha256 if sent.copy else None, sent.why) == (sha256, why)


def reserved(db, job, optimised_as=None, number=0):
    attempt = Print(
        f"r{number}",
        job.id,
        "mk4",
        f"abc12{number}",
        PrintState.RESERVED,
        NOON,
        f"abc12{number}_x.gcode",
        optimised=optimised_as,
    )
    prints.reserve(db, attempt, "test", size=400 if optimised_as else None)
    return attempt


def test_an_order_is_for_what_is_sent_and_knows_it_for_ever(db):
    add_printer(db, "mk4", BARE)
    add_file(db, "cube")
    attempt = reserved(db, add_job(db, "cube"), "sha-small")
    found = orders.open_order(db, "mk4")
    assert (found.sha256, found.size) == ("sha-small", 400)
    assert found == orders.order_of(db, attempt.id)
    assert prints.existing(db, attempt.id).optimised == "sha-small"


def test_a_copy_on_the_printer_serves_for_the_same_copy_alone(db):
    add_printer(db, "mk4", BARE)
    add_file(db, "cube")
    job = add_job(db, "cube", copies=9)
    optimised.keep(db, made("cube"))
    attempt = reserved(db, job, "sha-small")
    remote_files.keep(db, attempt.id, RemoteFile("sum"))
    for state in (PrintState.UPLOADING, PrintState.STARTING, PrintState.FINISHED):
        attempt = prints.enter(db, attempt, state, NOON, "test", "")

    assert remote_files.to_copy(db, "mk4", "sha-small").name == attempt.remote_name
    assert remote_files.to_copy(db, "mk4", "sha-cube") is None
    assert remote_files.due(db, "mk4", NOON, 9) == []  # it is spared for the job that waits
    optimised.drop_lost(db, set())
    assert [file.name for file in remote_files.due(db, "mk4", NOON, 9)] == [attempt.remote_name]


def test_copies_that_nobody_asks_for_are_forgotten_and_those_on_their_way_stay(db):
    printer = add_printer(db, "mk4", BARE)
    for name in ("cube", "cone"):
        add_file(db, name)
        optimised.keep(db, made(name, sha256=f"small-{name}"))
    attempt = reserved(db, add_job(db, "cone"), "small-cone")
    assert not optimised.is_any_unasked(db)

    printers.change(db, replace(printer, profile=Profile()), b"")
    assert optimised.is_any_unasked(db)
    assert optimised.drop_unasked(db) == ["small-cube"]

    prints.enter(db, attempt, PrintState.CANCELLED, NOON, "test", "")
    assert optimised.drop_unasked(db) == ["small-cone"]
    assert not optimised.is_any_unasked(db)


def test_copies_of_what_is_removed_are_forgotten(db):
    add_printer(db, "mk4", BARE)
    for name in ("cube", "cone"):
        add_file(db, name)
        optimised.keep(db, made(name, sha256=f"small-{name}"))
    files.remove(db, "cube", Stamp(NOON, LOCAL))
    assert files.is_kept(db, "small-cube")
    assert optimised.drop_unasked(db) == ["small-cube"]
    assert not files.is_kept(db, "small-cube")
    assert files.contents(db) == {"sha-cone", "small-cone"}


def test_copies_whose_content_is_lost_are_forgotten_so_that_they_are_made_anew(db):
    for name in ("cube", "cone"):
        add_file(db, name)
        optimised.keep(db, made(name, sha256=f"small-{name}"))
    optimised.drop_lost(db, {"sha-cube", "sha-cone", "small-cone"})
    assert files.contents(db) == {"sha-cube", "sha-cone", "small-cone"}


def test_copies_count_for_whoever_has_the_original(db):
    add_file(db, "cube", by="anna")
    add_file(db, "cone", by="ben")
    files.check_room(db, "anna", 1000, Quota(each=2000))
    optimised.keep(db, made("cube"))
    files.check_room(db, "anna", 600, Quota(each=2000))
    files.check_room(db, "ben", 1000, Quota(each=2000))
    files.check_room(db, "ben", 600, Quota(total=3000))
    with pytest.raises(StorageFull, match="your files take"):
        files.check_room(db, "anna", 601, Quota(each=2000))
    with pytest.raises(StorageFull, match="the farm's files take"):
        files.check_room(db, "ben", 601, Quota(total=3000))


def test_a_profile_of_before_wants_no_copies(db):
    add_printer(db, "mk4", BARE)
    profile = json.loads(db.execute("SELECT profile FROM printers").fetchone()[0])
    del profile["optimise"]
    db.execute("UPDATE printers SET profile = ?", (json.dumps(profile),))
    assert printers.everything(db)[0][0].profile == Profile()
