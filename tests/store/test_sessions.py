from __future__ import annotations

import dataclasses
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
import sqlite_utils

from farm.domain.user import Role, User
from farm.store import migrations, sessions, users
from farm.store.sessions import PAGE, REFRESH, Session

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
MONTH = timedelta(days=30)
MARA = User("u1", "mara", Role.ADMIN, True, NOW)
JORG = User("u2", "jörg", Role.VIEWER, True, NOW)


def session(id, kind=REFRESH, family=None, user="u1", at=NOW):
    csrf = "csrf" if kind == PAGE else None
    return Session(id, kind, family or f"family of {id}", user, csrf, at, at, at + MONTH)


@pytest.fixture
def db():
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    migrations.farm.apply(sqlite_utils.Database(connection))
    connection.execute("PRAGMA foreign_keys = ON")
    users.add(connection, MARA, "hash1")
    users.add(connection, JORG, "hash2")
    yield connection
    connection.close()


def test_page_session_is_found_with_whose_it_is(db):
    sessions.add(db, session("p1", PAGE))

    assert sessions.page(db, "p1") == (session("p1", PAGE), users.Account(MARA, "hash1", 1))
    assert sessions.page(db, "p2") is None


def test_refresh_token_is_no_page_session(db):
    sessions.add(db, session("r1"))

    assert sessions.page(db, "r1") is None
    assert sessions.by_id(db, "r1") == session("r1")


def test_refresh_token_is_spent_once(db):
    sessions.add(db, session("r1"))

    assert sessions.spend(db, "r1", NOW)
    assert not sessions.spend(db, "r1", NOW)
    assert not sessions.spend(db, "r2", NOW)
    assert sessions.by_id(db, "r1").spent_at == NOW


def test_family_ends_whole_and_alone(db):
    sessions.add(db, session("r1", family="f"))
    sessions.add(db, session("r2", family="f"))
    sessions.add(db, session("r3"))
    assert sessions.family_holder(db, "f").user == MARA

    sessions.end_family(db, "f")

    assert sessions.family_holder(db, "f") is None
    assert sessions.by_id(db, "r1") is sessions.by_id(db, "r2") is None
    assert sessions.by_id(db, "r3") is not None


def test_all_logins_of_one_person_end_and_nobody_elses(db):
    sessions.add(db, session("r1"))
    sessions.add(db, session("p1", PAGE))
    sessions.add(db, session("r2", user="u2"))

    sessions.end_all_of(db, "u1")

    assert sessions.by_id(db, "r1") is sessions.by_id(db, "p1") is None
    assert sessions.by_id(db, "r2") is not None


def test_last_use_is_kept(db):
    sessions.add(db, session("p1", PAGE))
    sessions.touch(db, "p1", NOW + MONTH)

    assert sessions.by_id(db, "p1") == dataclasses.replace(session("p1", PAGE), last_used_at=NOW + MONTH)


def test_expired_sessions_are_swept_when_one_is_added(db):
    sessions.add(db, session("r1"))
    sessions.add(db, session("r2", at=NOW + MONTH - timedelta(seconds=1)))
    assert sessions.by_id(db, "r1") is not None

    sessions.add(db, session("r3", at=NOW + MONTH))

    assert sessions.by_id(db, "r1") is None
    assert sessions.by_id(db, "r2") is not None


def test_of_too_many_logins_of_one_person_the_one_unused_longest_ends(db, monkeypatch):
    monkeypatch.setattr(sessions, "MOST_PER_USER", 3)
    sessions.add(db, session("other", user="u2"))
    for number in range(1, 4):
        sessions.add(db, session(f"r{number}", at=NOW + timedelta(minutes=number)))
    sessions.touch(db, "r1", NOW + timedelta(minutes=10))

    sessions.add(db, session("r4", at=NOW + timedelta(minutes=11)))
    sessions.add(db, session("r4b", family="family of r4", at=NOW + timedelta(minutes=11)))

    left = {row["id"] for row in db.execute("SELECT id FROM sessions")}
    assert left == {"other", "r1", "r3", "r4", "r4b"}
