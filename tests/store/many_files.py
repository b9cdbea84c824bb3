"""So many files that a list of them could be slow."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from sqlite3 import Connection

from farm.domain.clock import iso
from farm.store.file_lists import Place

FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def fill(db: Connection, many: int, result_size: int = 100) -> None:
    """Keep `many` files, each with a result of so many bytes, and another value in whatever is sorted by."""
    chance = random.Random(7)
    result = "{" + " " * (result_size - 2) + "}"
    db.execute("BEGIN")
    for number in range(many):
        name = f"part {number} of {chance.randrange(1000)}.gcode"
        db.execute(
            """INSERT INTO files (id, name, kind, size, sha256, uploaded_by, uploaded_at, state, time_s,
                   material, printer_model, result, search)
               VALUES (?, ?, 'gcode', ?, ?, 'user:kim', ?, 'ready', ?, ?, 'MK4', ?, ?)""",
            (
                f"{chance.getrandbits(128):032x}",
                name,
                chance.randrange(10**8),
                f"{number:064x}",
                iso(FIRST + timedelta(seconds=number)),
                chance.choice([None, chance.random() * 1e5]),
                chance.choice(["PLA", "PETG"]),
                result,
                name,
            ),
        )
    db.execute("COMMIT")


MIDDLE = {
    "uploaded_at": Place("2026-01-01T12:00:00.000Z", "8"),
    "name": Place("part 5", "8"),
    "size": Place(50_000_000, "8"),
    "time": Place(50_000.0, "8"),
}
"""A place somewhere in the list, by what it is sorted by."""
