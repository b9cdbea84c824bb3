"""Whole copies of a database: made beside the running writer, checked before they are trusted."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from pathlib import Path

from sqlite_utils.migrations import Migrations

from farm.errors import StorageFailed
from farm.platform import rename_durably
from farm.store import schema
from farm.store.connection import dial_existing, is_damage


def backup(path: Path, out: Path) -> None:
    """Copy the database at `path` to `out`, whole, checked and durable on return; replaces `out`.

    Safe beside a writer, which waits some milliseconds. Raises sqlite3.Error, OSError, or StorageFailed
    when the copy is damaged; `out` is then as it was.
    """
    beside = out.with_name(out.name + ".part")
    beside.unlink(missing_ok=True)
    try:
        with contextlib.closing(dial_existing(path)) as source:
            source.execute("VACUUM INTO ?", (os.fspath(beside),))
        with contextlib.closing(dial_existing(beside, frozen=True)) as copy:
            if not is_whole(copy):
                raise StorageFailed(f"the backup of {path} came out damaged; check the disk")
        sync_file(beside)  # SQLite does not
        rename_durably(beside, out)
    finally:
        beside.unlink(missing_ok=True)


def newest_good(folder: Path, stem: str, known: Migrations) -> Path | None:
    """The newest backup of `stem` that is whole and not of a newer farm; None when there is none."""
    newest_first = sorted(folder.glob(f"{stem}-*.db"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    return next((path for path in newest_first if _is_good(path, known)), None)


def _is_good(path: Path, known: Migrations) -> bool:
    try:
        with contextlib.closing(dial_existing(path, frozen=True)) as copy:
            return is_whole(copy) and bool(schema.applied(copy, known)) and not schema.unknown(copy, known)
    except sqlite3.Error:
        return False


def is_whole(connection: sqlite3.Connection) -> bool:
    """Whether SQLite finds the file sound. Raises sqlite3.Error when it cannot be looked at."""
    try:
        return [row[0] for row in connection.execute("PRAGMA quick_check(1)")] == ["ok"]
    except sqlite3.Error as error:
        if is_damage(error):
            return False
        raise


def copy_durably(source: Path, target: Path) -> None:
    """A copy of one file whose content is on the disk on return; its name may not be."""
    shutil.copyfile(source, target)
    sync_file(target)


def sync_file(path: Path) -> None:
    """Make the content of `path` durable."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
