"""What is remembered of requests that may be sent again: for how long, how much, and whole or not at all."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from farm.domain.terms import Once, Terms
from farm.domain.user import LOCAL
from farm.errors import Invalid, Refused, TooOften
from farm.store import events, idempotency
from farm.store.connection import FARM, dial
from farm.store.database import Database
from farm.store.idempotency import DoneBefore, Kept, Tried
from farm.store.opening import open_memory

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
FIRST = Once("user:u1", "k1", b"digest", 1)


@pytest.fixture
def db():
    connection = dial(None)
    open_memory(connection, FARM, random.Random(1))
    yield connection
    connection.close()


def tell(db):
    return events.record(db, "job.noted", ["queue"], NOON, {})


def test_step_is_taken_once_and_its_result_recalled(db):
    assert idempotency.do_once(db, FIRST, NOON, tell) == 1
    with pytest.raises(DoneBefore) as before:
        idempotency.do_once(db, FIRST, NOON, tell)

    assert before.value.result == b"1"
    assert idempotency.do_once(db, replace(FIRST, step=2), NOON, tell) == 2
    assert idempotency.recall(db, "user:u1", "k1", NOON) == Kept(b"digest", {1: b"1", 2: b"2"})
    assert events.last_seq(db) == 2


def test_another_request_under_the_same_key_is_refused_and_nothing_of_it_is_done(db):
    idempotency.do_once(db, FIRST, NOON, tell)
    with pytest.raises(Invalid, match="another request"):
        idempotency.do_once(db, replace(FIRST, request=b"another", step=2), NOON, tell)

    assert events.last_seq(db) == 1
    assert idempotency.do_once(db, replace(FIRST, owner="user:u2", request=b"another"), NOON, tell) == 2


def test_it_is_remembered_for_a_day_and_then_swept_away(db):
    idempotency.do_once(db, FIRST, NOON, tell)
    nearly, later = NOON + timedelta(hours=23, minutes=59), NOON + timedelta(hours=24)

    assert idempotency.recall(db, "user:u1", "k1", nearly) is not None
    assert idempotency.recall(db, "user:u1", "k1", later) is None
    assert idempotency.do_once(db, FIRST, later, tell) == 2  # long ago: it is a new one
    idempotency.do_once(db, replace(FIRST, key="k2"), later + timedelta(hours=24), tell)
    assert [row["key"] for row in db.execute("SELECT key FROM idempotency")] == ["k2"]


def test_more_than_there_is_room_for_is_refused_until_the_oldest_is_forgotten(db, monkeypatch):
    monkeypatch.setattr(idempotency, "MOST_STEPS", 3)
    for number in range(3):
        at = NOON + timedelta(hours=number)
        idempotency.do_once(db, replace(FIRST, key=f"k{number}"), at, tell)
    at = NOON + timedelta(hours=3)

    with pytest.raises(TooOften) as full:
        idempotency.do_once(db, replace(FIRST, key="k3"), at, tell)

    assert full.value.retry_after_s == 21 * 3600
    answer = replace(FIRST, key="k2", step=idempotency.ANSWER)
    idempotency.note(db, answer, at, b"its answer")  # what was done is always answered for
    assert idempotency.do_once(db, replace(FIRST, owner="key:other"), at, tell) is not None
    assert idempotency.do_once(db, replace(FIRST, key="k3"), NOON + timedelta(hours=25), tell) is not None


def test_what_was_not_done_after_all_is_forgotten(db):
    idempotency.note(db, FIRST, NOON, None)
    assert idempotency.recall(db, "user:u1", "k1", NOON) == Kept(b"digest", {1: None})

    idempotency.forget(db, FIRST)

    assert idempotency.recall(db, "user:u1", "k1", NOON) is None


# -- through the database, as those who make changes use it


def told(db):
    return events.last_seq(db)


@pytest.fixture
async def database(tmp_path):
    database = Database(tmp_path / "farm.db", FARM, chance=random.Random(1), clock=lambda: NOON)
    async with database.running():
        yield database


async def test_change_that_is_only_tried_is_undone_and_tells_nobody(database):
    heard = []
    database.on_facts = heard.extend
    with pytest.raises(Tried) as tried:
        await database.change(replace(LOCAL, terms=Terms(dry=True)), tell)

    assert (tried.value.result, await database.read(told), heard) == (1, 0, [])
    assert await database.change(LOCAL, tell) == 1
    assert [fact.seq for fact in heard] == [1]


async def test_refusal_is_the_same_tried_or_not(database):
    def refuse(db):
        tell(db)
        raise Refused("it is printing")

    for terms in (Terms(), Terms(dry=True), Terms(once=FIRST)):
        with pytest.raises(Refused, match="it is printing"):
            await database.change(replace(LOCAL, terms=terms), refuse)
    assert await database.read(told) == 0
    assert await database.read(idempotency.recall, "user:u1", "k1", NOON) is None


async def test_change_and_its_memory_are_one_transaction(database, monkeypatch):
    def full(db, *args):
        raise TooOften("no room", 1)

    once = replace(LOCAL, terms=Terms(once=FIRST))
    with monkeypatch.context() as patch:
        patch.setattr(idempotency, "note", full)
        with pytest.raises(TooOften):
            await database.change(once, tell)
    assert await database.read(told) == 0

    assert await database.change(once, tell) == 1
    with pytest.raises(DoneBefore):
        await database.change(once, tell)
