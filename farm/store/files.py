"""Files that were sent. Their content lies on disk under its hash; here stands what they are called."""

from __future__ import annotations

from sqlite3 import Connection, Row

import msgspec

from farm.domain.analysis import Analysis, GcodeAnalysis, MeshAnalysis
from farm.domain.clock import iso, parse_iso
from farm.domain.file import NO_QUOTA, FileAnalysis, FileKind, FileState, Quota, StoredFile
from farm.errors import NotFound, Refused, StorageFull
from farm.store import audit
from farm.store.audit import Stamp
from farm.store.events import record
from farm.store.prints import ACTIVE

MB = 1_000_000


def add(db: Connection, file: StoredFile, quota: Quota = NO_QUOTA) -> tuple[StoredFile, bool]:
    """Keep a file. The same content under the same name is the file that is there already.

    Returns the file as stored and whether it is new, or new again after it was removed. Raises StorageFull
    where it is one too many.
    """
    known = db.execute(
        "SELECT * FROM files WHERE sha256 = ? AND name = ?", (file.sha256, file.name)
    ).fetchone()
    if known is not None and known["removed_at"] is None:
        return of_row(known), False
    check_room(db, file.uploaded_by, file.size, quota)
    if known is not None:
        return _bring_back(db, file, known["id"]), True
    db.execute(
        """INSERT INTO files (id, name, kind, size, sha256, uploaded_by, uploaded_at, state, search)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            file.id,
            file.name,
            file.kind,
            file.size,
            file.sha256,
            file.uploaded_by,
            iso(file.uploaded_at),
            file.analysis.state,
            file.name.casefold(),
        ),
    )
    _tell_added(db, file)
    return file, True


def check_room(db: Connection, by: str, coming: int, quota: Quota) -> None:
    """Raise StorageFull when `coming` bytes more are beyond what `by`, or everybody, may keep.

    A content counts once for each file that has it, and so do the smaller copies of it.
    """
    if quota.each:
        used = _bytes_of(db, "uploaded_by = ?", by)
        _require_room(used, coming, quota.each, "your files take")
    if quota.total:
        used = _bytes_of(db, "TRUE")
        _require_room(used, coming, quota.total, "the farm's files take")


def _bytes_of(db: Connection, whose: str, *values: str) -> int:
    row = db.execute(
        f"SELECT coalesce(sum(size), 0) FROM files WHERE removed_at IS NULL AND {whose}", values
    ).fetchone()
    copies = db.execute(
        f"""SELECT coalesce(sum(optimised_copies.size), 0) FROM optimised_copies
            JOIN files ON files.sha256 = original WHERE removed_at IS NULL AND {whose}""",
        values,
    ).fetchone()
    return int(row[0]) + int(copies[0])


def _require_room(used: int, coming: int, most: int, whose: str) -> None:
    if used + coming > most:
        raise StorageFull(
            f"{whose} {used / MB:.0f} of the {most / MB:.0f} MB they may, and this one has {coming / MB:.0f};"
            " remove some that nobody needs any more"
        )


def _bring_back(db: Connection, file: StoredFile, id: str) -> StoredFile:
    db.execute(  # its pictures went with its content, and nobody may be reading it any more
        """UPDATE files SET removed_at = NULL, uploaded_by = ?, uploaded_at = ?, state = 'queued',
               worker_deaths = 0 WHERE id = ?""",
        (file.uploaded_by, iso(file.uploaded_at), id),
    )
    back = of_row(db.execute("SELECT * FROM files WHERE id = ?", (id,)).fetchone())
    _tell_added(db, back)
    return back


def _tell_added(db: Connection, file: StoredFile) -> None:
    record(db, "file.added", ("files",), file.uploaded_at, {"file": file.id, "name": file.name})


def remove(db: Connection, file_id: str, stamp: Stamp) -> StoredFile:
    """Take a file out of sight; what was printed of it still knows its name. Returns it.

    Raises NotFound, and Refused while a job needs it.
    """
    file = here(db, file_id)
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


def has_file(db: Connection, sha256: str) -> bool:
    """Whether any file has this content."""
    row = db.execute("SELECT 1 FROM files WHERE sha256 = ? AND removed_at IS NULL", (sha256,)).fetchone()
    return row is not None


def is_kept(db: Connection, sha256: str) -> bool:
    """Whether any file has this content, or it is a smaller copy of one."""
    row = db.execute("SELECT 1 FROM optimised_copies WHERE sha256 = ?", (sha256,)).fetchone()
    return row is not None or has_file(db, sha256)


def contents(db: Connection) -> set[str]:
    """The hash of every content that is kept."""
    rows = db.execute(
        """SELECT sha256 FROM files WHERE removed_at IS NULL
           UNION SELECT sha256 FROM optimised_copies WHERE sha256 IS NOT NULL"""
    )
    return {row["sha256"] for row in rows}


def by_id(db: Connection, file: str) -> StoredFile | None:
    """One file, None when it is not here."""
    row = db.execute("SELECT * FROM files WHERE id = ? AND removed_at IS NULL", (file,)).fetchone()
    return of_row(row) if row is not None else None


def here(db: Connection, file_id: str) -> StoredFile:
    """Raises NotFound."""
    file = by_id(db, file_id)
    if file is None:
        raise NotFound(f"there is no file {file_id}")
    return file


def existing(db: Connection, file: str) -> StoredFile:
    """One that is known to be in the table, also when it was removed."""
    return of_row(db.execute("SELECT * FROM files WHERE id = ?", (file,)).fetchone())


def newest(db: Connection, limit: int) -> list[StoredFile]:
    """Up to `limit` files, the newest first."""
    rows = db.execute(
        "SELECT * FROM files WHERE removed_at IS NULL ORDER BY uploaded_at DESC, id DESC LIMIT ?", (limit,)
    ).fetchall()
    return [of_row(row) for row in rows]


def newest_named(db: Connection, name: str) -> StoredFile | None:
    """The newest of the files with this name; None when there is none."""
    row = db.execute(
        """SELECT * FROM files WHERE name = ? AND removed_at IS NULL
           ORDER BY uploaded_at DESC, id DESC LIMIT 1""",
        (name,),
    ).fetchone()
    return of_row(row) if row is not None else None


def of_row(row: Row) -> StoredFile:
    """A file from its row."""
    kind = FileKind(row["kind"])
    result = None if row["result"] is None else result_in(row["result"], kind)
    return StoredFile(
        id=row["id"],
        name=row["name"],
        kind=kind,
        size=row["size"],
        sha256=row["sha256"],
        uploaded_by=row["uploaded_by"],
        uploaded_at=parse_iso(row["uploaded_at"]),
        analysis=FileAnalysis(FileState(row["state"]), row["reason"], result, row["analysis_version"]),
    )


def result_in(text: str | bytes, kind: FileKind) -> Analysis:
    """An analysis from its JSON. Raises msgspec.ValidationError and DecodeError."""
    if kind.is_model:
        return msgspec.json.decode(text, type=MeshAnalysis)
    return msgspec.json.decode(text, type=GcodeAnalysis)
