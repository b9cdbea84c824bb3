"""Files of ours on printers: what lies there to be copied, and what is to be deleted.

Each is the file of one print, whose attempt id its name begins with. What others put there is in no row of
ours, and so is never touched.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Connection

from farm.domain.clock import iso
from farm.domain.file import RemoteFile
from farm.store import ejections, jobs, prints

_LEFT = """SELECT prints.id, remote_name, remote_checksum,
        coalesce(prints.optimised, files.sha256) AS sha256
    FROM prints
    JOIN print_jobs ON print_jobs.id = prints.job
    JOIN files ON files.id = print_jobs.file
    WHERE printer = ? AND remote_delete_at IS NOT NULL
        AND substr(remote_name, 1, length(attempt)) = attempt"""


@dataclass(frozen=True, slots=True)
class LeftThere:
    """The file that a print left on its printer, or an ejection. print: its id.

    checksum: None unless it was seen there whole.
    """

    print: str
    name: str
    checksum: str | None


def keep(db: Connection, print_id: str, file: RemoteFile) -> None:
    """Note that a print's file lies whole on its printer."""
    db.execute(
        "UPDATE prints SET remote_checksum = ?, remote_mark = ? WHERE id = ?",
        (file.checksum, file.mark, print_id),
    )


def to_copy(db: Connection, printer: str, sha256: str) -> LeftThere | None:
    """The newest whole file of this content that lies on a printer, if any."""
    row = db.execute(
        f"""{_LEFT} AND coalesce(prints.optimised, files.sha256) = ? AND remote_checksum IS NOT NULL
            ORDER BY reserved_at DESC, prints.id DESC LIMIT 1""",
        (printer, sha256),
    ).fetchone()
    return LeftThere(row["id"], row["remote_name"], row["remote_checksum"]) if row is not None else None


def due(db: Connection, printer: str, at: datetime, limit: int) -> list[LeftThere]:
    """Up to `limit` files to delete from a printer, the oldest first; none while one of ours holds it.

    One is spared that can be copied for a job which waits.
    """
    if prints.active_on(db, printer) is not None or ejections.open_on(db, printer) is not None:
        return []
    rows = db.execute(
        f"{_LEFT} AND remote_delete_at <= ? ORDER BY remote_delete_at, prints.id", (printer, iso(at))
    ).fetchall()
    wanted = _wanted(db, printer, at) if rows else set()
    found = [LeftThere(id, name, None) for id, name in ejections.left_there(db, printer, at)]
    for row in rows:
        if row["sha256"] in wanted:
            spared = to_copy(db, printer, row["sha256"])
            if spared is not None and spared.print == row["id"]:
                continue
        found.append(LeftThere(row["id"], row["remote_name"], row["remote_checksum"]))
    return found[:limit]


def _wanted(db: Connection, printer: str, at: datetime) -> set[str]:
    """The content that waiting jobs may print on this printer, and smaller copies of it."""
    waiting = {job.file for job in jobs.waiting(db, at) if not job.only_on or printer in job.only_on}
    rows = db.execute(
        """WITH wanted AS (
               SELECT sha256 FROM files WHERE id IN (SELECT value FROM json_each(?)))
           SELECT sha256 FROM wanted UNION SELECT optimised_copies.sha256 FROM optimised_copies
           JOIN wanted ON wanted.sha256 = original WHERE optimised_copies.sha256 IS NOT NULL""",
        (json.dumps(sorted(waiting)),),
    )
    return {row["sha256"] for row in rows}


def gone(db: Connection, print_id: str) -> None:
    """Note that the file of a print, or of what pushed one off, does not lie on its printer any more."""
    for table in ("prints", "ejections"):
        db.execute(f"UPDATE {table} SET remote_delete_at = NULL WHERE id = ?", (print_id,))
