"""Facts are numbered by the transaction that makes them true."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta, timezone

import pytest

from farm.domain.event import Fact
from farm.store import events
from farm.store.connection import FARM, dial
from farm.store.opening import open_memory

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def db():
    connection = dial(None)
    open_memory(connection, FARM, random.Random(1))
    yield connection
    connection.close()


def test_a_fact_comes_back_as_it_was_recorded(db):
    at = datetime(2026, 3, 2, 13, 0, 0, 125_000, tzinfo=timezone(timedelta(hours=1)))
    data = {"job": "j1", "progress": 0.5, "names": ["Müller", None], "deep": {"a": [True, {}]}}
    assert events.record(db, "job.started", ["queue", "printer:p1"], at, data) == 1
    assert events.since(db, 0) == [Fact(1, "job.started", ("queue", "printer:p1"), at, data)]
    assert events.since(db, 0)[0].at.tzinfo is UTC


def test_facts_are_found_from_any_number_on_and_in_portions(db):
    for n in range(10):
        events.record(db, "job.noted", [], NOON, {"n": n})
    assert [fact.seq for fact in events.since(db, 4)] == [5, 6, 7, 8, 9, 10]
    assert [fact.seq for fact in events.since(db, 4, 2)] == [5, 6]
    assert events.since(db, 10) == []


def test_numbers_are_never_used_twice_even_when_all_facts_were_swept(db):
    assert (events.last_seq(db), events.oldest(db)) == (0, None)
    for _ in range(3):
        events.record(db, "job.noted", [], NOON, {})
    db.execute("DELETE FROM events WHERE seq < 3")
    assert (events.last_seq(db), events.oldest(db)) == (3, 3)
    db.execute("DELETE FROM events")
    assert (events.last_seq(db), events.oldest(db)) == (3, None)
    assert events.record(db, "job.noted", [], NOON, {}) == 4


def test_the_oldest_are_swept_away_and_the_newest_kept(db, monkeypatch):
    monkeypatch.setattr(events, "KEPT", 30)
    monkeypatch.setattr(events, "SWEEP_EVERY", 10)
    kept = []
    for n in range(95):
        events.record(db, "job.noted", [], NOON, {"n": n})
        kept.append(events.last_seq(db) - (events.oldest(db) or 0) + 1)

    assert max(kept) == 39  # never many more
    assert kept[29:] == [30 + n % 10 for n in range(66)]  # nor fewer
    assert [fact.data["n"] for fact in events.since(db, 0)] == list(range(60, 95))


def test_an_undone_transaction_gives_its_numbers_back(db):
    db.execute("BEGIN")
    events.record(db, "job.noted", [], NOON, {})
    db.execute("SAVEPOINT op")
    assert events.record(db, "job.noted", [], NOON, {}) == 2
    db.execute("ROLLBACK TO op")
    assert events.record(db, "job.noted", [], NOON, {}) == 2
    db.execute("ROLLBACK")
    assert events.record(db, "job.noted", [], NOON, {}) == 1


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), b"bytes", NOON])
def test_what_no_browser_can_read_is_not_recorded(db, value):
    with pytest.raises((ValueError, TypeError)):
        events.record(db, "job.noted", [], NOON, {"value": value})
    assert events.last_seq(db) == 0


def test_two_histories_have_two_names():
    epochs = set()
    for seed in range(5):
        connection = dial(None)
        open_memory(connection, FARM, random.Random(seed))
        epochs.add(events.epoch(connection))
        connection.close()
    assert len(epochs) == 5
    assert all(len(epoch) == 16 and int(epoch, 16) >= 0 for epoch in epochs)
