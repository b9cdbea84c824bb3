"""Which files of ours on a printer are to be deleted, and which may be copied."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from sqlite3 import Connection

import pytest

from farm.domain.file import FileKind, RemoteFile, StoredFile
from farm.domain.job import KEPT_ON_PRINTER, Job, JobState, Print, PrintState
from farm.store import files, jobs, prints, remote_files
from farm.store.connection import FARM, dial
from farm.store.schema import view

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + KEPT_ON_PRINTER
END = {
    "finished": (PrintState.UPLOADING, PrintState.STARTING, PrintState.FINISHED),
    "failed": (PrintState.UPLOADING, PrintState.STARTING, PrintState.FAILED),
    "uploading": (PrintState.UPLOADING,),
    "taken back": (PrintState.CANCELLED,),
}


@pytest.fixture
def db():
    connection = dial(None)
    FARM.migrations.apply(view(connection))
    for name in ("cube", "cone"):
        files.add(connection, StoredFile(name, name, FileKind.GCODE, 5, f"sha-{name}", "test", NOON))
    yield connection
    connection.close()


def add_job(db: Connection, file: str, *printers: str, state: JobState = JobState.QUEUED) -> str:
    name = f"job{_count(db, 'print_jobs')}"
    job = Job(name, file, file, 9, state, "test", NOON, required_printers=frozenset(printers))
    jobs.add(db, job, "test")
    return job.id


def add_print(db: Connection, job: str, end: str, whole: bool = True, name: str = "") -> str:
    number = _count(db, "prints")
    attempt = f"a{number:05}"
    at = NOON + timedelta(minutes=number)
    made = Print(f"p{number}", job, "mk4", attempt, PrintState.RESERVED, at, name or f"{attempt}_x.gcode")
    prints.reserve(db, made, "test")
    if whole and end != "taken back":
        remote_files.keep(db, made.id, RemoteFile("sha1", "2/1"))
    for state in END[end]:
        made = prints.enter(db, made, state, at, "test", "")
    return made.remote_name


def _count(db: Connection, table: str) -> int:
    return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def due(db: Connection, at: datetime = NOON + timedelta(hours=1), limit: int = 20) -> list[str]:
    return [file.name for file in remote_files.due(db, "mk4", at, limit)]


def test_a_good_one_is_due_at_once_any_other_later_and_none_where_nothing_was_sent(db):
    job = add_job(db, "cube", state=JobState.HELD)
    good, bad = add_print(db, job, "finished"), add_print(db, job, "failed")
    add_print(db, job, "taken back")
    assert due(db) == [good]
    assert due(db, LATER) == [good]
    assert due(db, LATER + timedelta(hours=1)) == [good, bad]
    assert due(db, LATER + timedelta(hours=1), limit=1) == [good]
    assert remote_files.due(db, "mini", LATER, 20) == []


def test_what_is_gone_is_not_due_again_nor_copied(db):
    job = add_job(db, "cube", state=JobState.HELD)
    add_print(db, job, "finished")
    (file,) = remote_files.due(db, "mk4", LATER, 20)
    remote_files.gone(db, file.print)
    assert due(db) == []
    assert remote_files.to_copy(db, "mk4", "sha-cube") is None


def test_only_names_that_begin_with_the_attempts_id_are_deleted(db):
    job = add_job(db, "cube", state=JobState.HELD)
    add_print(db, job, "finished", name="benchy.gcode")
    assert due(db) == []


def test_nothing_is_due_while_a_print_of_ours_holds_the_printer(db):
    job = add_job(db, "cube", state=JobState.HELD)
    add_print(db, job, "finished")
    add_print(db, job, "uploading")
    assert due(db) == []


def test_the_newest_whole_file_of_a_content_is_copied(db):
    job = add_job(db, "cube", state=JobState.HELD)
    add_print(db, job, "finished")
    newest = add_print(db, job, "failed")
    add_print(db, job, "failed", whole=False)
    found = remote_files.to_copy(db, "mk4", "sha-cube")
    assert (found.name, found.checksum) == (newest, "sha1")
    assert remote_files.to_copy(db, "mk4", "sha-cone") is None
    assert remote_files.to_copy(db, "mini", "sha-cube") is None


@pytest.mark.parametrize(
    ("file", "printers", "state", "spared"),
    [
        ("cube", (), JobState.QUEUED, True),
        ("cube", ("mini", "mk4"), JobState.ACTIVE, True),
        ("cube", ("mini",), JobState.QUEUED, False),
        ("cube", (), JobState.HELD, False),
        ("cone", (), JobState.QUEUED, False),
    ],
)
def test_one_is_spared_for_a_job_that_waits_for_its_content(db, file, printers, state, spared):
    job = add_job(db, "cube", state=JobState.HELD)
    older, newest = add_print(db, job, "finished"), add_print(db, job, "finished")
    add_job(db, file, *printers, state=state)
    assert due(db) == [older, *([] if spared else [newest])]
