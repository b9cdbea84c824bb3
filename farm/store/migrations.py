"""How each database came to its present shape: one function a step, none ever changed once released.

`sqlite_utils` runs what is pending, each step in a transaction together with the note that it was
applied, so a step killed half-way leaves the older schema whole.
"""

from __future__ import annotations

from sqlite_utils import Database as Schema
from sqlite_utils.migrations import Migrations

farm = Migrations("farm")
telemetry = Migrations("telemetry")


@farm()
def m001_ground(db: Schema) -> None:
    """People, keys, printers, files, jobs, prints, and the numbered facts."""
    for statement in _GROUND:
        db.execute(statement)


@farm()
def m002_decisions(db: Schema) -> None:
    """What people decide about printers and jobs outlives a restart; whom to trust behind https."""
    for statement in _DECISIONS:
        db.execute(statement)


@farm()
def m003_removed_files(db: Schema) -> None:
    """A file can be removed while the history of its prints stays."""
    db.execute("ALTER TABLE files ADD COLUMN removed_at TEXT")


@farm()
def m004_simulated(db: Schema) -> None:
    """How a simulated printer is simulated, as JSON; NULL for one that can be touched."""
    db.execute("ALTER TABLE printers ADD COLUMN simulation TEXT")


@farm()
def m005_unread_files(db: Schema) -> None:
    """The next file to analyse is found at once among very many."""
    db.execute(
        """CREATE INDEX files_unread ON files (uploaded_at, id)
           WHERE state IN ('queued', 'processing') AND removed_at IS NULL"""
    )


@farm()
def m006_newest_print(db: Schema) -> None:
    """What lies on a plate is found without reading all that was ever printed."""
    db.execute("CREATE INDEX prints_by_printer ON prints (printer, reserved_at, id)")


@farm()
def m007_orders(db: Schema) -> None:
    """Jobs belong to customers' orders, and have times before and until which they are wanted."""
    for statement in _ORDERS:
        db.execute(statement)


@farm()
def m008_remote_files(db: Schema) -> None:
    """What becomes of the files that prints leave on their printers."""
    for statement in _REMOTE_FILES:
        db.execute(statement)


@farm()
def m009_profiles(db: Schema) -> None:
    """What printers can do, and where their hosts differ from the usual, both as JSON."""
    for column in ("profile", "endpoints"):
        db.execute(f"ALTER TABLE printers ADD COLUMN {column} TEXT NOT NULL DEFAULT '{{}}'")


@farm()
def m010_idempotency(db: Schema) -> None:
    """What came of requests that may be sent again."""
    for statement in _IDEMPOTENCY:
        db.execute(statement)


@farm()
def m011_print_host_users(db: Schema) -> None:
    """Who we are to a print host that asks for a user; `sealed_key` is then that user's password."""
    db.execute("ALTER TABLE printers ADD COLUMN username TEXT NOT NULL DEFAULT ''")


@farm()
def m012_maintenance(db: Schema) -> None:
    """How long each printer has printed, and what is to be done after how many hours."""
    for statement in _MAINTENANCE:
        db.execute(statement)


@farm()
def m013_spools(db: Schema) -> None:
    """Spools of filament, and how much of it each print has taken."""
    for statement in _SPOOLS:
        db.execute(statement)


@farm()
def m014_failures(db: Schema) -> None:
    """What people say about why a print failed."""
    db.execute("ALTER TABLE prints ADD COLUMN cause TEXT")
    db.execute("ALTER TABLE prints ADD COLUMN note TEXT NOT NULL DEFAULT ''")


@farm()
def m015_analyses(db: Schema) -> None:
    """What is in files can be searched, sorted and read again when the farm has learned to read better."""
    for statement in _ANALYSES:
        db.execute(statement)
    for id, name in db.execute("SELECT id, name FROM files").fetchall():
        db.execute("UPDATE files SET search = ? WHERE id = ?", (name.casefold(), id))


@farm()
def m016_optimised_copies(db: Schema) -> None:
    """Smaller copies of contents, and which prints were sent one."""
    for statement in _OPTIMISED_COPIES:
        db.execute(statement)


@farm()
def m017_shop_rules(db: Schema) -> None:
    """What the shop allows and minds, what jobs wish of their printers, and what waits for approval."""
    for statement in _SHOP_RULES:
        db.execute(statement)


@farm()
def m018_plans(db: Schema) -> None:
    """Adopted plans are kept, and the one in force is known after a restart."""
    for statement in _PLANS:
        db.execute(statement)


@farm()
def m019_durations(db: Schema) -> None:
    """How long the phases of prints took, and what was learned from it of each printer."""
    for statement in _DURATIONS:
        db.execute(statement)


@farm()
def m020_histories(db: Schema) -> None:
    """How printers stood, how prints came along, what was the matter, and what each day's time went into."""
    for statement in _HISTORIES:
        db.execute(statement)


@farm()
def m021_outcomes(db: Schema) -> None:
    """What there is to count of prints that are over, so that statistics read nothing else."""
    for statement in _OUTCOMES:
        db.execute(statement)


@farm()
def m022_ejections(db: Schema) -> None:
    """Prints that printers push off by themselves, and how many since somebody looked."""
    for statement in _EJECTIONS:
        db.execute(statement)


@farm()
def m023_baselines(db: Schema) -> None:
    """What is usual for each printer, and what people went on in spite of."""
    for statement in _BASELINES:
        db.execute(statement)


@farm()
def m024_cooled_heaters(db: Schema) -> None:
    """Heat that a paused print has to get back before it goes on is known after a restart."""
    # degc: the target that the heater had.
    db.execute(
        """CREATE TABLE cooled_heaters (
            print TEXT NOT NULL,
            heater TEXT NOT NULL,
            degc REAL NOT NULL,
            PRIMARY KEY (print, heater)
        ) STRICT, WITHOUT ROWID"""
    )


@farm()
def m025_doubts(db: Schema) -> None:
    """What was wrong with printers, and what is, is known after a restart."""
    for statement in _DOUBTS:
        db.execute(statement)


@farm()
def m026_counted_days(db: Schema) -> None:
    """What is counted of prints lies together by day, and printers' time is kept as meters are read."""
    for statement in _COUNTED_DAYS:
        db.execute(statement)


@farm()
def m027_left_hot(db: Schema) -> None:
    """Since when heat is left to itself is known after a restart."""
    db.execute("ALTER TABLE printers ADD COLUMN left_hot TEXT")  # as JSON; NULL for no such heat


@telemetry()
def m001_readings(db: Schema) -> None:
    """Raw readings; `at` in Unix seconds."""
    for statement in _READINGS:
        db.execute(statement)


@telemetry()
def m002_roll_ups(db: Schema) -> None:
    """All else that printers measure, and sums by minute and hour; those of older readings are not made."""
    for statement in _ROLL_UPS:
        db.execute(statement)


# Lists and small values that are only ever read whole are JSON text. Times are ISO 8601 UTC text, so
# that they sort as text and can be read by people. Booleans are 0 and 1.
_GROUND = (
    # epoch: the identity of this history of facts. clean: 1 when the last stop was orderly.
    """CREATE TABLE farm (
        key TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT""",
    # credentials: grows by one whenever the password, the role or the grant changes; tokens carry it.
    """CREATE TABLE users (
        id TEXT PRIMARY KEY,
        username TEXT NOT NULL COLLATE NOCASE UNIQUE,
        password_hash TEXT NOT NULL,
        role TEXT NOT NULL,
        enabled INTEGER NOT NULL DEFAULT 1,
        credentials INTEGER NOT NULL DEFAULT 1,
        grant_printers TEXT,
        grant_tags TEXT,
        created_at TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE keys (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        secret_sha256 TEXT NOT NULL,
        scopes TEXT NOT NULL,
        grant_printers TEXT,
        grant_tags TEXT,
        target TEXT,
        created_by TEXT NOT NULL,
        created_at TEXT NOT NULL,
        expires_at TEXT,
        revoked_at TEXT,
        last_used_at TEXT
    ) STRICT""",
    # id: SHA-256 of the cookie or refresh token. family: all refresh tokens descended from one login.
    # spent_at: when a refresh token was exchanged; a second use of it revokes the family.
    """CREATE TABLE sessions (
        id TEXT PRIMARY KEY,
        kind TEXT NOT NULL CHECK (kind IN ('page', 'refresh')),
        family TEXT NOT NULL,
        user TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        csrf TEXT,
        created_at TEXT NOT NULL,
        last_used_at TEXT NOT NULL,
        expires_at TEXT NOT NULL,
        spent_at TEXT
    ) STRICT""",
    "CREATE INDEX sessions_by_family ON sessions (family)",
    "CREATE INDEX sessions_by_user ON sessions (user)",
    # hash: SHA-256 over the row and the hash before it, so that a removed or changed row shows.
    """CREATE TABLE audit (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at TEXT NOT NULL,
        who TEXT NOT NULL,
        action TEXT NOT NULL,
        object TEXT NOT NULL,
        detail TEXT NOT NULL,
        client TEXT NOT NULL,
        hash TEXT NOT NULL
    ) STRICT""",
    # sealed_key: the print host's API key, encrypted. plate_settles_at: until then a cleared plate can
    # be taken back to plate_before, and nothing starts.
    """CREATE TABLE printers (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        kind TEXT NOT NULL,
        url TEXT NOT NULL,
        sealed_key BLOB NOT NULL,
        tags TEXT NOT NULL,
        enabled INTEGER NOT NULL,
        health_check_interval_s REAL NOT NULL,
        max_retries INTEGER NOT NULL,
        plate TEXT NOT NULL DEFAULT 'unknown',
        plate_before TEXT,
        plate_settles_at TEXT,
        created_at TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE files (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        kind TEXT NOT NULL,
        size INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        uploaded_by TEXT NOT NULL,
        uploaded_at TEXT NOT NULL,
        state TEXT NOT NULL,
        reason TEXT,
        result TEXT,
        UNIQUE (sha256, name)
    ) STRICT""",
    """CREATE TABLE print_jobs (
        id TEXT PRIMARY KEY,
        file TEXT NOT NULL REFERENCES files (id),
        name TEXT NOT NULL,
        copies INTEGER NOT NULL CHECK (copies >= 1),
        yield_per_plate INTEGER NOT NULL DEFAULT 1,
        state TEXT NOT NULL,
        priority INTEGER NOT NULL DEFAULT 0,
        due_at TEXT,
        required_printers TEXT NOT NULL,
        required_tags TEXT NOT NULL,
        created_by TEXT NOT NULL,
        created_at TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX print_jobs_by_state ON print_jobs (state)",
    "CREATE INDEX print_jobs_by_file ON print_jobs (file)",
    # good: parts that came off the plate well, as the person clearing it said; NULL until then.
    """CREATE TABLE prints (
        id TEXT PRIMARY KEY,
        job TEXT NOT NULL REFERENCES print_jobs (id),
        printer TEXT NOT NULL,
        attempt TEXT NOT NULL UNIQUE,
        remote_name TEXT NOT NULL,
        state TEXT NOT NULL,
        progress REAL NOT NULL DEFAULT 0,
        reserved_at TEXT NOT NULL,
        started_at TEXT,
        ended_at TEXT,
        reason TEXT NOT NULL DEFAULT '',
        good INTEGER
    ) STRICT""",
    # The promise "one active print a printer" is kept by the database itself.
    """CREATE UNIQUE INDEX one_active_print_per_printer ON prints (printer)
        WHERE state IN ('reserved', 'uploading', 'starting', 'printing', 'paused')""",
    "CREATE INDEX prints_by_job ON prints (job)",
    # Every change of a job, print or plate: who, what, when, from, to, why.
    """CREATE TABLE state_changes (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at TEXT NOT NULL,
        thing TEXT NOT NULL CHECK (thing IN ('job', 'print', 'plate', 'printer')),
        thing_id TEXT NOT NULL,
        from_state TEXT,
        to_state TEXT NOT NULL,
        who TEXT NOT NULL,
        why TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX state_changes_by_thing ON state_changes (thing, thing_id)",
    # seq: handed out by the row itself, so numbers follow the order of commits without gaps.
    """CREATE TABLE events (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        type TEXT NOT NULL,
        rooms TEXT NOT NULL,
        at TEXT NOT NULL,
        data TEXT NOT NULL
    ) STRICT""",
)

_DECISIONS = (
    "ALTER TABLE printers ADD COLUMN mode TEXT NOT NULL DEFAULT 'normal'",
    "ALTER TABLE printers ADD COLUMN mode_why TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE printers ADD COLUMN tls TEXT NOT NULL DEFAULT 'system'",
    # Failures before this moment no longer count: a person has asked for another try.
    "ALTER TABLE print_jobs ADD COLUMN forgiven_at TEXT",
)

_ORDERS = (
    """CREATE TABLE orders (
        id TEXT PRIMARY KEY,
        reference TEXT NOT NULL,
        note TEXT NOT NULL,
        due_at TEXT,
        created_by TEXT NOT NULL,
        created_at TEXT NOT NULL,
        cancelled_at TEXT
    ) STRICT""",
    "ALTER TABLE print_jobs ADD COLUMN order_id TEXT REFERENCES orders (id)",
    # Not to be begun before; wanted by; of no use after.
    "ALTER TABLE print_jobs ADD COLUMN release_at TEXT",
    "ALTER TABLE print_jobs ADD COLUMN deadline_at TEXT",
    "CREATE INDEX print_jobs_by_order ON print_jobs (order_id) WHERE order_id IS NOT NULL",
)

_REMOTE_FILES = (
    # The host's checksum of the print's file on its printer; NULL until it was seen there whole.
    "ALTER TABLE prints ADD COLUMN remote_checksum TEXT",
    # What the host remembered of prints under that name before ours began.
    "ALTER TABLE prints ADD COLUMN remote_mark TEXT NOT NULL DEFAULT ''",
    # When the file may be deleted there; NULL while the print goes on, and when it is gone.
    "ALTER TABLE prints ADD COLUMN remote_delete_at TEXT",
    "UPDATE prints SET remote_delete_at = ended_at WHERE state = 'finished'",
    """UPDATE prints SET remote_delete_at = strftime('%Y-%m-%dT%H:%M:%fZ', ended_at, '+7 days')
        WHERE state IN ('failed', 'cancelled', 'interrupted', 'unknown')""",
    """CREATE INDEX prints_left_on_printers ON prints (printer, remote_delete_at)
        WHERE remote_delete_at IS NOT NULL""",
)

_IDEMPOTENCY = (
    # request: a digest of all it said. result: JSON; NULL before a step whose end may never be known.
    """CREATE TABLE idempotency (
        owner TEXT NOT NULL,
        key TEXT NOT NULL,
        step INTEGER NOT NULL,
        request BLOB NOT NULL,
        result BLOB,
        at TEXT NOT NULL,
        PRIMARY KEY (owner, key, step)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX idempotency_by_time ON idempotency (at)",
)

_MAINTENANCE = (
    "ALTER TABLE printers ADD COLUMN printed_s REAL NOT NULL DEFAULT 0",
    # Pauses are in there: how long they lasted was only noted in words.
    """UPDATE printers SET printed_s = coalesce((
           SELECT sum(max(0, julianday(ended_at) - julianday(started_at))) * 86400 FROM prints
           WHERE printer = printers.id AND state IN ('finished', 'failed', 'cancelled')
               AND started_at IS NOT NULL), 0)""",
    """CREATE TABLE maintenance (
        id TEXT PRIMARY KEY,
        what TEXT NOT NULL,
        every_h REAL NOT NULL,
        printer TEXT,
        tag TEXT,
        blocks INTEGER NOT NULL,
        created_by TEXT NOT NULL,
        created_at TEXT NOT NULL,
        CHECK ((printer IS NULL) <> (tag IS NULL))
    ) STRICT""",
    # printed_s: what the printer had printed then. who: NULL where counting only begins.
    """CREATE TABLE maintenance_done (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        chore TEXT NOT NULL REFERENCES maintenance (id) ON DELETE CASCADE,
        printer TEXT NOT NULL,
        printed_s REAL NOT NULL,
        at TEXT NOT NULL,
        who TEXT,
        note TEXT NOT NULL DEFAULT ''
    ) STRICT""",
    "CREATE INDEX maintenance_done_by_chore ON maintenance_done (chore, printer)",
)

_SPOOLS = (
    # left_g: NULL where nobody knows. printer, tool: where it is loaded.
    """CREATE TABLE spools (
        id TEXT PRIMARY KEY,
        material TEXT NOT NULL,
        colour TEXT,
        name TEXT NOT NULL,
        note TEXT NOT NULL,
        full_g REAL NOT NULL,
        left_g REAL,
        printer TEXT,
        tool INTEGER,
        created_at TEXT NOT NULL,
        CHECK ((printer IS NULL) = (tool IS NULL))
    ) STRICT""",
    "CREATE UNIQUE INDEX one_spool_per_tool ON spools (printer, tool) WHERE printer IS NOT NULL",
    # Grams of all its tools; NULL where nobody knows.
    "ALTER TABLE prints ADD COLUMN filament_g REAL",
)

_NARROWED_BY = "state, kind, material, printer_model, removed_at"

_ANALYSES = (
    # analysis_version: of what read it last. worker_deaths: processes it has felled since it was sent.
    "ALTER TABLE files ADD COLUMN analysis_version INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE files ADD COLUMN worker_deaths INTEGER NOT NULL DEFAULT 0",
    # The name as it is searched and sorted by, in small letters.
    "ALTER TABLE files ADD COLUMN search TEXT NOT NULL DEFAULT ''",
    # Of the result; NULL where nobody knows. material: of the first tool that prints. size_*: of all of it.
    "ALTER TABLE files ADD COLUMN time_s REAL",
    "ALTER TABLE files ADD COLUMN filament_g REAL",
    "ALTER TABLE files ADD COLUMN material TEXT",
    "ALTER TABLE files ADD COLUMN printer_model TEXT",
    "ALTER TABLE files ADD COLUMN nozzle_mm REAL",
    "ALTER TABLE files ADD COLUMN layers INTEGER",
    "ALTER TABLE files ADD COLUMN size_x_mm REAL",
    "ALTER TABLE files ADD COLUMN size_y_mm REAL",
    "ALTER TABLE files ADD COLUMN size_z_mm REAL",
    # Each order of the list has an index that holds what it is narrowed by, too: a search that finds
    # nothing reads the index and none of the rows, which are long.
    *(
        f"CREATE INDEX {name} ON files ({columns}, {_NARROWED_BY}) WHERE removed_at IS NULL"
        for name, columns in {
            "files_by_upload": "uploaded_at, id, search",
            "files_by_name": "search, id",
            "files_by_size": "size, id, search",
            "files_by_time": "coalesce(time_s, -1), id, search",
        }.items()
    ),
    "CREATE INDEX files_by_version ON files (analysis_version) WHERE removed_at IS NULL",
    "CREATE INDEX files_by_uploader ON files (uploaded_by, size) WHERE removed_at IS NULL",
    "DROP INDEX files_unread",
    """CREATE INDEX files_unread ON files (worker_deaths, uploaded_at, id)
        WHERE state IN ('queued', 'processing') AND removed_at IS NULL""",
)

_OPTIMISED_COPIES = (
    # original, sha256: contents. settings: how the copy was wished for, as JSON; key: the same, to look up.
    # sha256, size, proven (JSON): NULL where there is none, for `reason`. again_at: when it is tried again.
    """CREATE TABLE optimised_copies (
        original TEXT NOT NULL,
        key TEXT NOT NULL,
        settings TEXT NOT NULL,
        sha256 TEXT,
        size INTEGER,
        proven TEXT,
        reason TEXT,
        again_at TEXT,
        made_at TEXT NOT NULL,
        PRIMARY KEY (original, key)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX optimised_copies_by_content ON optimised_copies (sha256) WHERE sha256 IS NOT NULL",
    # What was sent instead of the file itself; NULL where that was sent.
    "ALTER TABLE prints ADD COLUMN optimised TEXT",
    "ALTER TABLE prints ADD COLUMN optimised_size INTEGER",
)

_SHOP_RULES = (
    # name: "constraints", "settings". value: JSON, whole.
    """CREATE TABLE shop (
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID""",
    "ALTER TABLE print_jobs ADD COLUMN preferred_printers TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE print_jobs ADD COLUMN rotatable INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE print_jobs ADD COLUMN attended INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE print_jobs ADD COLUMN allow_short_filament INTEGER NOT NULL DEFAULT 0",
    # Instead of what the file says; NULL for what it says.
    "ALTER TABLE print_jobs ADD COLUMN material TEXT",
    "ALTER TABLE print_jobs ADD COLUMN colour TEXT",
    "ALTER TABLE print_jobs ADD COLUMN pin_printer TEXT",
    "ALTER TABLE print_jobs ADD COLUMN pin_start TEXT",
    # Of what it waits for somebody's approval, and why; NULL where it does not.
    "ALTER TABLE print_jobs ADD COLUMN approval TEXT",
    "ALTER TABLE print_jobs ADD COLUMN approval_why TEXT NOT NULL DEFAULT ''",
    # Whether somebody said that it may be more than its owner's share.
    "ALTER TABLE print_jobs ADD COLUMN share_approved INTEGER NOT NULL DEFAULT 0",
    # Files of which nobody can tell whether they fit, and somebody said that they do. profile: of the
    # printer, as it was then.
    """CREATE TABLE approved_fits (
        file TEXT NOT NULL,
        profile TEXT NOT NULL,
        who TEXT NOT NULL,
        at TEXT NOT NULL,
        PRIMARY KEY (file, profile)
    ) STRICT, WITHOUT ROWID""",
)

_PLANS = (
    # plan: as JSON. version: counts them.
    """CREATE TABLE plans (
        version INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        adopted_at TEXT NOT NULL,
        adopted_by TEXT NOT NULL,
        plan BLOB NOT NULL
    ) STRICT""",
)

_DURATIONS = (
    # value: seconds, or times what was estimated. Of the newest prints of each printer only.
    """CREATE TABLE durations (
        print TEXT NOT NULL,
        phase TEXT NOT NULL,
        printer TEXT NOT NULL,
        at TEXT NOT NULL,
        value REAL NOT NULL,
        PRIMARY KEY (print, phase)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX durations_by_printer ON durations (printer, phase, at, print, value)",
    # A log-normal fit of them. model: of the printer, NULL where nobody says; it outlives the printer.
    """CREATE TABLE learned (
        printer TEXT NOT NULL,
        phase TEXT NOT NULL,
        model TEXT,
        count INTEGER NOT NULL,
        centre REAL NOT NULL,
        spread REAL NOT NULL,
        PRIMARY KEY (printer, phase)
    ) STRICT, WITHOUT ROWID""",
)

_HISTORIES = (
    # occupation: what its time went into from then on.
    """CREATE TABLE printer_status_history (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        printer TEXT NOT NULL,
        at TEXT NOT NULL,
        connection TEXT NOT NULL,
        operation TEXT NOT NULL,
        plate TEXT NOT NULL,
        occupation TEXT NOT NULL,
        print TEXT,
        message TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX printer_status_history_by_printer ON printer_status_history (printer, id)",
    """CREATE TABLE job_progress_history (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        print TEXT NOT NULL,
        at TEXT NOT NULL,
        progress REAL NOT NULL,
        elapsed_s REAL,
        remaining_s REAL
    ) STRICT""",
    "CREATE INDEX job_progress_history_by_print ON job_progress_history (print, id)",
    # kind: what was the matter. ended_at: NULL while it is.
    """CREATE TABLE error_logs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        printer TEXT NOT NULL,
        at TEXT NOT NULL,
        kind TEXT NOT NULL,
        print TEXT,
        message TEXT NOT NULL,
        ended_at TEXT
    ) STRICT""",
    "CREATE INDEX error_logs_by_printer ON error_logs (printer, id)",
    "CREATE INDEX error_logs_open ON error_logs (printer) WHERE ended_at IS NULL",
    # day: of the shop's own zone, as it was then. Seconds in which the farm was running.
    """CREATE TABLE printer_days (
        printer TEXT NOT NULL,
        day TEXT NOT NULL,
        printing_s REAL NOT NULL DEFAULT 0,
        foreign_s REAL NOT NULL DEFAULT 0,
        waiting_s REAL NOT NULL DEFAULT 0,
        idle_s REAL NOT NULL DEFAULT 0,
        maintenance_s REAL NOT NULL DEFAULT 0,
        offline_s REAL NOT NULL DEFAULT 0,
        PRIMARY KEY (printer, day)
    ) STRICT, WITHOUT ROWID""",
)

_OUTCOMES = (
    # day: on which it ended, in the shop's own zone as it was then; NULL until it has. waited_s: for somebody
    # to clear its plate, NULL until then.
    "ALTER TABLE prints ADD COLUMN day TEXT",
    "ALTER TABLE prints ADD COLUMN material TEXT",
    "ALTER TABLE prints ADD COLUMN printed_s REAL",
    "ALTER TABLE prints ADD COLUMN waited_s REAL",
    # Of older prints: the day in UTC, and pauses are in the time.
    """UPDATE prints SET day = substr(ended_at, 1, 10),
           printed_s = coalesce(max(0, julianday(ended_at) - julianday(started_at)) * 86400, 0),
           material = (SELECT coalesce(print_jobs.material, files.material) FROM print_jobs
                       JOIN files ON files.id = print_jobs.file WHERE print_jobs.id = prints.job)
       WHERE ended_at IS NOT NULL""",
    # Each holds all that is counted, in the order in which it is taken together.
    """CREATE INDEX prints_by_outcome ON prints
           (printer, material, state, cause, day, good, printed_s, filament_g, waited_s)
       WHERE day IS NOT NULL""",
    "CREATE INDEX prints_by_end ON prints (ended_at, id) WHERE ended_at IS NOT NULL",
    """CREATE INDEX prints_by_day ON prints (day, printer, material, state, good, printed_s, filament_g)
       WHERE day IS NOT NULL""",
)

_EJECTIONS = (
    # gcode: what is sent; "" once it is over. remote_delete_at: as of prints. reason: why it was left to a
    # person.
    """CREATE TABLE ejections (
        id TEXT PRIMARY KEY,
        printer TEXT NOT NULL,
        print TEXT NOT NULL REFERENCES prints (id),
        attempt TEXT NOT NULL UNIQUE,
        remote_name TEXT NOT NULL,
        state TEXT NOT NULL,
        gcode TEXT NOT NULL,
        release_degc REAL NOT NULL,
        cool_within_s REAL NOT NULL,
        began_at TEXT NOT NULL,
        ended_at TEXT,
        bed_degc REAL,
        remote_mark TEXT NOT NULL DEFAULT '',
        remote_delete_at TEXT,
        reason TEXT NOT NULL DEFAULT ''
    ) STRICT""",
    "CREATE INDEX ejections_by_printer ON ejections (printer, began_at, id)",
    """CREATE UNIQUE INDEX one_ejection_a_printer ON ejections (printer)
        WHERE state NOT IN ('done', 'left')""",
    "ALTER TABLE printers ADD COLUMN ejected INTEGER NOT NULL DEFAULT 0",
)

_READINGS = (
    # One heater of one printer. Its small number stands in every reading, instead of both names.
    """CREATE TABLE heaters (
        id INTEGER PRIMARY KEY,
        printer TEXT NOT NULL,
        heater TEXT NOT NULL,
        UNIQUE (printer, heater)
    ) STRICT""",
    # Kept in the order a chart reads it: no second copy in an index, a quarter of the bytes.
    """CREATE TABLE temperature_readings (
        heater INTEGER NOT NULL REFERENCES heaters (id),
        at REAL NOT NULL,
        actual REAL,
        target REAL,
        PRIMARY KEY (heater, at)
    ) STRICT, WITHOUT ROWID""",
)

_BASELINES = (
    # Of one printer with one material, "" where nobody knows it. value: as JSON. prints: it was learned from.
    """CREATE TABLE baselines (
        printer TEXT NOT NULL,
        material TEXT NOT NULL,
        prints INTEGER NOT NULL,
        value TEXT NOT NULL,
        changed_at TEXT NOT NULL,
        PRIMARY KEY (printer, material)
    ) STRICT, WITHOUT ROWID""",
    # What a print is not to be paused for again: somebody went on in spite of it.
    """CREATE TABLE anomaly_overrides (
        print TEXT NOT NULL,
        cause TEXT NOT NULL,
        channel TEXT NOT NULL,
        PRIMARY KEY (print, cause, channel)
    ) STRICT, WITHOUT ROWID""",
)

_DOUBTS = (
    # Why the plan prefers others until it has printed well, "" where it does not, and since when.
    "ALTER TABLE printers ADD COLUMN doubt TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE printers ADD COLUMN doubt_since TEXT",
    # What was told to be wrong, and not yet to be over. value: as JSON.
    """CREATE TABLE current_anomalies (
        printer TEXT NOT NULL,
        kind TEXT NOT NULL,
        channel TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (printer, kind, channel)
    ) STRICT, WITHOUT ROWID""",
)

_SPENT = ("printing_s", "foreign_s", "waiting_s", "idle_s", "maintenance_s", "offline_s")
_TELL = """INSERT INTO print_days (day) SELECT {row}.day WHERE {row}.day IS NOT NULL
    ON CONFLICT (day) DO UPDATE SET prints = NULL;"""

_COUNTED_DAYS = (
    # Names that stand as small numbers in what is packed.
    """CREATE TABLE counted_names (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE
    ) STRICT""",
    # prints: all that ended on that day, packed; NULL where they are to be read one by one.
    "CREATE TABLE print_days (day TEXT PRIMARY KEY, prints BLOB) STRICT",
    "CREATE INDEX print_days_unpacked ON print_days (day) WHERE prints IS NULL",
    "INSERT INTO print_days (day) SELECT DISTINCT day FROM prints WHERE day IS NOT NULL",
    # What is packed is thrown away with the first change, whoever makes it.
    f"""CREATE TRIGGER prints_of_a_day_change AFTER UPDATE OF
            printer, material, state, cause, day, good, printed_s, filament_g, waited_s ON prints
        WHEN new.day IS NOT NULL OR old.day IS NOT NULL
        BEGIN {_TELL.format(row="new")} {_TELL.format(row="old")} END""",
    f"CREATE TRIGGER prints_of_a_day_come AFTER INSERT ON prints BEGIN {_TELL.format(row='new')} END",
    f"CREATE TRIGGER prints_of_a_day_go AFTER DELETE ON prints BEGIN {_TELL.format(row='old')} END",
    "DROP INDEX prints_by_outcome",
    "DROP INDEX prints_by_day",
    """CREATE INDEX prints_by_day ON prints
           (day, printer, material, state, cause, good, printed_s, filament_g, waited_s)
       WHERE day IS NOT NULL""",
    # From now on all seconds from the beginning up to the end of the day: any span is a difference of two.
    f"""UPDATE printer_days SET {", ".join(f"{name} = so_far.{name}" for name in _SPENT)}
        FROM (SELECT printer, day, {", ".join(f"sum({name}) OVER before AS {name}" for name in _SPENT)}
              FROM printer_days WINDOW before AS (PARTITION BY printer ORDER BY day)) AS so_far
        WHERE printer_days.printer = so_far.printer AND printer_days.day = so_far.day""",
)

_NAMES = {"heater": ("temperature", "heaters"), "channel": ("metric", "channels")}

_ROLL_UPS = (
    """CREATE TABLE channels (
        id INTEGER PRIMARY KEY,
        printer TEXT NOT NULL,
        channel TEXT NOT NULL,
        UNIQUE (printer, channel)
    ) STRICT""",
    """CREATE TABLE metrics (
        channel INTEGER NOT NULL REFERENCES channels (id),
        at REAL NOT NULL,
        value REAL NOT NULL,
        PRIMARY KEY (channel, at)
    ) STRICT, WITHOUT ROWID""",
    # at: its beginning, in Unix seconds. last_at: when `last` was read; target: what was wished for then.
    *(
        f"""CREATE TABLE {kind}_{span} (
            {name} INTEGER NOT NULL REFERENCES {names} (id),
            at INTEGER NOT NULL,
            count INTEGER NOT NULL,
            mean REAL NOT NULL,
            min REAL NOT NULL,
            max REAL NOT NULL,
            last REAL NOT NULL,
            last_at REAL NOT NULL,
            {"target REAL," if kind == "temperature" else ""}
            PRIMARY KEY ({name}, at)
        ) STRICT, WITHOUT ROWID"""
        for name, (kind, names) in _NAMES.items()
        for span in ("minutes", "hours")
    ),
)
