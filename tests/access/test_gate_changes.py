"""Changing who may do what: who may change it, what is refused, what is written down."""

from __future__ import annotations

from datetime import timedelta

import pytest

from farm.domain.user import ANONYMOUS, EVERYTHING, LOCAL, Grant, Principal, Role, Scope
from farm.errors import Forbidden, Invalid, NotFound, Refused, Unauthenticated
from farm.store import audit, users

HOST = "192.168.1.20"
PASSWORD = "drei Rollen PLA"
MK4 = Grant(printers=frozenset({"mk4"}))


@pytest.fixture
async def mara(shop):
    return await shop.gate.add_user(LOCAL, "mara", PASSWORD, Role.ADMIN)


@pytest.fixture
async def anna(shop, mara):
    return await shop.gate.add_user(LOCAL, "anna", PASSWORD, Role.OPERATOR, MK4)


def principal(user):
    return Principal("user", user.id, user.username, role=user.role, grant=user.grant)


def newest(shop, count=1):
    return audit.entries(shop.store.db, limit=count)


CHANGES = {
    "user.added": lambda gate, by, anna, key: gate.add_user(by, "olaf", PASSWORD, Role.VIEWER, client=HOST),
    "user.changed": lambda gate, by, anna, key: gate.disable_user(by, anna.id, client=HOST),
    "user.passwordReset": lambda gate, by, anna, key: gate.reset_password(
        by, anna.id, "another password", client=HOST
    ),
    "key.created": lambda gate, by, anna, key: gate.create_key(by, "script", [Scope.READ], client=HOST),
    "key.revoked": lambda gate, by, anna, key: gate.revoke_key(by, key.id, client=HOST),
}
LOOKS = {
    "users": lambda gate, by: gate.list_users(by),
    "keys": lambda gate, by: gate.list_keys(by),
    "audit": lambda gate, by: gate.read_audit(by),
}
NOT_ADMINS = [
    Principal("user", "v", "viewer", role=Role.VIEWER),
    Principal("user", "o", "operator", role=Role.OPERATOR),
    Principal("key", "k", "key", scopes=frozenset(Scope) - {Scope.ADMIN}),
    Principal("key", "r", "restricted key", scopes=frozenset({Scope.ADMIN}), grant=MK4),
]


def rows(shop):
    """Everything that is kept, to see that nothing changed."""
    return {
        table: [tuple(row) for row in shop.store.db.execute(f"SELECT * FROM {table}")]
        for table in ("users", "keys", "sessions", "audit")
    }


@pytest.mark.parametrize("action", CHANGES)
async def test_change_leaves_exactly_one_audit_row_saying_who_what_and_from_where(shop, mara, anna, action):
    key, _text = await shop.gate.create_key(LOCAL, "old", [Scope.READ])
    before = len(newest(shop, 100))

    await CHANGES[action](shop.gate, principal(mara), anna, key)

    entry, *older = newest(shop, 100)
    assert len(older) == before
    assert (entry.action, entry.who, entry.client, entry.at) == (action, f"user:{mara.id}", HOST, shop.now)
    assert audit.verify_chain(shop.store.db) is None


@pytest.mark.parametrize("by", NOT_ADMINS, ids=str)
@pytest.mark.parametrize("action", CHANGES)
async def test_nobody_but_an_administrator_changes_anything(shop, mara, anna, action, by):
    key, _text = await shop.gate.create_key(LOCAL, "old", [Scope.READ])
    before = rows(shop)

    with pytest.raises(Forbidden, match=f"^{by.name} may not"):
        await CHANGES[action](shop.gate, by, anna, key)
    with pytest.raises(Unauthenticated):
        await CHANGES[action](shop.gate, ANONYMOUS, anna, key)

    assert rows(shop) == before


@pytest.mark.parametrize("what", LOOKS)
async def test_lists_of_people_keys_and_changes_are_for_administrators(shop, mara, what):
    assert await LOOKS[what](shop.gate, principal(mara)) is not None
    for by in NOT_ADMINS:
        with pytest.raises(Forbidden):
            await LOOKS[what](shop.gate, by)


async def test_change_that_fails_leaves_no_audit_row(shop, mara):
    before = rows(shop)

    with pytest.raises(Refused, match="already a user named MARA"):
        await shop.gate.add_user(LOCAL, "MARA", PASSWORD, Role.VIEWER)
    with pytest.raises(NotFound):
        await shop.gate.disable_user(LOCAL, "nobody")
    with pytest.raises(NotFound):
        await shop.gate.reset_password(LOCAL, "nobody", PASSWORD)
    with pytest.raises(NotFound):
        await shop.gate.revoke_key(LOCAL, "nokey")

    assert rows(shop) == before


async def test_change_that_changes_nothing_ends_nobodys_login(shop, anna):
    tokens = await shop.gate.login("anna", PASSWORD, HOST)
    before = rows(shop)

    assert await shop.gate.change_user(LOCAL, anna.id, role=Role.OPERATOR, enabled=True) == anna

    assert rows(shop) == before
    assert await shop.gate.authenticate(tokens.access_token)


# --- people


async def test_people_are_listed_by_name_with_what_they_may(shop, mara, anna):
    assert await shop.gate.list_users(LOCAL) == [anna, mara]


async def test_audit_of_a_change_says_what_was_and_what_is(shop, anna):
    await shop.gate.change_user(LOCAL, anna.id, role=Role.VIEWER, grant=EVERYTHING)

    assert newest(shop)[0].detail == {
        "was": {"role": "operator", "enabled": True, "printers": ["mk4"], "tags": None},
        "is": {"role": "viewer", "enabled": True, "printers": None, "tags": None},
    }


async def test_last_enabled_administrator_cannot_be_switched_off_or_made_less(shop, mara):
    other = await shop.gate.add_user(LOCAL, "chief", PASSWORD, Role.ADMIN)
    await shop.gate.disable_user(principal(mara), other.id)
    before = rows(shop)

    with pytest.raises(Refused, match="mara is the last administrator"):
        await shop.gate.disable_user(principal(mara), mara.id)
    with pytest.raises(Refused, match="mara is the last administrator"):
        await shop.gate.change_user(LOCAL, mara.id, role=Role.OPERATOR)
    assert rows(shop) == before

    await shop.gate.change_user(LOCAL, other.id, enabled=True)
    assert not (await shop.gate.disable_user(principal(other), mara.id)).enabled


async def test_others_can_be_changed_before_there_is_an_administrator(shop):
    anna = await shop.gate.add_user(LOCAL, "anna", PASSWORD, Role.OPERATOR)

    assert not (await shop.gate.disable_user(LOCAL, anna.id)).enabled


async def test_administrators_rights_reach_every_printer(shop, anna):
    with pytest.raises(Invalid):
        await shop.gate.add_user(LOCAL, "chief", PASSWORD, Role.ADMIN, MK4)
    with pytest.raises(Refused):
        await shop.gate.change_user(LOCAL, anna.id, role=Role.ADMIN)
    assert (
        await shop.gate.change_user(LOCAL, anna.id, role=Role.ADMIN, grant=EVERYTHING)
    ).grant == EVERYTHING


async def test_new_password_replaces_the_old(shop, anna):
    await shop.gate.reset_password(LOCAL, anna.id, "another password")

    with pytest.raises(Unauthenticated):
        await shop.gate.login("anna", PASSWORD, HOST)
    assert await shop.gate.login("anna", "another password", HOST)


async def test_bad_new_password_is_refused_before_anything_happens(shop, anna):
    long_name = await shop.gate.add_user(LOCAL, "anna-katharina", PASSWORD, Role.VIEWER)
    before = rows(shop)

    for password in ("short", "Anna-Katharina"):
        with pytest.raises(Invalid):
            await shop.gate.reset_password(LOCAL, long_name.id, password)
    assert rows(shop) == before


async def test_grant_of_a_person_comes_along_with_their_login(shop, anna):
    tokens = await shop.gate.login("anna", PASSWORD, HOST)

    assert await shop.gate.authenticate(tokens.access_token) == principal(anna)


# --- API keys


async def test_key_is_shown_once_and_carries_its_rights(shop, mara):
    end = shop.now + timedelta(days=365)
    key, text = await shop.gate.create_key(
        principal(mara), " PrusaSlicer ", [Scope.UPLOAD, Scope.QUEUE], MK4, "printer:mk4", end
    )

    assert text.startswith(f"farm_{key.id}_")
    assert await shop.gate.list_keys(LOCAL) == [key]
    assert key.created_by == f"user:{mara.id}"
    behind = await shop.gate.authenticate(text)
    assert (behind.kind, behind.name, behind.target) == ("key", "PrusaSlicer", "printer:mk4")
    assert (behind.scopes, behind.grant) == ({Scope.UPLOAD, Scope.QUEUE}, MK4)


async def test_key_outlives_the_account_of_its_maker(shop, mara):
    chief = await shop.gate.add_user(LOCAL, "chief", PASSWORD, Role.ADMIN)
    _key, text = await shop.gate.create_key(principal(chief), "script", [Scope.READ])
    await shop.gate.disable_user(LOCAL, chief.id)

    assert await shop.gate.authenticate(text)


async def test_revoking_twice_is_written_down_once(shop, mara):
    key, _text = await shop.gate.create_key(LOCAL, "script", [Scope.READ])
    first = await shop.gate.revoke_key(LOCAL, key.id)
    shop.pass_time(minutes=1)
    before = rows(shop)

    assert await shop.gate.revoke_key(LOCAL, key.id) == first
    assert rows(shop) == before


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"scopes": []}, "scopes"),
        ({"name": " "}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"target": "mk4"}, "target"),
        ({"target": "printer:"}, "target"),
        ({"target": "printer:../x"}, "target"),
        ({"expires": -1}, "expires_at"),
    ],
)
async def test_odd_wish_for_a_key_is_refused_and_the_field_named(shop, mara, wish, field):
    wish = {"name": "script", "scopes": [Scope.READ], "target": None, "expires": 60} | wish
    before = rows(shop)

    with pytest.raises(Invalid) as refusal:
        await shop.gate.create_key(
            LOCAL,
            wish["name"],
            wish["scopes"],
            target=wish["target"],
            expires_at=shop.now + timedelta(seconds=wish["expires"]),
        )

    assert refusal.value.field == field
    assert rows(shop) == before


# --- the audit


async def test_audit_pages_backwards_and_holds_no_secret(shop, anna):
    _key, text = await shop.gate.create_key(LOCAL, "script", [Scope.READ])
    await shop.gate.reset_password(LOCAL, anna.id, "another password")
    tokens = await shop.gate.login("anna", "another password", HOST)

    first = await shop.gate.read_audit(LOCAL, limit=3)
    second = await shop.gate.read_audit(LOCAL, before=first[-1].id)

    assert [entry.id for entry in (*first, *second)] == [5, 4, 3, 2, 1]
    told = repr((first, second))
    for secret in (text[-43:], "another password", tokens.refresh_token):
        assert secret not in told
    assert users.by_name(shop.store.db, "anna").password_hash not in told


async def test_same_seed_gives_the_same_ids(shop, tmp_path):
    (tmp_path / "again").mkdir()
    again = type(shop)(tmp_path / "again")
    ids = [(await each.gate.add_user(LOCAL, "mara", PASSWORD, Role.ADMIN)).id for each in (shop, again)]
    keys = [(await each.gate.create_key(LOCAL, "script", [Scope.READ]))[1] for each in (shop, again)]
    again.close()

    assert ids[0] == ids[1]
    assert keys[0] == keys[1]
