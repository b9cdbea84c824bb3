from __future__ import annotations

import dataclasses
import sqlite3
from datetime import UTC, datetime

import pytest
import sqlite_utils

from farm.domain.user import EVERYTHING, Grant, Role, User
from farm.errors import Refused
from farm.store import migrations, users

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
MARA = User("u1", "mara", Role.ADMIN, True, NOW)
JORG = User("u2", "Jörg", Role.OPERATOR, True, NOW, Grant(frozenset({"mk4", "ender"}), frozenset()))


@pytest.fixture
def db():
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    migrations.farm.apply(sqlite_utils.Database(connection))
    users.add(connection, MARA, "hash1")
    users.add(connection, JORG, "hash2")
    yield connection
    connection.close()


def test_user_is_found_as_kept_by_name_and_by_id(db):
    assert users.by_name(db, "mara") == users.by_id(db, "u1") == users.Account(MARA, "hash1", 1)
    assert users.by_id(db, "u2").user == JORG
    assert users.by_name(db, "nobody") is users.by_id(db, "nobody") is None


def test_capitals_make_no_second_user(db):
    assert users.by_name(db, "MARA").user == MARA
    with pytest.raises(Refused, match="already a user named Mara"):
        users.add(db, User("u3", "Mara", Role.VIEWER, True, NOW), "hash")


def test_everybody_is_listed_by_name(db):
    users.add(db, User("u3", "anna", Role.VIEWER, True, NOW), "hash")

    assert [user.username for user in users.all_users(db)] == ["anna", "Jörg", "mara"]


def test_new_rights_and_a_new_password_make_older_tokens_worthless(db):
    changed = dataclasses.replace(JORG, role=Role.VIEWER, enabled=False, grant=EVERYTHING)
    users.set_rights(db, changed)
    assert users.by_id(db, "u2") == users.Account(changed, "hash2", 2)

    users.set_password(db, "u2", "hash3")
    assert users.by_id(db, "u2") == users.Account(changed, "hash3", 3)
    assert users.by_id(db, "u1") == users.Account(MARA, "hash1", 1)


def test_rehash_keeps_tokens_and_never_undoes_a_new_password(db):
    users.rehash(db, "u1", "hash1", "hash1 dearer")
    assert users.by_id(db, "u1") == users.Account(MARA, "hash1 dearer", 1)

    users.set_password(db, "u1", "new")
    users.rehash(db, "u1", "hash1 dearer", "the old password again")
    assert users.by_id(db, "u1").password_hash == "new"


def test_only_enabled_admins_can_set_things_right(db):
    assert users.enabled_admins(db) == 1
    users.set_rights(db, dataclasses.replace(MARA, enabled=False))
    assert users.enabled_admins(db) == 0


def test_hash_shows_in_no_repr(db):
    assert "hash1" not in repr(users.by_id(db, "u1"))
