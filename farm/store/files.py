"""Files that were sent. Their content lies on disk under its hash; here stands what they are called."""

from __future__ import annotations

from datetime import datetime
from sqlite3 import Connection, Row

import msgspec

from farm.domain.analysis import GcodeAnalysis
from farm.domain.clock import iso, parse_iso
from farm.domain.file import FILES, FileAnalysis, FileKind, FileState, StoredFile
from farm.domain.transitions import require
from farm.errors import NotFound, Refused
from farm.store import audit
from farm.store.audit import Stamp
from farm.store.events import record
from farm.store.prints import ACTIVE


def add(db: Connection, file: StoredFile) -> tuple[StoredFile, bool]:
    """Keep a file. The same content under the same name is the file that is there already.

    Returns the file as stored and whether it is new, or new again after it was removed.
    """
    known = db.execute(
        "SELECT * FROM files WHERE sha256 = ? AND name = ?", (file.sha256, file.name)
    ).fetchone()
    if known is not None and known["removed_at"] is None:
        return _file(known), False
    if known is not None:
        return _bring_back(db, file, known["id"]), True
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
            file.analysis.state,
        ),
    )
    _tell_added(db, file)
    return file, True


def _bring_back(db: Connection, file: StoredFile, id: str) -> StoredFile:
    db.execute(
        "UPDATE files SET removed_at = NULL, uploaded_by = ?, uploaded_at = ? WHERE id = ?",
        (file.uploaded_by, iso(file.uploaded_at), id),
    )
    back = _file(db.execute("SELECT * FROM files WHERE id = ?", (id,)).fetchone())
    _tell_added(db, back)
    return back


def _tell_added(db: Connection, file: StoredFile) -> None:
    record(db, "file.added", ("files",), file.uploaded_at, {"file": file.id, "name": file.name})


def unread(db: Connection) -> StoredFile | None:
    """The file that waits longest to be analysed; None when none does."""
    row = db.execute(
        """SELECT * FROM files WHERE state IN ('queued', 'processing') AND removed_at IS NULL
           ORDER BY uploaded_at, id LIMIT 1"""
    ).fetchone()
    return _file(row) if row is not None else None


def note_analysis(db: Connection, file: StoredFile, analysis: FileAnalysis, at: datetime) -> None:
    """Keep what became of a file's analysis, and tell it. Nothing for a file that was removed meanwhile."""
    now = by_id(db, file.id)
    if now is None:
        return
    require(FILES, now.analysis.state, analysis.state)
    result = None if analysis.result is None else msgspec.json.encode(analysis.result).decode()
    db.execute(
        "UPDATE files SET state = ?, reason = ?, result = ? WHERE id = ?",
        (analysis.state, analysis.reason, result, file.id),
    )
    data = {"file": file.id, "name": file.name, "state": analysis.state, "reason": analysis.reason}
    record(db, "file.processed", ("files",), at, data)


def remove(db: Connection, file_id: str, stamp: Stamp) -> StoredFile:
    """Take a file out of sight; what was printed of it still knows its name. Returns it.

    Raises NotFound, and Refused while a job needs it.
    """
    file = by_id(db, file_id)
    if file is None:
        raise NotFound(f"there is no file {file_id}")
    names = _jobs_that_need(db, file_id)
    if names:
        whose = f"the job {names[0]} needs" if len(names) == 1 else f"{len(names)} jobs need"
        raise Refused(f"{whose} {file.name}; let it be printed, or cancel that first")
    db.execute("UPDATE files SET removed_at = ? WHERE id = ?", (iso(stamp.at), file_id))
    audit.append(db, stamp, "file.removed", f"file:{file_id}", {"name": file.name, "sha256": file.sha256})
    record(db, "file.removed", ("files",), stamp.at, {"file": file_id, "name": file.name})
    return file


def _jobs_that_need(db: Connection, file: str) -> list[str]:
    """The names of jobs that are not over, and of cancelled ones of which a print still goes on."""
    rows = db.execute(
        f"""SELECT name FROM print_jobs WHERE file = ? AND (state NOT IN ('done', 'cancelled')
            OR EXISTS (SELECT 1 FROM prints WHERE job = print_jobs.id AND state IN ({ACTIVE})))
            ORDER BY created_at, id""",
        (file,),
    ).fetchall()
    return [row["name"] for row in rows]


def has_content(db: Connection, sha256: str) -> bool:
    """Whether any file has this content."""
    row = db.execute("SELECT 1 FROM files WHERE sha256 = ? AND removed_at IS NULL", (sha256,)).fetchone()
    return row is not None


def contents(db: Connection) -> set[str]:
    """The hash of every content that a file has."""
    return {row["sha256"] for row in db.execute("SELECT sha256 FROM files WHERE removed_at IS NULL")}


def by_id(db: Connection, file: str) -> StoredFile | None:
    """One file, None when it is not here."""
    row = db.execute("SELECT * FROM files WHERE id = ? AND removed_at IS NULL", (file,)).fetchone()
    return _file(row) if row is not None else None


def page(db: Connection, after: str | None, limit: int) -> list[StoredFile]:
    """Up to `limit` files by id, those after `after`."""
    rows = db.execute(
        "SELECT * FROM files WHERE id > ? AND removed_at IS NULL ORDER BY id LIMIT ?", (after or "", limit)
    ).fetchall()
    return [_file(row) for row in rows]


def newest(db: Connection, limit: int) -> list[StoredFile]:
    """Up to `limit` files, the newest first."""
    rows = db.execute(
        "SELECT * FROM files WHERE removed_at IS NULL ORDER BY uploaded_at DESC, id DESC LIMIT ?", (limit,)
    ).fetchall()
    return [_file(row) for row in rows]


def newest_named(db: Connection, name: str) -> StoredFile | None:
    """The newest of the files with this name; None when there is none."""
    row = db.execute(
        """SELECT * FROM files WHERE name = ? AND removed_at IS NULL
           ORDER BY uploaded_at DESC, id DESC LIMIT 1""",
        (name,),
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
        analysis=FileAnalysis(FileState(row["state"]), row["reason"], _result(row["result"])),
    )


def _result(text: str | None) -> GcodeAnalysis | None:
    return None if text is None else msgspec.json.decode(text, type=GcodeAnalysis)
