"""Files that were sent. Their content lies on disk under its hash; here stands what they are called."""

from __future__ import annotations

from sqlite3 import Connection, Row

from farm.domain.clock import iso, parse_iso
from farm.domain.file import FileKind, FileState, StoredFile
from farm.store.events import record


def add(db: Connection, file: StoredFile) -> tuple[StoredFile, bool]:
    """Keep a file. The same content under the same name is the file that is there already.

    Returns the file as stored and whether it is new.
    """
    known = db.execute(
        "SELECT * FROM files WHERE sha256 = ? AND name = ?", (file.sha256, file.name)
    ).fetchone()
    if known is not None:
        return _file(known), False
    db.execute(
        """INSERT INTO files (id, name, kind, size, sha256, uploaded_by, uploaded_at, state)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            file.id,
            file.name,
            file.kind,
            file.size,
            file.sha256,
            file.uploaded_by,
            iso(file.uploaded_at),
            FileState.QUEUED,
        ),
    )
    record(db, "file.added", ("files",), file.uploaded_at, {"file": file.id, "name": file.name})
    return file, True


def by_id(db: Connection, file: str) -> StoredFile | None:
    """One file, None when it is not here."""
    row = db.execute("SELECT * FROM files WHERE id = ?", (file,)).fetchone()
    return _file(row) if row is not None else None


def page(db: Connection, after: str | None, limit: int) -> list[StoredFile]:
    """Up to `limit` files by id, those after `after`."""
    rows = db.execute("SELECT * FROM files WHERE id > ? ORDER BY id LIMIT ?", (after or "", limit)).fetchall()
    return [_file(row) for row in rows]


def newest(db: Connection, limit: int) -> list[StoredFile]:
    """Up to `limit` files, the newest first."""
    rows = db.execute("SELECT * FROM files ORDER BY uploaded_at DESC, id DESC LIMIT ?", (limit,)).fetchall()
    return [_file(row) for row in rows]


def newest_named(db: Connection, name: str) -> StoredFile | None:
    """The newest of the files with this name; None when there is none."""
    row = db.execute(
        "SELECT * FROM files WHERE name = ? ORDER BY uploaded_at DESC, id DESC LIMIT 1", (name,)
    ).fetchone()
    return _file(row) if row is not None else None


def _file(row: Row) -> StoredFile:
    return StoredFile(
        id=row["id"],
        name=row["name"],
        kind=FileKind(row["kind"]),
        size=row["size"],
        sha256=row["sha256"],
        uploaded_by=row["uploaded_by"],
        uploaded_at=parse_iso(row["uploaded_at"]),
    )
