"""How much of everything there is: what the state of the server shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from sqlite3 import Connection

from farm.domain.job import JobState, PrintState
from farm.store.file_analyses import unread
from farm.store.prints import ACTIVE


@dataclass(frozen=True, slots=True)
class Numbers:
    """jobs: by state, those that there are. printing: prints that hold a printer. contents: bytes.

    unread: files that wait to be read, or are read at the moment.
    """

    jobs: Mapping[JobState, int]
    printing: int
    files: int
    contents: int
    unread: int
    database: int


def count(db: Connection) -> Numbers:
    """Count everything, in one picture of farm.db."""
    jobs = db.execute("SELECT state, count(*) FROM print_jobs GROUP BY state").fetchall()
    files = db.execute("SELECT count(*) FROM files WHERE removed_at IS NULL").fetchone()[0]
    contents = db.execute(
        """SELECT coalesce(sum(size), 0) FROM
           (SELECT DISTINCT sha256, size FROM files WHERE removed_at IS NULL)"""
    ).fetchone()[0]
    return Numbers(
        jobs={JobState(state): number for state, number in jobs},
        printing=db.execute(f"SELECT count(*) FROM prints WHERE state IN ({ACTIVE})").fetchone()[0],
        files=files,
        contents=contents,
        unread=unread(db),
        database=size(db),
    )


def prints(db: Connection) -> dict[PrintState, int]:
    """Prints by state, those that there are. Reads of every print a line of an index: not for each look."""
    found = db.execute(
        f"""SELECT state, count(*) FROM prints WHERE day IS NOT NULL GROUP BY state
            UNION ALL
            SELECT state, count(*) FROM prints WHERE state IN ({ACTIVE}) GROUP BY state"""
    )
    return {PrintState(state): number for state, number in found}


def size(db: Connection) -> int:
    """Bytes of a database file, without its log."""
    pages, bytes_each = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    return int(pages * bytes_each)
