"""How a SQLite file is opened and kept, and what its problems are called in the shop."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from sqlite_utils.migrations import Migrations

from farm.errors import FarmError, StorageFailed, StorageFull
from farm.store import migrations

BUSY_S = 5.0  # how long a stranger's lock is waited for; nobody of ours ever takes a second one

_PRIMARY = 0xFF  # SQLite's extended codes keep the plain one in their lowest byte


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """How one database file is kept.

    synchronous: FULL makes every commit durable before it is answered; NORMAL only every checkpoint.
    checkpoint_every_s: the longest time between a commit and its checkpoint; None leaves it to SQLite.
    dear: it has an identity (epoch), facts and backups, and is never replaced by an empty file.
    """

    actor: str
    migrations: Migrations
    synchronous: str
    checkpoint_every_s: float | None
    dear: bool


FARM = Keeping(
    actor="database",
    migrations=migrations.farm,
    synchronous="FULL",
    checkpoint_every_s=None,
    dear=True,
)
TELEMETRY = Keeping(
    actor="database:telemetry",
    migrations=migrations.telemetry,
    synchronous="NORMAL",
    checkpoint_every_s=5.0,
    dear=False,
)

MOST_LOG_PAGES = 16_384  # 64 MB; a rush of readings must not fill the disk with its log

Dial: TypeAlias = Callable[[Path | None], sqlite3.Connection]
"""Opens a file (None: a database in memory) without asking anything of it yet. Tests bring their own."""


def dial(path: Path | None) -> sqlite3.Connection:
    """A connection that any thread may use, one at a time, and that begins no transaction by itself."""
    target = ":memory:" if path is None else f"{path.absolute().as_uri()}?mode=rwc"
    return _connect(target)


def dial_existing(path: Path, *, frozen: bool = False) -> sqlite3.Connection:
    """The same for a file that must be there. frozen: nobody writes to it, so nothing is made beside it."""
    return _connect(f"{path.absolute().as_uri()}?mode={'ro&immutable=1' if frozen else 'rw'}")


def _connect(target: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        target, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False
    )
    connection.row_factory = sqlite3.Row
    return connection


def for_writing(connection: sqlite3.Connection, keeping: Keeping) -> sqlite3.Connection:
    """Set the connection up as the one writer. Raises StorageFailed where the disk cannot keep a log."""
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode not in ("wal", "memory"):
        raise StorageFailed("the data folder's disk cannot keep a write-ahead log; choose a local disk")
    connection.execute(f"PRAGMA synchronous = {keeping.synchronous}")
    connection.execute("PRAGMA fullfsync = ON")  # macOS: without it a sync stops at the drive's cache
    connection.execute("PRAGMA checkpoint_fullfsync = ON")
    if keeping.checkpoint_every_s is not None:
        # By the clock, then: SQLite's own, every 4 MB, would write each heater's page many times over.
        connection.execute(f"PRAGMA wal_autocheckpoint = {MOST_LOG_PAGES}")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA cache_size = -16384")  # KiB; each heater's readings grow a page of their own
    connection.execute("PRAGMA journal_size_limit = 67108864")  # bytes; the log shrinks again after a rush
    return connection


def for_reading(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Set the connection up so that it changes nothing."""
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


_FULL = {sqlite3.SQLITE_FULL}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_REFUSED = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}
_WORLD = _FULL | _BUSY | _DAMAGED | _REFUSED


def code(error: BaseException) -> int:
    """SQLite's plain result code behind an exception; -1 where there is none."""
    found = getattr(error, "sqlite_errorcode", None) if isinstance(error, sqlite3.Error) else None
    return -1 if found is None else found & _PRIMARY


def is_worlds_fault(error: BaseException) -> bool:
    """Whether the disk, the file or a stranger is to blame, rather than the statement."""
    return code(error) in _WORLD


def is_damage(error: BaseException) -> bool:
    """Whether the file itself is damaged, or no database at all."""
    return code(error) in _DAMAGED


def in_words(error: sqlite3.Error) -> FarmError:
    """The problem to answer with, a new one for each asker."""
    found = code(error)
    if found in _FULL:
        return StorageFull("the shop PC's disk is full; nothing was changed. Make room and try again")
    if found in _BUSY:
        return StorageFailed(
            "another program holds the farm's database; nothing was changed. Close that program and try again"
        )
    if found in _DAMAGED:
        return StorageFailed(
            "the farm's database is damaged; nothing was changed."
            " Restart the farm: it checks the file and restores the newest good backup"
        )
    return StorageFailed(f"the disk refused the farm's database ({error}); nothing was changed")
