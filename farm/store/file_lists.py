"""Lists of files: searched, narrowed, sorted, and cut into pages; at once among a hundred thousand."""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from farm.domain.file import FileKind, FileState, StoredFile
from farm.store.files import existing

SORTS = {"uploaded_at": "uploaded_at", "name": "search", "size": "size", "time": "coalesce(time_s, -1)"}
"""What a list can be sorted by, and how that is written in SQL: as in an index, or it would be slow."""


@dataclass(frozen=True, slots=True)
class Sort:
    """by: one of SORTS; files of which nobody knows the time are the shortest."""

    by: str = "uploaded_at"
    falling: bool = True


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a list a file stands: its value of what the list is sorted by, and its id."""

    value: str | float
    id: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which files a list shows. words: each is a part of the name. The rest: exactly; None is any."""

    words: tuple[str, ...] = ()
    kind: FileKind | None = None
    state: FileState | None = None
    material: str | None = None
    printer_model: str | None = None


def page(
    db: Connection, wanted: Wanted, sort: Sort, after: Place | None, limit: int
) -> list[tuple[StoredFile, Place]]:
    """Up to `limit` files that are wanted, with their places, those after the place `after`."""
    query, values = page_query(wanted, sort, after, limit)
    ids = [(row["value"], row["id"]) for row in db.execute(query, values)]
    return [(existing(db, id), Place(value, id)) for value, id in ids]


def page_query(wanted: Wanted, sort: Sort, after: Place | None, limit: int) -> tuple[str, list[Any]]:
    """The SQL of a page, and its values. Of ids alone: they stand in the indices, and the rows are long."""
    value = SORTS[sort.by]
    way, beyond = ("DESC", "<") if sort.falling else ("ASC", ">")
    conditions = ["removed_at IS NULL"]
    values: list[Any] = []
    for word in wanted.words:
        conditions.append("instr(search, ?)")
        values.append(word.casefold())
    for column in ("kind", "state", "material", "printer_model"):
        if (exactly := getattr(wanted, column)) is not None:
            conditions.append(f"{column} = ?")
            values.append(exactly)
    if after is not None:  # the first of the two lets the index be entered in the middle
        conditions.append(f"{value} {beyond}= ? AND ({value}, id) {beyond} (?, ?)")
        values += [after.value, after.value, after.id]
    where = " AND ".join(conditions)
    query = f"SELECT id, {value} AS value FROM files WHERE {where} ORDER BY {value} {way}, id {way} LIMIT ?"
    return query, [*values, limit]
