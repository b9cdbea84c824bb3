"""From whatever lies on the disk to a database that can be used: checked, restored, migrated, named."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog

from farm.domain.clock import Randomness, WallClock
from farm.errors import SettingsError, StorageFailed
from farm.platform import rename_durably, sync_folder
from farm.store import backup, schema
from farm.store.connection import (
    Dial,
    Keeping,
    dial_existing,
    for_writing,
    in_words,
    is_damage,
    is_worlds_fault,
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Opened:
    """What was found and done when a database was opened.

    fresh: it had no schema yet. clean: the last stop was orderly (or there was none).
    migrated: the steps applied now. set_aside: where the damaged file went, this time.
    restored_from: name of the backup in use, told at every start until `restore_settled` is written:
    all that happened since that backup is forgotten, so nothing may be dispatched before.
    """

    fresh: bool
    clean: bool
    migrated: tuple[str, ...] = ()
    set_aside: Path | None = None
    restored_from: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where one database lies, and what opening it needs. backups: the folder; made when needed."""

    path: Path
    backups: Path
    keeping: Keeping
    dial: Dial
    chance: Randomness
    clock: WallClock

    @property
    def restoring(self) -> Path:
        """A restored database, complete, that has not taken its place yet."""
        return self.path.with_name(self.path.name + ".restoring")

    @property
    def log(self) -> Path:
        """SQLite's write-ahead log."""
        return self.path.with_name(self.path.name + "-wal")


def open_file(place: Place) -> Opened:
    """Make the database at `place` ready for its writer.

    Raises StorageFailed when it is damaged and there is nothing to restore, or the disk refuses;
    StorageFull; SettingsError when the file is another program's or a newer farm's.
    """
    try:
        try:
            return _open(place)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
        return _open(place, suspect=True)  # it was left in order, and is damaged all the same
    except sqlite3.Error as error:
        if not is_worlds_fault(error):
            raise
        raise in_words(error) from error
    except OSError as error:
        raise StorageFailed(f"{place.path} cannot be opened: {error.strerror}") from error


def _open(place: Place, *, suspect: bool = False) -> Opened:
    set_aside, clean = _made_sound(place, suspect)
    with contextlib.closing(place.dial(place.path)) as connection:
        before = _schema_before(connection, place)
        migrated = _migrate(connection, place, before)
        restored_from = _identify(connection, place.keeping, place.chance)
    sync_folder(place.path.parent)  # SQLite makes its log's name durable, not the database's own
    if migrated:
        log.info("database migrated", path=str(place.path), steps=migrated)
    return Opened(not before, clean, migrated, set_aside, restored_from)


def open_memory(connection: sqlite3.Connection, keeping: Keeping, chance: Randomness) -> Opened:
    """Give a database in memory its schema and identity."""
    keeping.migrations.apply(schema.view(connection))
    _identify(connection, keeping, chance)
    return Opened(fresh=True, clean=True)


# -- sound or restored -------------------------------------------------------------------------------


def _made_sound(place: Place, suspect: bool) -> tuple[Path | None, bool]:
    """Check what is there and replace it if it is damaged. Returns (where that went, was it clean)."""
    if place.restoring.exists():  # the power went while a backup was put into place
        return _put_into_place(place), False
    if not _has_content(place.path):
        return None, True
    clean = not suspect and _stopped_cleanly(place)
    if clean or _is_sound(place):
        return None, clean
    log.error("database damaged", path=str(place.path))
    if not place.keeping.dear:
        return _set_aside(place), False
    _prepare_restored(place)
    return _put_into_place(place), False


def _has_content(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _stopped_cleanly(place: Place) -> bool:
    """Whether the last stop was orderly; a file that cannot be read was not."""
    if not place.keeping.dear:  # it has no place for a mark, but an orderly stop leaves no log behind
        return not _has_content(place.log)
    try:
        with contextlib.closing(place.dial(place.path)) as connection:
            return _value(connection, "clean") == "1"
    except sqlite3.DatabaseError as error:
        if is_damage(error):
            return False
        raise


def _is_sound(place: Place) -> bool:
    with contextlib.closing(place.dial(place.path)) as connection:
        return backup.is_whole(connection)


def _prepare_restored(place: Place) -> None:
    """Lay the newest good backup beside the damaged database, under an identity of its own."""
    found = backup.newest_good(place.backups, place.path.stem, place.keeping.migrations)
    if found is None:
        raise StorageFailed(
            f"{place.path} is damaged, and {place.backups} has no good backup to restore. Copy the file to"
            " a safe place; then put a backup there, or move the file away to begin with an empty farm"
        )
    part = place.restoring.with_name(place.restoring.name + ".part")
    backup.copy_durably(found, part)
    with contextlib.closing(dial_existing(part)) as copy, _transaction(copy):
        _set(copy, "epoch", _new_epoch(place.chance))
        _set(copy, "clean", "0")
        _set(copy, "restored_from", found.name)
    backup.sync_file(part)
    rename_durably(part, place.restoring)
    log.error("backup restored", path=str(place.path), backup=str(found))


def _put_into_place(place: Place) -> Path | None:
    """The second half of a restore: safe to begin again wherever it was cut off."""
    aside = _set_aside(place)
    rename_durably(place.restoring, place.path)
    return aside


def _set_aside(place: Place) -> Path | None:
    """Move the database and what belongs to it out of the way; nothing is ever deleted.

    The log first: left beside another database, SQLite would play it into that one.
    """
    ending = _unused_ending(place)
    for suffix in ("-wal", "-shm", "-journal", ""):
        old = place.path.with_name(place.path.name + suffix)
        if old.exists():
            rename_durably(old, place.path.with_name(place.path.name + ending + suffix))
    aside = place.path.with_name(place.path.name + ending)
    if not aside.exists():
        return None
    log.error("damaged database set aside", path=str(aside))
    return aside


def _unused_ending(place: Place) -> str:
    stamp = f".damaged-{place.clock():%Y%m%dT%H%M%SZ}"
    return next(
        ending
        for ending in (stamp, *(f"{stamp}-{number}" for number in range(2, 100)))
        if not any(place.path.parent.glob(f"{place.path.name}{ending}*"))
    )


# -- schema ------------------------------------------------------------------------------------------


def _schema_before(connection: sqlite3.Connection, place: Place) -> tuple[str, ...]:
    """The steps the file has been through. Raises SettingsError when it is not ours to change."""
    known = place.keeping.migrations
    newer = schema.unknown(connection, known)
    if newer:
        raise SettingsError(
            f"{place.path} was used by a newer farm (it knows {', '.join(newer)}; this one does not)."
            f" Start that version again, or put a backup from before it in its place"
        )
    before = schema.applied(connection, known)
    tables = connection.execute(
        "SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' AND tbl_name != ?",
        (known.migrations_table,),
    ).fetchone()[0]
    if tables and not before:
        raise SettingsError(f"{place.path} is another program's database; choose another data folder")
    return before


def _migrate(connection: sqlite3.Connection, place: Place, before: tuple[str, ...]) -> tuple[str, ...]:
    """Apply what is pending, each step whole or not at all, after a backup where there is data."""
    known = place.keeping.migrations
    pending = schema.pending(connection, known)
    if pending and before:
        place.backups.mkdir(mode=0o700, exist_ok=True)
        backup.backup(place.path, place.backups / f"{place.path.stem}-before-{pending[0]}.db")
    for_writing(connection, place.keeping)
    if pending:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = OFF")  # a step may lay a table out anew
        known.apply(schema.view(connection))
    return pending


# -- identity ----------------------------------------------------------------------------------------


def _identify(connection: sqlite3.Connection, keeping: Keeping, chance: Randomness) -> str | None:
    """Make sure there is an epoch, and mark the database as in use. Returns where it was restored from."""
    if not keeping.dear:
        return None
    with _transaction(connection):
        if _value(connection, "epoch") is None:
            _set(connection, "epoch", _new_epoch(chance))
        _set(connection, "clean", "0")
    return _value(connection, "restored_from")


def mark_clean(db: sqlite3.Connection) -> None:
    """Note that the stop is orderly: the last thing a writer does."""
    _set(db, "clean", "1")


def restore_settled(db: sqlite3.Connection) -> None:
    """Note, in the transaction that draws the consequences of a restore, that they are drawn."""
    db.execute("DELETE FROM farm WHERE key = 'restored_from'")


def _new_epoch(chance: Randomness) -> str:
    return f"{chance.getrandbits(64):016x}"


def _value(db: sqlite3.Connection, key: str) -> str | None:
    if not db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'farm'").fetchone():
        return None
    row = db.execute("SELECT value FROM farm WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def _set(db: sqlite3.Connection, key: str, value: str) -> None:
    db.execute("INSERT OR REPLACE INTO farm (key, value) VALUES (?, ?)", (key, value))


@contextlib.contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
