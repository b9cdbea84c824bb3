"""One writer that commits in groups, readers beside it, and what both do when the disk does not."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime
from functools import partial

import pytest
import trio
import trio.testing
from structlog.testing import capture_logs

from farm.actors.supervisor import Runtime, Supervisor
from farm.errors import ActorDown, ActorFailed, Refused, StorageFailed, StorageFull
from farm.store import events, readings
from farm.store.commit import TransactionEnded, commit_group
from farm.store.connection import FARM, TELEMETRY, dial
from farm.store.database import MOST_PER_GROUP, Database
from farm.store.readings import Reading

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def note(db, what):
    """A fact and a row of state in one operation. Returns the fact's number."""
    db.execute(
        "INSERT INTO state_changes (at, thing, thing_id, to_state, who, why)"
        " VALUES ('', 'job', ?, '', '', '')",
        (what,),
    )
    return events.record(db, "job.noted", ["queue"], NOON, {"what": what})


def notes(db):
    return [row["thing_id"] for row in db.execute("SELECT thing_id FROM state_changes ORDER BY id")]


def note_then_refuse(db, what):
    note(db, what)
    raise Refused(f"not {what}")


class Traced:
    """A dial whose connections remember the statements they ran."""

    def __init__(self, *setup):
        self.statements = []
        self._setup = setup

    def __call__(self, path):
        connection = dial(path)
        for statement in self._setup:
            connection.execute(statement)
        connection.set_trace_callback(self.statements.append)
        return connection

    def count(self, statement):
        return sum(text.startswith(statement) for text in self.statements)


async def write_all(database, calls):
    """Run all `calls` as fifty callers would, at once; returns what became of each."""
    results = {}

    async def one(index, call):
        try:
            results[index] = await database.write(*call)
        except Exception as error:
            results[index] = error

    async with trio.open_nursery() as nursery:
        for index, call in enumerate(calls):
            nursery.start_soon(one, index, call)
    return [results[index] for index in range(len(calls))]


# -- groups ------------------------------------------------------------------------------------------


async def test_what_waits_together_is_committed_together(tmp_path):
    traced = Traced()
    database = Database(tmp_path / "farm.db", FARM, dial=traced)
    async with database.running():
        before = traced.count("COMMIT")
        await write_all(database, [(note, str(n)) for n in range(50)])
        assert traced.count("COMMIT") - before <= 2  # the first may have gone alone
        await write_all(database, [(note, str(n)) for n in range(3 * MOST_PER_GROUP)])
        assert 3 <= traced.count("COMMIT") - before <= 6
        assert len(await database.read(notes)) == 50 + 3 * MOST_PER_GROUP


async def test_one_refused_operation_does_not_hurt_its_neighbours(tmp_path):
    database = Database(tmp_path / "farm.db", FARM)
    async with database.running():
        results = await write_all(database, [(note, "a"), (note_then_refuse, "b"), (note, "c")])
        assert isinstance(results[1], Refused)
        assert sorted(await database.read(notes)) == ["a", "c"]
        assert sorted([results[0], results[2]]) == [1, 2]  # the undone one gave its number back


async def test_a_wrong_operation_fails_alone_and_is_logged(tmp_path):
    def wrong(db):
        note(db, "never")
        raise KeyError("a bug")

    def twice(db):
        db.execute("INSERT INTO farm (key, value) VALUES ('epoch', '')")

    def orphan(db):
        db.execute(
            "INSERT INTO print_jobs (id, file, name, copies, state, required_printers, required_tags,"
            " created_by, created_at) VALUES ('j', 'no such file', '', 1, 'queued', '', '', '', '')"
        )

    database = Database(tmp_path / "farm.db", FARM)
    with capture_logs() as logged:
        async with database.running():
            results = await write_all(database, [(note, "a"), (wrong,), (twice,), (orphan,), (note, "b")])
            kept = await database.read(notes)
    assert [type(result) for result in results] == [int, ActorFailed, ActorFailed, ActorFailed, int]
    assert "nothing of it was kept" in str(results[1])
    assert sorted(kept) == ["a", "b"]
    told = [entry for entry in logged if entry["event"] == "operation failed"]
    assert {type(entry["exc_info"]) for entry in told} == {KeyError, sqlite3.IntegrityError}
    assert any("FOREIGN KEY" in str(entry["exc_info"]) for entry in told)
    assert all("test_database." in entry["operation"] for entry in told)


async def test_answers_come_after_the_commit_and_not_before(tmp_path):
    database = Database(tmp_path / "farm.db", FARM)
    started, go_on = threading.Event(), threading.Event()
    answered = []

    def slow(db):
        started.set()
        assert go_on.wait(10)
        return note(db, "slow")

    async def ask(*call):
        answered.append(await database.write(*call))

    async with database.running():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask, slow)
            await trio.to_thread.run_sync(started.wait)
            nursery.start_soon(ask, note, "behind")
            await trio.testing.wait_all_tasks_blocked(0.05)
            assert answered == []
            assert await database.read(notes) == []  # a reader is not kept waiting, and sees what was before
            go_on.set()
        assert answered == [1, 2]
        assert await database.read(notes) == ["slow", "behind"]


async def test_operations_of_one_caller_happen_in_order(tmp_path):
    database = Database(tmp_path / "farm.db", FARM, inline=True)
    async with database.running(), trio.open_nursery() as nursery:
        for n in range(50):
            nursery.start_soon(database.write, note, str(n))
            await trio.testing.wait_all_tasks_blocked()
    with sqlite3.connect(tmp_path / "farm.db") as db:
        db.row_factory = sqlite3.Row
        assert notes(db) == [str(n) for n in range(50)]
    db.close()


def test_a_group_takes_no_more_after_its_time_is_up(tmp_path):
    db = dial(tmp_path / "x.db")
    db.execute("CREATE TABLE t (n)")
    ops = [partial(lambda db, n: db.execute("INSERT INTO t VALUES (?)", (n,)), n=n) for n in range(5)]
    assert len(commit_group(db, ops, within_s=0)) == 1
    assert len(commit_group(db, ops, within_s=60)) == 5
    db.close()


async def test_all_of_a_slow_crowd_is_answered_though_it_takes_several_groups(tmp_path):
    def slow(db, what):
        threading.Event().wait(0.02)
        return note(db, what)

    traced = Traced()
    database = Database(tmp_path / "farm.db", FARM, dial=traced)
    async with database.running():
        before = traced.count("COMMIT")
        assert sorted(await write_all(database, [(slow, str(n)) for n in range(10)])) == list(range(1, 11))
        assert traced.count("COMMIT") - before >= 3


async def test_an_operation_that_ends_the_shared_transaction_crashes_the_writer(tmp_path):
    def commits(db):
        db.execute("COMMIT")

    database = Database(tmp_path / "farm.db", FARM)
    await database.open()
    runtime = Runtime(chance=random.Random(1))
    async with Supervisor(runtime).running() as supervisor:
        await supervisor.start(database.spec())
        with pytest.raises(ActorFailed):
            await database.write(commits)
        with pytest.raises(ActorDown):
            await database.write(note, "while it is away")
        assert await database.read(notes) == []  # reading goes on meanwhile
        assert TransactionEnded.__name__ in runtime.reports()[0].last_error
        await supervisor.ready("database")
        assert await database.write(note, "back") == 1
    database.close()


async def test_a_cancelled_writer_finishes_the_transaction_it_is_in(tmp_path):
    database = Database(tmp_path / "farm.db", FARM)
    started, go_on = threading.Event(), threading.Event()

    def slow(db):
        started.set()
        assert go_on.wait(10)
        return note(db, "kept")

    answers = []

    async def ask():
        answers.append(await database.write(slow))

    await database.open()
    supervisor = Supervisor(Runtime())
    async with trio.open_nursery() as askers:
        with trio.CancelScope() as scope:
            async with supervisor.running():
                await supervisor.start(database.spec())
                askers.start_soon(ask)
                await trio.to_thread.run_sync(started.wait)
                scope.cancel()
                trio.lowlevel.spawn_system_task(trio.to_thread.run_sync, go_on.set)
                await trio.sleep_forever()
    assert answers == [1]
    assert await database.read(notes) == ["kept"]
    database.close()


# -- facts -------------------------------------------------------------------------------------------


async def test_facts_are_told_after_the_commit_in_order_and_without_gaps(tmp_path):
    told = []
    database = Database(tmp_path / "farm.db", FARM)

    def hear(facts):
        with sqlite3.connect(tmp_path / "farm.db") as db:  # a stranger sees them: they are committed
            db.row_factory = sqlite3.Row
            assert events.last_seq(db) >= facts[-1].seq
        db.close()
        told.extend(facts)

    database.on_facts = hear
    calls = [(note_then_refuse if n % 3 == 0 else note, str(n)) for n in range(90)]
    async with database.running():
        await write_all(database, calls)
        await database.write(notes)  # makes no fact
        kept = await database.read(events.since, 0)
    assert [fact.seq for fact in told] == list(range(1, 61))
    assert told == kept
    assert {fact.data["what"] for fact in told} == {str(n) for n in range(90) if n % 3}


async def test_facts_from_before_a_restart_are_not_told_again(tmp_path):
    told = []
    for expected in (1, 2):
        database = Database(tmp_path / "farm.db", FARM, on_facts=told.extend)
        async with database.running():
            assert await database.write(note, "x") == expected
    assert [fact.seq for fact in told] == [1, 2]


# -- readers -----------------------------------------------------------------------------------------


async def test_a_reader_sees_one_moment_however_much_is_written_meanwhile(tmp_path):
    database = Database(tmp_path / "farm.db", FARM)
    looked, written = threading.Event(), threading.Event()

    def look_twice(db):
        first = len(notes(db))
        looked.set()
        assert written.wait(10)
        return first, len(notes(db))

    async def write_meanwhile():
        await trio.to_thread.run_sync(looked.wait)
        await database.write(note, "later")
        written.set()

    async with database.running(), trio.open_nursery() as nursery:
        nursery.start_soon(write_meanwhile)
        assert await database.read(look_twice) == (0, 0)
        assert await database.read(notes) == ["later"]


@pytest.mark.parametrize("inline", [False, True])
async def test_a_reader_cannot_write(tmp_path, inline):
    database = Database(tmp_path / "farm.db", FARM, inline=inline)
    async with database.running():
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            await database.read(note, "x")
        with pytest.raises(Refused):  # and what it refuses comes through
            await database.read(lambda db: (_ for _ in ()).throw(Refused("no")))
        assert await database.write(note, "y") == 1


async def test_nobody_is_served_before_open_or_after_close(tmp_path):
    database = Database(tmp_path / "farm.db", FARM)
    with pytest.raises(ActorDown):
        await database.read(notes)
    with pytest.raises(ActorDown):
        await database.write(note, "x")
    async with database.running():
        await database.read(notes)
    with pytest.raises(ActorDown):
        await database.read(notes)
    with pytest.raises(ActorDown):
        await database.write(note, "x")


# -- inline ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_memory", [False, True])
def test_inline_on_a_virtual_clock_does_what_threads_do(tmp_path, in_memory):
    async def session(database, told):
        database.on_facts = told.extend
        async with database.running():
            chance, results = random.Random(5), []
            for _ in range(30):
                calls = [
                    (note if chance.random() < 0.7 else note_then_refuse, f"{chance.random():.6f}")
                    for _ in range(chance.randint(1, 5))
                ]
                for call in calls:
                    try:
                        results.append(await database.write(*call))
                    except Refused as refusal:
                        results.append(str(refusal))
                results.append(await database.read(notes))
            return results, await database.read(events.epoch)

    outcomes = []
    for inline in (False, True):
        path = None if inline and in_memory else tmp_path / f"{inline}.db"
        told = []
        clock = trio.testing.MockClock(autojump_threshold=0) if inline else None
        database = trio.run(make, path, inline)
        outcomes.append((trio.run(session, database, told, clock=clock), told))
    assert outcomes[0] == outcomes[1]


async def make(path, inline):
    return Database(path, FARM, inline=inline, chance=random.Random(3))


async def test_a_memory_database_outlives_its_writers_crash(autojump_clock):
    database = Database(None, FARM, inline=True, chance=random.Random(3))
    await database.open()
    async with Supervisor(Runtime(chance=random.Random(1))).running() as supervisor:
        await supervisor.start(database.spec())
        await database.write(note, "kept")
        with pytest.raises(ActorFailed):
            await database.write(lambda db: db.execute("ROLLBACK"))
        await supervisor.ready("database")
        assert await database.read(notes) == ["kept"]
        assert await database.write(note, "more") == 2
    database.close()


# -- telemetry ---------------------------------------------------------------------------------------


async def test_telemetry_is_checkpointed_within_five_seconds_and_rests_when_idle(tmp_path, autojump_clock):
    traced = Traced()
    database = Database(tmp_path / "telemetry.db", TELEMETRY, inline=True, dial=traced)
    async with database.running():
        await trio.sleep(1000)
        assert traced.count("PRAGMA wal_checkpoint") == 0
        await database.write(readings.add, [Reading("p", "nozzle", 0, 20, 0)])
        await trio.sleep(5.1)
        assert traced.count("PRAGMA wal_checkpoint") == 1
        await trio.sleep(1000)
        assert traced.count("PRAGMA wal_checkpoint") == 1
        for n in range(100):  # a steady stream does not put it off
            await database.write(readings.add, [Reading("p", "nozzle", n, 20, 0)])
            await trio.sleep(0.2)
        assert traced.count("PRAGMA wal_checkpoint") == 5


# -- when the disk does not --------------------------------------------------------------------------


async def test_a_full_disk_is_said_and_left_behind_when_there_is_room(tmp_path):
    def limit(db, pages):
        db.execute(f"PRAGMA max_page_count = {pages}")

    def pages(db):
        return db.execute("PRAGMA page_count").fetchone()[0]

    database = Database(tmp_path / "farm.db", FARM)
    async with database.running():
        await database.write(note, "before")
        await database.write(limit, await database.write(pages))
        results = await write_all(database, [(note, letter * 9000) for letter in "abc"])
        assert {type(result) for result in results} == {StorageFull}
        assert len(set(map(id, results))) == 3  # each asker has its own to raise
        assert await database.read(notes) == ["before"]
        await database.write(limit, 1_000_000)
        assert await database.write(note, "after") == 2
        assert await database.read(notes) == ["before", "after"]


async def test_a_strangers_lock_is_said_and_waited_out(tmp_path):
    database = Database(tmp_path / "farm.db", FARM, dial=Traced("PRAGMA busy_timeout = 30"))
    stranger = dial(tmp_path / "farm.db")
    with capture_logs() as logged:
        async with database.running():
            stranger.execute("BEGIN IMMEDIATE")
            for _ in range(2):
                with pytest.raises(StorageFailed, match="another program holds"):
                    await database.write(note, "x")
            assert await database.read(notes) == []
            assert "another program holds" in database.trouble.words
            assert database.trouble.since <= trio.current_time()
            stranger.execute("ROLLBACK")
            assert await database.write(note, "y") == 1
            assert database.trouble is None
    stranger.close()
    assert [entry["event"] for entry in logged[1:]] == ["database refuses", "database works again"]


@pytest.mark.skipif(sys.platform == "win32", reason="a limit on file sizes exists on POSIX only")
def test_a_disk_that_refuses_writes_is_said_and_left_behind(tmp_path):
    """In a process of its own, for the limit holds for all of a process's files."""
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, str(tmp_path / "farm.db")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "refused 3, then 2 rows"


_LIMITED = """
import resource, sys
from pathlib import Path
import trio
import trio.testing
from farm.errors import StorageFailed
from farm.store.connection import FARM
from farm.store.database import Database

def note(db, what):
    db.execute("INSERT INTO farm (key, value) VALUES (?, ?)", (what[:3], what))

def count(db):
    return db.execute("SELECT count(*) FROM farm WHERE value > 'g'").fetchone()[0]

async def main():
    database, refused = Database(Path(sys.argv[1]), FARM), 0
    async with database.running():
        await database.write(note, "one")
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, hard))
        for name in ("two", "three", "four"):
            try:
                await database.write(note, name * 60_000)
            except StorageFailed as problem:
                assert "nothing was changed" in str(problem), problem
                refused += 1
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        await database.write(note, "six")
        print(f"refused {refused}, then {await database.read(count)} rows")

trio.run(main)
"""


async def test_a_file_that_shows_damage_is_checked_at_the_next_start(tmp_path):
    def fill(db):
        for n in range(200):
            note(db, f"{n}" * 200)

    path = tmp_path / "farm.db"
    async with Database(path, FARM).running():
        pass
    database = Database(path, FARM)
    async with database.running():
        await database.write(fill)
        await database.write(lambda db: None)
    path.write_bytes(damaged(path.read_bytes()))
    database = Database(path, FARM)
    async with database.running() as opened:  # nothing is known of it yet: the last stop was orderly
        assert opened.clean
        with pytest.raises(StorageFailed, match="damaged"):
            await database.read(notes)
    with pytest.raises(StorageFailed, match="no good backup"):
        await Database(path, FARM).open()


def damaged(content):
    """The same file with its later pages overwritten; what is needed to open it stays."""
    keep = len(content) * 6 // 10
    return content[:keep] + b"\xa5" * (len(content) - keep)
