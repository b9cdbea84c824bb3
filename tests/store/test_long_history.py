"""However much was ever printed: what a start asks, and asks for every printer, does not read it all."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from farm.store import numbers, orders, printers, prints, schema
from farm.store.connection import FARM, dial


class Explained:
    """A connection that notes how SQLite goes about each query, without any rows in its tables."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.ways: list[str] = []

    def execute(self, sql: str, values: Any = ()) -> sqlite3.Cursor:
        self.ways += [row["detail"] for row in self._db.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
        return self._db.execute(sql, values)


@pytest.fixture
def db() -> Iterator[Explained]:
    with closing(dial(None)) as connection:
        FARM.migrations.apply(schema.view(connection))
        yield Explained(connection)


@pytest.mark.parametrize(
    ("query", "values"),
    [
        (prints.active, ()),
        (prints.active_on, ("mk4",)),
        (prints.last_on, ("mk4",)),
        (prints.on_plates, ()),
        (orders.open_order, ("mk4",)),
        (printers.plates, ()),
        (numbers.count, ()),
    ],
)
def test_no_query_of_a_start_reads_every_print(
    db: Explained, query: Callable[..., object], values: tuple[str, ...]
) -> None:
    query(db, *values)

    assert db.ways
    for way in db.ways:
        reads_all = way.startswith(("SCAN prints", "SCAN state_changes", "SCAN events", "SCAN audit"))
        assert not reads_all or "one_active_print_per_printer" in way, way
        assert "TEMP B-TREE FOR ORDER BY" not in way or query is prints.active, way
