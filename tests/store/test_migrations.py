"""Every schema a shop may still have opens, keeps its rows, and ends as the newest one."""

from __future__ import annotations

import random
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
import sqlite_utils
from sqlite_utils.migrations import Migrations

from farm.domain.occupation import Occupation
from farm.errors import SettingsError, StorageFull
from farm.store import backup, schema, statistics
from farm.store.connection import FARM, TELEMETRY, Keeping, dial
from farm.store.opening import Place, open_file
from farm.store.statistics import Wanted

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

# What a shop had at each schema, one row in every table at least. A new step adds its line, with the rows
# that its tables can have; the lines before it stay as they are.
ROWS = {
    "m001_ground": (
        "INSERT INTO farm VALUES ('epoch', '00ff00ff00ff00ff'), ('clean', '1')",
        "INSERT INTO users VALUES ('u1', 'Kim', 'hash', 'admin', 1, 3, NULL, '[\"a\"]', '2026-01-01')",
        "INSERT INTO keys VALUES ('k1', 'sl', 'h', '[]', NULL, NULL, 'queue', 'u1', 't', NULL, NULL, NULL)",
        "INSERT INTO sessions VALUES ('s1', 'page', 'f', 'u1', 'c', 't', 't', 't', NULL)",
        "INSERT INTO audit VALUES (7, 't', 'user:u1', 'user.added', 'user:u1', '{}', '', 'hash')",
        "INSERT INTO printers (id, name, kind, url, sealed_key, tags, enabled, health_check_interval_s,"
        " max_retries, plate, created_at)"
        " VALUES ('p1', 'Left', 'octoprint', 'http://x', x'00', '[]', 1, 10.5, 3, 'clear', 't')",
        "INSERT INTO files (id, name, kind, size, sha256, uploaded_by, uploaded_at, state, reason, result)"
        " VALUES ('f1', 'a.gcode', 'gcode', 5, 'ab', 'u1', 't', 'ready', NULL, '{}')",
        "INSERT INTO print_jobs (id, file, name, copies, state, priority, required_printers, required_tags,"
        " created_by, created_at) VALUES ('j1', 'f1', 'a', 2, 'active', 5, '[]', '[]', 'u1', 't')",
        "INSERT INTO prints (id, job, printer, attempt, remote_name, state, progress, reserved_at,"
        " started_at)"
        " VALUES ('r1', 'j1', 'p1', 'abc123', 'abc123_a.gcode', 'printing', 0.5, 't', 't')",
        "INSERT INTO state_changes VALUES (3, 't', 'print', 'r1', 'starting', 'printing', 'system', 'begun')",
        "INSERT INTO events VALUES (41, 'job.started', '[\"queue\"]', '2026-01-01T00:00:00Z', '{}')",
    ),
    "m002_decisions": (
        "UPDATE printers SET mode = 'emergency', mode_why = 'smoke', tls = 'sha256:ab' WHERE id = 'p1'",
        "UPDATE print_jobs SET forgiven_at = '2026-01-01T00:00:00Z' WHERE id = 'j1'",
    ),
    "m003_removed_files": ("UPDATE files SET removed_at = '2026-01-02T00:00:00Z' WHERE id = 'f1'",),
    "m004_simulated": (
        'UPDATE printers SET simulation = \'{"dialect": "octoprint", "speed": 60.0, "faults": {}}\''
        " WHERE id = 'p1'",
    ),
    "m005_unread_files": ("UPDATE files SET removed_at = NULL, state = 'queued' WHERE id = 'f1'",),
    "m006_newest_print": (),
    "m007_orders": (
        "INSERT INTO orders VALUES ('o1', '4711', 'blue ones', NULL, 'user:u1', 't', NULL)",
        "UPDATE print_jobs SET order_id = 'o1', release_at = 't', deadline_at = 't' WHERE id = 'j1'",
    ),
    "m008_remote_files": ("UPDATE prints SET remote_checksum = 'ab', remote_mark = '1/0' WHERE id = 'r1'",),
    "m009_profiles": ("UPDATE printers SET profile = '{\"nozzle_mm\": 0.4}' WHERE id = 'p1'",),
    "m010_idempotency": (
        "INSERT INTO idempotency VALUES ('user:u1', 'a-key', 0, x'00', x'01', '2026-01-01T00:00:00Z')",
    ),
    "m011_print_host_users": ("UPDATE printers SET username = 'maker' WHERE id = 'p1'",),
    "m012_maintenance": (
        "UPDATE printers SET printed_s = 3600.5 WHERE id = 'p1'",
        "INSERT INTO maintenance VALUES ('c1', 'rods', 300.0, 'p1', NULL, 1, 'user:u1', 't')",
        "INSERT INTO maintenance_done VALUES (1, 'c1', 'p1', 0.0, 't', NULL, '')",
    ),
    "m013_spools": (
        "INSERT INTO spools VALUES ('s1', 'PLA', 'black', '', '', 1000.0, 420.5, 'p1', 0, 't')",
        "UPDATE prints SET filament_g = 12.5 WHERE id = 'r1'",
    ),
    "m014_failures": ("UPDATE prints SET cause = 'warped', note = 'a corner' WHERE id = 'r1'",),
    "m015_analyses": (
        "UPDATE files SET search = 'a.gcode', time_s = 1088.5, filament_g = 4.5, material = 'PLA',"
        " printer_model = 'MK4', analysis_version = 1 WHERE id = 'f1'",
    ),
    "m016_optimised_copies": (
        "INSERT INTO optimised_copies VALUES"
        " ('ab', '{}', '{}', 'cd', 3, '{}', NULL, NULL, '2026-01-01T00:00:00Z')",
        "UPDATE prints SET optimised = 'cd', optimised_size = 3 WHERE id = 'r1'",
    ),
    "m017_shop_rules": (
        "INSERT INTO shop VALUES ('constraints', '{\"operators\": 2}')",
        "INSERT INTO approved_fits VALUES ('f1', 'ab12', 'user:u1', 't')",
        "UPDATE print_jobs SET pin_printer = 'p1', pin_start = 't', approval = 'share', attended = 1"
        " WHERE id = 'j1'",
    ),
    "m018_plans": ("INSERT INTO plans VALUES (1, 'p', 't', 'system:system', CAST('{}' AS BLOB))",),
    "m019_durations": (
        "INSERT INTO durations VALUES ('r1', 'print_slicer', 'p1', '2026-01-01T00:00:00Z', 1.04)",
        "INSERT INTO learned VALUES ('p1', 'print_slicer', 'MK4', 1, 0.04, 0.0)",
    ),
    "m020_histories": (
        "INSERT INTO printer_status_history VALUES"
        " (1, 'p1', 't', 'online', 'idle', 'clear', 'idle', NULL, '')",
        "INSERT INTO job_progress_history VALUES (1, 'r1', 't', 0.5, 60.0, NULL)",
        "INSERT INTO error_logs VALUES (1, 'p1', 't', 'connection', 'r1', 'no route to host', NULL)",
        "INSERT INTO printer_days VALUES ('p1', '2026-01-01', 1.0, 2.0, 3.0, 4.0, 5.0, 6.5)",
    ),
    "m021_outcomes": (
        "UPDATE prints SET day = '2026-01-01', material = 'PLA', printed_s = 60.5, waited_s = 5.0"
        " WHERE id = 'r1'",
    ),
    "m022_ejections": (
        "UPDATE printers SET ejected = 2 WHERE id = 'p1'",
        "INSERT INTO ejections VALUES ('e1', 'p1', 'r1', 'abcdef', 'abcdef_eject.gcode', 'done', '', 30.0,"
        " 3600.0, '2026-01-01T00:00:00Z', '2026-01-01T00:20:00Z', 28.5, '', NULL, '')",
    ),
    "m023_baselines": (
        "INSERT INTO baselines VALUES ('p1', 'PLA', 3, '{\"prints\":3}', 't')",
        "INSERT INTO anomaly_overrides VALUES ('r1', 'cold', 'tool0')",
    ),
    "m024_cooled_heaters": ("INSERT INTO cooled_heaters VALUES ('r1', 'tool0', 210.0)",),
    "m025_doubts": (
        "UPDATE printers SET doubt = 'The nozzle is too cold.', doubt_since = 't' WHERE id = 'p1'",
        "INSERT INTO current_anomalies VALUES ('p1', 'drop', 'tool0', '{}')",
    ),
    "m026_counted_days": (
        "INSERT INTO counted_names VALUES (1, 'p1')",
        "UPDATE print_days SET prints = x'00' WHERE day = '2026-01-01'",
    ),
    "m027_left_hot": (
        'UPDATE printers SET left_hot = \'{"paused": false, "since": "2026-01-01T00:00:00Z",'
        ' "targets": {"bed": 60.0}}\''
        " WHERE id = 'p1'",
    ),
    "m001_readings": (
        "INSERT INTO heaters VALUES (7, 'p1', 'nozzle')",
        "INSERT INTO temperature_readings VALUES (7, 1.5, 200.25, NULL)",
        "INSERT INTO temperature_readings VALUES (7, 2.5, NULL, 210)",
    ),
    "m002_roll_ups": (
        "INSERT INTO channels VALUES (3, 'p1', 'progress')",
        "INSERT INTO metrics VALUES (3, 1.5, 0.25)",
        "INSERT INTO temperature_minutes VALUES (7, 0, 1, 200.25, 200.25, 200.25, 200.25, 1.5, NULL)",
        "INSERT INTO temperature_hours VALUES (7, 0, 1, 200.25, 200.25, 200.25, 200.25, 1.5, NULL)",
        "INSERT INTO metric_minutes VALUES (3, 0, 1, 0.25, 0.25, 0.25, 0.25, 1.5)",
        "INSERT INTO metric_hours VALUES (3, 0, 1, 0.25, 0.25, 0.25, 0.25, 1.5)",
    ),
}


def names(migrations):
    with closing(dial(None)) as empty:
        return schema.pending(empty, migrations)


def place(folder, keeping):
    return Place(
        path=folder / "farm.db",
        backups=folder / "backups",
        keeping=keeping,
        dial=dial,
        chance=random.Random(0),
        clock=lambda: NOON,
    )


def shape(path):
    """The whole schema, as SQLite keeps it."""
    with closing(dial(path)) as db:
        return {(row["name"], row["sql"]) for row in db.execute("SELECT name, sql FROM sqlite_schema")}


def content(path):
    """Every row of every table of ours."""
    with closing(dial(path)) as db:
        view = sqlite_utils.Database(db)
        return {
            name: [dict(row) for row in view[name].rows]
            for name in view.table_names()
            if not name.startswith(("sqlite_", "_sqlite"))
        }


def at_step(path, keeping, steps):
    """A database as a shop had it after `steps` migrations, in use."""
    known = names(keeping.migrations)
    with closing(dial(path)) as db:
        keeping.migrations.apply(schema.view(db), stop_before=known[steps:])
        for name in known[:steps]:
            for statement in ROWS[name]:
                db.execute(statement)
    return content(path)


EVERY_SCHEMA = [
    pytest.param(keeping, steps, id=f"{keeping.migrations.name}-{steps}")
    for keeping in (FARM, TELEMETRY)
    for steps in range(len(names(keeping.migrations)) + 1)
]


@pytest.mark.parametrize(("keeping", "steps"), EVERY_SCHEMA)
def test_every_older_schema_opens_keeps_its_rows_and_ends_as_a_fresh_one(tmp_path, keeping, steps):
    (tmp_path / "new").mkdir()
    open_file(place(tmp_path / "new", keeping))
    before = at_step(tmp_path / "farm.db", keeping, steps)
    assert all(before.values())  # the sample leaves no table empty

    opened = open_file(place(tmp_path, keeping))

    assert opened.migrated == names(keeping.migrations)[steps:]
    assert opened.fresh == (steps == 0)
    assert shape(tmp_path / "farm.db") == shape(tmp_path / "new" / "farm.db")
    after = content(tmp_path / "farm.db")
    for table, rows in before.items():
        kept = [{column: row[column] for column in rows[0]} for row in after[table]]
        if table == "farm":
            rows = [{**row, "value": "0"} if row["key"] == "clean" else row for row in rows]
        assert kept == rows


def test_the_files_of_prints_that_were_over_before_are_owed_too(tmp_path):
    before = names(FARM.migrations).index("m008_remote_files")
    at_step(tmp_path / "farm.db", FARM, before)
    with closing(dial(tmp_path / "farm.db")) as db:
        for number, state in enumerate(["finished", "cancelled", "unknown"]):
            db.execute(
                "INSERT INTO prints (id, job, printer, attempt, remote_name, state, reserved_at, ended_at)"
                f" VALUES ('o{number}', 'j1', 'p1', 'a{number}', 'a{number}.g', '{state}', 't', ?)",
                ("2026-02-26T10:00:00.500Z",),
            )

    open_file(place(tmp_path, FARM))

    owed = {row["id"]: row["remote_delete_at"] for row in content(tmp_path / "farm.db")["prints"]}
    later = "2026-03-05T10:00:00.500Z"
    assert owed == {"r1": None, "o0": "2026-02-26T10:00:00.500Z", "o1": later, "o2": later}


# -- how steps are taken, on a history longer than ours is yet -------------------------------------------

later = Migrations("farm")


@later()
def m001_ground(db):
    db.execute("CREATE TABLE farm (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
    db.execute("CREATE TABLE jobs (id INTEGER PRIMARY KEY, name TEXT)")


@later()
def m002_copies(db):
    db.execute("ALTER TABLE jobs ADD COLUMN copies INTEGER NOT NULL DEFAULT 1")
    db.execute("CREATE INDEX jobs_by_name ON jobs (name)")
    db.execute("UPDATE jobs SET copies = 2")


@later()
def m003_spools(db):
    db.execute("CREATE TABLE spools (id INTEGER PRIMARY KEY, job INTEGER REFERENCES jobs (id))")
    db.execute("INSERT INTO spools (job) SELECT id FROM jobs")
    db.execute("DELETE FROM jobs WHERE copies > 2")


@later()
def m004_jobs_laid_out_anew(db):
    db.execute("CREATE TABLE jobs_anew (id INTEGER PRIMARY KEY, name TEXT NOT NULL, copies INTEGER NOT NULL)")
    db.execute("INSERT INTO jobs_anew SELECT id, name, copies FROM jobs")
    db.execute("DROP TABLE jobs")  # spools refer to it: allowed while a step is taken
    db.execute("ALTER TABLE jobs_anew RENAME TO jobs")


LATER = replace(FARM, migrations=later)
LATER_STEPS = ("m002_copies", "m003_spools", "m004_jobs_laid_out_anew")


def in_use_since_step_one(path):
    with closing(dial(path)) as db:
        later.apply(schema.view(db), stop_before="m002_copies")
        db.execute("INSERT INTO farm VALUES ('epoch', '00ff00ff00ff00ff')")
        db.executemany("INSERT INTO jobs (name) VALUES (?)", [(f"job {n}" * 20,) for n in range(50)])


def test_a_backup_of_the_old_schema_is_made_before_the_first_step(tmp_path):
    in_use_since_step_one(tmp_path / "farm.db")
    before = content(tmp_path / "farm.db")
    opened = open_file(place(tmp_path, LATER))
    assert opened.migrated == LATER_STEPS
    assert content(tmp_path / "backups" / "farm-before-m002_copies.db") == before
    assert backup.newest_good(tmp_path / "backups", "farm", later) is not None

    assert open_file(place(tmp_path, LATER)).migrated == ()  # and none when there is nothing to do
    assert [path.name for path in (tmp_path / "backups").iterdir()] == ["farm-before-m002_copies.db"]


def test_a_fresh_database_needs_no_backup(tmp_path):
    open_file(place(tmp_path, LATER))
    assert not (tmp_path / "backups").exists()


def test_a_kill_at_any_statement_of_a_start_leaves_an_old_schema_or_a_new_one(tmp_path):
    """The files as they lie at each statement are all that a killed process leaves."""
    home = tmp_path / "home"
    home.mkdir()
    in_use_since_step_one(home / "farm.db")
    statements, images = [], {}

    def keep_an_image(statement):
        statements.append(statement)
        left = {
            path: path.read_bytes() for path in home.rglob("*") if path.is_file() and "-shm" not in path.name
        }
        images.setdefault(tuple(left.items()), f"killed at {len(statements)}")

    def dial_and_watch(path):
        connection = dial(path)
        connection.set_trace_callback(keep_an_image)
        return connection

    open_file(replace(place(home, LATER), dial=dial_and_watch))
    assert len(statements) > 20
    assert len(images) > 4  # most statements change nothing that a process leaves behind

    found = set()
    for files, name in images.items():
        image = tmp_path / name
        for path, data in files:
            copy = image / path.relative_to(home)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(data)
        with closing(dial(image / "farm.db")) as db:
            steps = schema.applied(db, later)
            columns = [row["name"] for row in db.execute("PRAGMA table_info(jobs)")]
            spools = db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'spools'").fetchone()[0]
            found.add((len(steps), "copies" in columns, spools))
        open_file(place(image, LATER))
        assert content(image / "farm.db") == content(home / "farm.db")
        assert shape(image / "farm.db") == shape(home / "farm.db")
    assert found == {(1, False, 0), (2, True, 0), (3, True, 1), (4, True, 1)}


def test_a_step_that_fails_is_undone_and_tried_again_at_the_next_start(tmp_path):
    in_use_since_step_one(tmp_path / "farm.db")
    before = shape(tmp_path / "farm.db")

    def small_disk(path):
        connection = dial(path)
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    with pytest.raises(StorageFull):
        open_file(replace(place(tmp_path, LATER), dial=small_disk))
    assert shape(tmp_path / "farm.db") == before
    assert open_file(place(tmp_path, LATER)).migrated == LATER_STEPS


def test_a_database_of_a_newer_farm_is_refused_and_left_as_it_is(tmp_path):
    open_file(place(tmp_path, LATER))
    newest = shape(tmp_path / "farm.db")
    with pytest.raises(SettingsError, match=r"newer farm \(it knows m002_copies, m003_spools, m004_"):
        open_file(place(tmp_path, FARM))
    assert shape(tmp_path / "farm.db") == newest


def test_a_backup_of_a_newer_farm_is_not_restored(tmp_path):
    open_file(place(tmp_path, LATER))
    (tmp_path / "backups").mkdir()
    backup.backup(tmp_path / "farm.db", tmp_path / "backups" / "farm-new.db")
    assert backup.newest_good(tmp_path / "backups", "farm", later) is not None
    assert backup.newest_good(tmp_path / "backups", "farm", FARM.migrations) is None


def test_a_backup_from_an_older_schema_is_restored_and_brought_up_to_date(tmp_path):
    in_use_since_step_one(tmp_path / "farm.db")
    open_file(place(tmp_path, LATER))  # leaves the backup it made before its first step
    rows = content(tmp_path / "farm.db")["jobs"]
    (tmp_path / "farm.db").write_bytes(b"spilled coffee" * 1000)
    opened = open_file(place(tmp_path, LATER))
    assert opened.restored_from == "farm-before-m002_copies.db"
    assert opened.migrated == LATER_STEPS
    assert content(tmp_path / "farm.db")["jobs"] == rows


def test_each_file_has_its_own_history():
    assert isinstance(FARM, Keeping)
    assert not set(names(FARM.migrations)) & set(names(TELEMETRY.migrations))


def test_time_that_was_kept_by_the_day_is_kept_as_meters_are_read(tmp_path):
    at_step(tmp_path / "farm.db", FARM, names(FARM.migrations).index("m026_counted_days"))
    with closing(dial(tmp_path / "farm.db")) as db:
        for day, idle_s in (("2026-01-03", 10.0), ("2026-01-02", 5.0)):
            db.execute("INSERT INTO printer_days (printer, day, idle_s) VALUES ('p1', ?, ?)", (day, idle_s))
    open_file(place(tmp_path, FARM))

    with closing(dial(tmp_path / "farm.db")) as db:
        for first, idle_s in (("2026-01-01", 19.0), ("2026-01-02", 15.0), ("2026-01-03", 10.0)):
            wanted = Wanted(date.fromisoformat(first), date(2026, 1, 9))
            assert statistics.time_spent(db, wanted)["p1"][Occupation.IDLE] == idle_s
        assert list(statistics.outcomes(db, Wanted(date(2026, 1, 1), date(2026, 1, 1))).printers) == ["p1"]
