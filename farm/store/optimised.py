"""Smaller copies of files: which are wanted, which there are, and which of them a print is sent.

A copy belongs to a content, not to a file, and to a way of making it. Its own content lies beside the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Connection, Row

import msgspec

from farm.domain.clock import iso, parse_iso
from farm.domain.file import FileKind, FileState, StoredFile
from farm.domain.optimising import OptimisedCopy, Optimising, Proven
from farm.domain.printer import Printer
from farm.store import files, jobs, printers
from farm.store.prints import ACTIVE

_HAS_FILE = "original IN (SELECT sha256 FROM files WHERE removed_at IS NULL)"


@dataclass(frozen=True, slots=True)
class Wish:
    """A copy that is to be made."""

    file: StoredFile
    settings: Optimising


@dataclass(frozen=True, slots=True)
class Sent:
    """What goes to a printer. copy: None for the file itself. why: in words, for the log of the print."""

    copy: OptimisedCopy | None
    why: str


def next_wish(db: Connection, at: datetime) -> Wish | None:
    """A copy that a printer wants of the file of a job which it may print, the most urgent job's first."""
    asking = [printer for printer in _everyone(db) if printer.profile.optimise is not None]
    if not asking:
        return None
    known = {(row["original"], row["key"]) for row in _rows(db, "again_at IS NULL OR again_at > ?", iso(at))}
    for job in sorted(jobs.open_jobs(db), key=lambda job: -job.priority):
        if job.kind is not FileKind.GCODE or not job.to_begin:
            continue
        wanted = {each.profile.optimise for each in asking if job.may_run_on(each)}
        file = files.by_id(db, job.file) if wanted else None
        if file is None or file.analysis.state is not FileState.READY:
            continue
        for settings in wanted:
            if settings is not None and (file.sha256, settings.key) not in known:
                return Wish(file, settings)
    return None


def keep(db: Connection, copy: OptimisedCopy) -> bool:
    """Keep what became of a wish. Whether it was kept: not where the original was removed meanwhile."""
    if not files.has_file(db, copy.original):
        return False
    db.execute(
        """INSERT OR REPLACE INTO optimised_copies
               (original, key, settings, sha256, size, proven, reason, again_at, made_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            copy.original,
            copy.settings.key,
            msgspec.json.encode(copy.settings).decode(),
            copy.sha256,
            copy.size,
            None if copy.proven is None else msgspec.json.encode(copy.proven).decode(),
            copy.reason,
            None if copy.again_at is None else iso(copy.again_at),
            iso(copy.made_at),
        ),
    )
    return True


def to_send(db: Connection, file: StoredFile, settings: Optimising | None) -> Sent:
    """What a printer that wants such copies is sent: the copy where there is one, else the file itself."""
    if settings is None:
        return Sent(None, "")
    if file.kind is not FileKind.GCODE:
        return Sent(None, f"sent as it is: there are no smaller copies of .{file.kind}")
    found = _rows(db, "original = ? AND key = ?", file.sha256, settings.key)
    if not found:
        return Sent(None, "sent as it is: its smaller copy is not made yet")
    copy = _copy(found[0])
    if copy.sha256 is None:
        return Sent(None, f"sent as it is: there is no smaller copy, for {copy.reason}")
    return Sent(copy, f"sent as its smaller copy: {copy.size} bytes instead of {file.size}")


def of_content(db: Connection, sha256: str) -> list[OptimisedCopy]:
    """What became of every wish for a copy of this content."""
    return [_copy(row) for row in _rows(db, "original = ?", sha256)]


def is_any_unasked(db: Connection) -> bool:
    """Whether `drop_unasked` would forget anything."""
    return bool(_unasked(db))


def drop_unasked(db: Connection) -> list[str]:
    """Forget copies that no printer's settings want any more, or whose original is gone.

    Returns the hashes of their contents. Those that go to a printer at the moment stay.
    """
    return _drop(db, *_unasked(db))


def _unasked(db: Connection) -> list[Row]:
    asked = {
        printer.profile.optimise.key for printer in _everyone(db) if printer.profile.optimise is not None
    }
    in_use = {
        row["optimised"]
        for row in db.execute(f"SELECT optimised FROM prints WHERE state IN ({ACTIVE}) AND optimised <> ''")
    }
    orphans = {row["original"] for row in _rows(db, f"NOT {_HAS_FILE}")}
    return [
        row
        for row in _rows(db, "TRUE")
        if (row["key"] not in asked or row["original"] in orphans) and row["sha256"] not in in_use
    ]


def let_go(db: Connection, sha256: str) -> list[str] | None:
    """Forget the copies of a content that is not kept any more. Their hashes; None while it is kept."""
    if files.is_kept(db, sha256):
        return None
    return _drop(db, *_rows(db, "original = ?", sha256))


def drop_lost(db: Connection, there: set[str]) -> None:
    """Forget copies whose content is not among all those that are `there`: they are made anew."""
    _drop(db, *(row for row in _rows(db, "sha256 IS NOT NULL") if row["sha256"] not in there))


def _drop(db: Connection, *rows: Row) -> list[str]:
    for row in rows:
        db.execute(
            "DELETE FROM optimised_copies WHERE original = ? AND key = ?", (row["original"], row["key"])
        )
    return [row["sha256"] for row in rows if row["sha256"] is not None]


def _everyone(db: Connection) -> list[Printer]:
    return [printer for printer, _ in printers.everything(db)]


def _rows(db: Connection, which: str, *values: str) -> list[Row]:
    return db.execute(f"SELECT * FROM optimised_copies WHERE {which}", values).fetchall()


def _copy(row: Row) -> OptimisedCopy:
    proven = row["proven"]
    return OptimisedCopy(
        original=row["original"],
        settings=msgspec.json.decode(row["settings"], type=Optimising),
        made_at=parse_iso(row["made_at"]),
        sha256=row["sha256"],
        size=row["size"],
        proven=None if proven is None else msgspec.json.decode(proven, type=Proven),
        reason=row["reason"],
        again_at=None if row["again_at"] is None else parse_iso(row["again_at"]),
    )
