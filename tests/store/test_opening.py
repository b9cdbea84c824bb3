"""Whatever lies in the data folder at a start: sound, left in disorder, damaged, half restored, foreign."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from farm.errors import SettingsError, StorageFailed
from farm.store import backup, events, opening, readings
from farm.store.connection import FARM, TELEMETRY, dial
from farm.store.database import Database
from farm.store.opening import Place, open_file
from farm.store.readings import Reading

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def place(folder, keeping=FARM, seed=0):
    return Place(
        path=folder / "farm.db",
        backups=folder / "backups",
        keeping=keeping,
        dial=dial,
        chance=random.Random(seed),
        clock=lambda: NOON,
    )


def add_facts(folder, count):
    with closing(dial(folder / "farm.db")) as db:
        db.execute("BEGIN")
        for n in range(count):
            events.record(db, "job.noted", ["queue"], NOON, {"n": n, "long": "x" * 400})
        db.execute("COMMIT")


def look(folder, question):
    with closing(dial(folder / "farm.db")) as db:
        return question(db)


def damage(path):
    """Overwrite the later pages; what is needed to open the file stays."""
    content = path.read_bytes()
    keep = len(content) * 3 // 4
    path.write_bytes(content[:keep] + b"\xa5" * (len(content) - keep))


@pytest.fixture
def broken(tmp_path):
    """A farm with 100 facts in its backup and 200 in a database that is damaged."""
    open_file(place(tmp_path))
    add_facts(tmp_path, 100)
    (tmp_path / "backups").mkdir()
    backup.backup(tmp_path / "farm.db", tmp_path / "backups" / "farm-0900.db")
    add_facts(tmp_path, 100)
    damage(tmp_path / "farm.db")
    return tmp_path


async def test_only_an_orderly_stop_counts_as_clean(tmp_path):
    database = Database(tmp_path / "farm.db", FARM)
    async with database.running() as opened:
        assert opened.fresh
        assert opened.clean
        assert opened.migrated
        await database.write(opening.restore_settled)
        for name in ("farm.db", "farm.db-wal"):  # what a kill would leave
            shutil.copy(tmp_path / name, tmp_path / name.replace("farm", "killed"))
    async with Database(tmp_path / "farm.db", FARM).running() as opened:
        assert opened == opening.Opened(fresh=False, clean=True)
    async with Database(tmp_path / "killed.db", FARM).running() as opened:
        assert opened == opening.Opened(fresh=False, clean=False)


async def test_the_epoch_is_given_once_and_comes_from_the_source_of_chance(tmp_path):
    epochs = []
    for seed in (1, 2):
        database = Database(tmp_path / "farm.db", FARM, chance=random.Random(seed))
        async with database.running():
            epochs.append(await database.read(events.epoch))
    assert epochs == [f"{random.Random(1).getrandbits(64):016x}"] * 2


def test_a_damaged_database_is_set_aside_and_the_newest_good_backup_restored(broken):
    with closing(dial(broken / "backups" / "farm-0900.db")) as db:
        old_epoch = events.epoch(db)
    shutil.copy(broken / "farm.db", broken / "backups" / "farm-1000.db")  # newer, and as damaged
    wreck = (broken / "farm.db").read_bytes()

    with capture_logs() as logged:
        opened = open_file(place(broken, seed=9))

    assert opened.restored_from == "farm-0900.db"
    assert opened.set_aside == broken / "farm.db.damaged-20260302T120000Z"
    assert opened.set_aside.read_bytes() == wreck
    assert look(broken, events.last_seq) == 100
    assert look(broken, backup.is_whole)
    assert look(broken, events.epoch) != old_epoch
    assert [entry["log_level"] for entry in logged] == ["error"] * 3


def test_a_restore_is_told_at_every_start_until_its_consequences_are_drawn(broken):
    assert open_file(place(broken)).restored_from == "farm-0900.db"
    assert open_file(place(broken)).restored_from == "farm-0900.db"
    look(broken, opening.restore_settled)
    assert open_file(place(broken)).restored_from is None


@pytest.mark.parametrize("cut_at", range(12))
def test_a_restore_cut_off_anywhere_is_finished_at_the_next_start(broken, monkeypatch, cut_at):
    """The process ends before its `cut_at`-th step that changes a name or makes content durable."""
    steps = iter(range(100))

    def cut(function):
        def maybe(*args, **kwargs):
            if next(steps) == cut_at:
                raise KeyboardInterrupt
            return function(*args, **kwargs)

        return maybe

    with monkeypatch.context() as patch:
        for owner, name in (
            (opening, "rename_durably"),
            (backup, "sync_file"),
            (backup, "copy_durably"),
            (opening, "_set"),
        ):
            patch.setattr(owner, name, cut(getattr(owner, name)))
        was_cut = False
        try:
            opened = open_file(place(broken))
        except KeyboardInterrupt:
            was_cut = True
    assert was_cut == (cut_at < 10)  # so that the test notices when there are more steps than it cuts
    if was_cut:
        opened = open_file(place(broken))
    assert opened.restored_from == "farm-0900.db"
    assert look(broken, events.last_seq) == 100
    assert look(broken, backup.is_whole)
    wrecks = [path.name for path in broken.glob("farm.db.damaged-*") if not path.name.endswith("-wal")]
    assert wrecks == ["farm.db.damaged-20260302T120000Z"]
    assert not list(broken.glob("farm.db.restoring"))


def test_without_a_good_backup_the_damage_is_said_and_nothing_touched(broken):
    damage(broken / "backups" / "farm-0900.db")
    (broken / "backups" / "farm-note.db").write_text("not a database at all")
    wreck = (broken / "farm.db").read_bytes()
    with pytest.raises(StorageFailed, match="no good backup to restore"):
        open_file(place(broken))
    assert (broken / "farm.db").read_bytes() == wreck
    assert not list(broken.glob("*.damaged-*"))


def test_damage_is_found_although_the_last_stop_was_orderly(broken):
    (broken / "farm.db").write_bytes(b"\x00" * 8192)  # all of it is lost, the mark too
    assert open_file(place(broken)).restored_from == "farm-0900.db"


def test_damage_that_shows_after_the_look_at_the_mark_is_damage_too(broken):
    shutil.copy(broken / "backups" / "farm-0900.db", broken / "farm.db")
    look(broken, opening.mark_clean)
    page, size = look(broken, page_of_the_migrations)
    content = bytearray((broken / "farm.db").read_bytes())
    content[(page - 1) * size : page * size] = b"\xa5" * size
    (broken / "farm.db").write_bytes(content)
    assert open_file(place(broken)).restored_from == "farm-0900.db"


def page_of_the_migrations(db):
    page = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = '_sqlite_migrations'").fetchone()[0]
    return page, db.execute("PRAGMA page_size").fetchone()[0]


def test_the_log_of_a_wreck_is_not_played_into_what_was_restored(broken):
    stranger = dial(broken / "farm.db")  # while it looks, nobody's close tidies the log away
    stranger.execute("BEGIN")
    stranger.execute("SELECT value FROM farm").fetchone()
    with closing(dial(broken / "farm.db")) as db:
        db.execute("INSERT INTO farm (key, value) VALUES ('only', 'in the log')")
    log = (broken / "farm.db-wal").read_bytes()
    assert log

    assert open_file(place(broken)).restored_from == "farm-0900.db"

    stranger.close()
    assert (broken / "farm.db.damaged-20260302T120000Z-wal").exists()
    assert look(broken, lambda db: db.execute("SELECT 1 FROM farm WHERE key = 'only'").fetchone()) is None
    assert look(broken, backup.is_whole)


def test_a_second_wreck_does_not_take_the_place_of_the_first(broken):
    first = open_file(place(broken)).set_aside
    damage(broken / "farm.db")
    second = open_file(place(broken)).set_aside
    assert first != second
    assert first.exists()
    assert second.exists()


def test_damaged_telemetry_is_set_aside_and_begins_anew(tmp_path):
    open_file(place(tmp_path, TELEMETRY))
    with closing(dial(tmp_path / "farm.db")) as db:
        db.execute("BEGIN")
        readings.add(db, [Reading("p", "bed", n, 60, 60) for n in range(2000)])
        db.execute("COMMIT")
    damage(tmp_path / "farm.db")
    (tmp_path / "farm.db-wal").write_bytes(b"left by a kill")
    opened = open_file(place(tmp_path, TELEMETRY))
    assert opened.set_aside is not None
    assert opened.fresh
    assert (
        look(tmp_path, lambda db: db.execute("SELECT count(*) FROM temperature_readings").fetchone()[0]) == 0
    )


def test_another_programs_database_is_left_alone(tmp_path):
    with closing(sqlite3.connect(tmp_path / "farm.db")) as db:
        db.execute("CREATE TABLE users (id)")
    with pytest.raises(SettingsError, match="another program's"):
        open_file(place(tmp_path))
    assert look(tmp_path, lambda db: [row[0] for row in db.execute("SELECT name FROM sqlite_schema")]) == [
        "users"
    ]


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(StorageFailed, match="unable to open"):
        open_file(place(tmp_path / "missing"))


async def test_a_backup_beside_a_busy_writer_is_whole_and_of_one_moment(tmp_path):
    def pair(db):
        for half in "ab":
            events.record(db, "job.noted", ["queue"], NOON, {"half": half})

    database = Database(tmp_path / "farm.db", FARM)
    async with database.running():
        for n in range(5):
            for _ in range(20):
                await database.write(pair)
            backup.backup(tmp_path / "farm.db", tmp_path / "copy.db")
            with closing(dial(tmp_path / "copy.db")) as copy:
                assert events.last_seq(copy) == 40 * (n + 1)
                assert backup.is_whole(copy)
    assert not list(tmp_path.glob("*.part"))


def test_a_backup_that_fails_leaves_the_one_before(tmp_path):
    open_file(place(tmp_path))
    backup.backup(tmp_path / "farm.db", tmp_path / "copy.db")
    before = (tmp_path / "copy.db").read_bytes()
    add_facts(tmp_path, 200)
    damage(tmp_path / "farm.db")
    with pytest.raises((sqlite3.DatabaseError, StorageFailed)):
        backup.backup(tmp_path / "farm.db", tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_bytes() == before
    assert not list(tmp_path.glob("*.part"))


def test_a_backup_that_came_out_damaged_is_not_kept(tmp_path, monkeypatch):
    open_file(place(tmp_path))
    monkeypatch.setattr(backup, "is_whole", lambda copy: False)  # a disk that lies is hard to come by
    with pytest.raises(StorageFailed, match="came out damaged"):
        backup.backup(tmp_path / "farm.db", tmp_path / "copy.db")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["farm.db"]
