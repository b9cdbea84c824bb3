from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

import pytest
import sqlite_utils

from farm.domain.user import LOCAL, SYSTEM
from farm.store import audit, migrations
from farm.store.audit import Stamp

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture
def db():
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    migrations.farm.apply(sqlite_utils.Database(connection))
    yield connection
    connection.close()


@pytest.fixture
def filled(db):
    for number in range(1, 6):
        audit.append(
            db,
            Stamp(NOW, LOCAL, "127.0.0.1"),
            "printer.changed",
            f"printer:{number}",
            {"was": "ä", "is": None},
        )
    return db


def test_entries_come_newest_first_and_page_by_page(filled):
    newest, second = audit.entries(filled, limit=2)
    rest = audit.entries(filled, before=second.id)

    assert [entry.id for entry in (newest, second, *rest)] == [5, 4, 3, 2, 1]
    assert newest == audit.Entry(
        5, NOW, "local:local", "printer.changed", "printer:5", {"was": "ä", "is": None}, "127.0.0.1"
    )


def test_whole_chain_verifies_and_so_does_an_empty_one(db, filled):
    assert audit.verify_chain(filled) is None
    filled.execute("DELETE FROM audit")
    filled.execute("DELETE FROM sqlite_sequence")
    assert audit.verify_chain(db) is None


@pytest.mark.parametrize("column", ["at", "who", "action", "object", "detail", "client", "hash"])
@pytest.mark.parametrize("id", [1, 3, 5])
def test_changed_row_shows(filled, column, id):
    filled.execute(f"UPDATE audit SET {column} = {column} || ' ' WHERE id = ?", (id,))

    assert f"row {id} does not follow" in audit.verify_chain(filled)


@pytest.mark.parametrize(
    ("gone", "words"),
    [("id = 1", "1 to 1"), ("id = 3", "3 to 3"), ("id = 5", "5 to 5"), ("id > 2", "3 to 5"), ("1", "1 to 5")],
)
def test_removed_rows_show_at_the_beginning_in_the_middle_and_at_the_end(filled, gone, words):
    filled.execute(f"DELETE FROM audit WHERE {gone}")

    assert f"rows {words} are missing" in audit.verify_chain(filled)


def test_row_removed_at_the_end_still_shows_after_more_were_added(filled):
    filled.execute("DELETE FROM audit WHERE id = 5")
    audit.append(filled, Stamp(NOW, SYSTEM), "farm.started", "farm")

    assert "rows 5 to 5 are missing" in audit.verify_chain(filled)


def test_rows_that_changed_places_show(filled):
    filled.execute("UPDATE audit SET id = 99 WHERE id = 2")
    filled.execute("UPDATE audit SET id = 2 WHERE id = 3")
    filled.execute("UPDATE audit SET id = 3 WHERE id = 99")

    assert "row 2 does not follow" in audit.verify_chain(filled)


def test_row_slipped_in_shows(filled):
    filled.execute(
        "INSERT INTO audit (at, who, action, object, detail, client, hash)"
        " SELECT at, who, action, object, detail, client, hash FROM audit WHERE id = 5"
    )

    assert "row 6 does not follow" in audit.verify_chain(filled)


def test_change_that_is_rolled_back_leaves_no_row_and_no_gap(filled):
    filled.execute("SAVEPOINT op")
    audit.append(filled, Stamp(NOW, SYSTEM), "farm.started", "farm")
    filled.execute("ROLLBACK TO op")
    audit.append(filled, Stamp(NOW, SYSTEM), "farm.stopped", "farm")

    assert audit.verify_chain(filled) is None
    assert audit.entries(filled, limit=1)[0].id == 6
