from __future__ import annotations

import dataclasses
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
import sqlite_utils

from farm.domain.user import EVERYTHING, ApiKey, Grant, Scope
from farm.store import keys, migrations

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
SLICER = ApiKey(
    "k1",
    "PrusaSlicer",
    frozenset({Scope.UPLOAD, Scope.QUEUE}),
    Grant(None, frozenset({"row-a"})),
    "group:row-a",
    "user:u1",
    NOW,
    expires_at=LATER,
)
SCRIPT = ApiKey("k2", "nightly", frozenset({Scope.READ}), EVERYTHING, None, "local:local", LATER)


@pytest.fixture
def db():
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    migrations.farm.apply(sqlite_utils.Database(connection))
    keys.add(connection, SLICER, "sha1")
    keys.add(connection, SCRIPT, "sha2")
    yield connection
    connection.close()


def test_key_is_found_as_kept_and_listed_newest_first(db):
    assert keys.by_id(db, "k1") == keys.KeptKey(SLICER, "sha1")
    assert keys.all_keys(db) == [SCRIPT, SLICER]
    assert keys.by_id(db, "k3") is None


def test_revoked_key_stays_listed_with_the_time_it_was_first_revoked(db):
    assert keys.revoke(db, "k1", NOW)
    assert not keys.revoke(db, "k1", LATER)
    assert not keys.revoke(db, "k3", NOW)

    assert keys.by_id(db, "k1").key == dataclasses.replace(SLICER, revoked_at=NOW)
    assert keys.by_id(db, "k2").key == SCRIPT


def test_last_use_is_kept(db):
    keys.touch(db, "k1", LATER)

    assert keys.by_id(db, "k1").key.last_used_at == LATER
    assert keys.by_id(db, "k2").key.last_used_at is None


def test_hash_shows_in_no_repr(db):
    assert "sha1" not in repr(keys.by_id(db, "k1"))
