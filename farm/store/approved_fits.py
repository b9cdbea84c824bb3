"""Files of which nobody could tell whether they fit a printer, and somebody has looked and said so."""

from __future__ import annotations

from datetime import datetime
from sqlite3 import Connection

from farm.domain.clock import iso


def of_file(db: Connection, file: str) -> frozenset[str]:
    """The profiles of the printers that it fits, see `compatibility.limits_of`."""
    rows = db.execute("SELECT profile FROM approved_fits WHERE file = ?", (file,))
    return frozenset(row["profile"] for row in rows)


def add(db: Connection, file: str, profile: str, who: str, at: datetime) -> None:
    """Somebody has looked: the file fits every printer of this profile."""
    db.execute(
        "INSERT INTO approved_fits (file, profile, who, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (file, profile, who, iso(at)),
    )
