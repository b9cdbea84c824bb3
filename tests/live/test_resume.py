"""Coming back with `since`: what was missed, once and in order, or a fresh picture and the reason."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from live_farm import printer, seqs, settled

from farm.domain.printer import Connection, Operation, Plate, PrinterStatus
from farm.domain.user import EVERYTHING, Grant
from farm.live import missed, snapshots
from farm.live.messages import StatusChanged
from farm.live.protocol import Since
from farm.live.snapshots import Entry
from farm.queue.planned import FollowedPlan
from farm.store import events, printers
from farm.store.connection import FARM, dial
from farm.store.opening import open_memory

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
IDLE = PrinterStatus(connection=Connection.ONLINE, operation=Operation.IDLE, plate=Plate.CLEAR)


async def come_back(farm, seq, *rooms, token=None, epoch=None):
    """A browser that was away since fact number `seq`."""
    browser = farm.connect()
    await browser.say("auth", token=token or farm.token)
    await browser.hear("welcome")
    epoch = epoch or await farm.database.read(events.epoch)
    await browser.say("subscribe", rooms=list(rooms), since={"epoch": epoch, "seq": seq})
    return browser


def all_of(browser):
    """All events that came since the welcome."""
    frames = [json.loads(text) for text in browser.frames[1:]]
    return [event for frame in frames for event in frame.get("events", [frame])]


async def test_missed_facts_come_and_then_those_that_follow(autojump_clock, farm):
    before = await farm.happen()
    first = await farm.happen()
    await farm.happen(rooms=("files",))  # not this client's
    second = await farm.happen(rooms=("files", "queue"))

    browser = await come_back(farm, before, "queue")
    await browser.hear("replay")
    after = await farm.happen()
    await settled()
    frames = [json.loads(text) for text in browser.frames[1:]]

    assert frames[0]["type"] == "batch.update"
    assert [(fact["seq"], fact["prev"]) for fact in frames[0]["events"]] == [(first, None), (second, first)]
    assert frames[1] == {
        "type": "replay",
        "rooms": ["queue"],
        "epoch": await farm.database.read(events.epoch),
        "since": before,
        "seq": second,
        "replayed": 2,
    }
    assert [(fact["seq"], fact["prev"]) for fact in frames[2:]] == [(after, second)]


async def test_who_missed_nothing_is_told_so(autojump_clock, farm):
    seq = await farm.happen()

    browser = await come_back(farm, seq, "queue")
    told = await browser.hear()
    after = await farm.happen()

    assert (told["type"], told["replayed"], told["seq"]) == ("replay", 0, seq)
    assert (await browser.hear())["seq"] == after


async def test_facts_that_nobody_hinted_at_are_replayed_and_not_told_again(autojump_clock, farm):
    member, _ = await farm.watch("queue")
    farm.hint = lambda facts: None
    seq = await farm.happen()

    browser = await come_back(farm, 0, "queue")
    await browser.hear("replay")
    await trio.sleep(5)

    assert seqs(browser.heard()) == []
    assert seqs(member.heard()) == [seq]


async def test_states_come_too_for_nobody_knows_which_were_missed(autojump_clock, farm):
    for id in ("mk4-01", "mk4-02"):
        await farm.add_printer(printer(id))
        farm.events.tell_nowait(StatusChanged(printer(id), IDLE))
    few = await farm.key(Grant(printers=frozenset({"mk4-01"})))

    shown = {}
    for token, rooms in ((None, ["printers"]), (None, ["printer:mk4-02"]), (few, ["printers"])):
        browser = await come_back(farm, 0, *rooms, token=token)
        await browser.hear("replay")
        states = [event for event in all_of(browser) if "room" in event]
        assert {event["type"] for event in states} == {"printer.statusUpdate"}
        shown[token, rooms[0]] = [(event["room"], event["data"]["id"]) for event in states]

    assert shown == {
        (None, "printers"): [("printers", "mk4-01"), ("printers", "mk4-02")],
        (None, "printer:mk4-02"): [("printer:mk4-02", "mk4-02")],
        (few, "printers"): [("printers", "mk4-01")],
    }


async def test_facts_of_other_peoples_printers_are_not_replayed(autojump_clock, farm):
    for id in ("mk4-01", "mk4-02"):
        await farm.add_printer(printer(id))
    mine = await farm.happen(rooms=("queue", "printer:mk4-01"))
    await farm.happen(rooms=("queue", "printer:mk4-02"))
    await farm.happen(rooms=("queue",), printer="mk4-02")
    token = await farm.key(Grant(printers=frozenset({"mk4-01"})))

    browser = await come_back(farm, 0, "queue", "printer:mk4-01", "printer:mk4-02", token=token)
    await browser.hear("error")
    heard = all_of(browser)

    assert seqs(heard) == [mine]
    assert [frame["rooms"] for frame in heard if frame["type"] == "replay"] == [["queue", "printer:mk4-01"]]
    assert [frame["rooms"] for frame in heard if frame["type"] == "error"] == [["printer:mk4-02"]]


@pytest.mark.parametrize(
    ("away", "reason"),
    [
        ({"seq": 0}, "window passed"),
        ({"seq": 9}, "window passed"),
        ({"seq": 10}, None),
        ({"seq": 31}, "not reached yet"),
        ({"seq": 29, "epoch": "another"}, "other epoch"),
    ],
)
async def test_fresh_picture_says_why_it_is_one(autojump_clock, farm, monkeypatch, away, reason):
    monkeypatch.setattr(missed, "WINDOW", 20)
    for _ in range(30):
        await farm.happen()

    browser = await come_back(farm, away["seq"], "queue", "files", epoch=away.get("epoch"))
    await settled()
    heard = browser.heard()
    after = await farm.happen()
    await settled()

    if reason is None:
        assert seqs(heard) == list(range(11, 31))
    else:
        assert [(event["type"], event["room"], event["reason"]) for event in heard] == [
            ("snapshot", "queue", reason),
            ("snapshot", "files", reason),
        ]
    assert seqs(browser.heard()) == [after]


async def test_facts_that_were_swept_away_are_a_reason_too(autojump_clock, farm):
    for _ in range(10):
        await farm.happen()
    await farm.database.write(lambda db: db.execute("DELETE FROM events WHERE seq <= 5") and None)

    late, in_time = await come_back(farm, 4, "queue"), await come_back(farm, 5, "queue")
    await settled()

    assert [event["reason"] for event in late.heard()] == ["window passed"]
    assert seqs(in_time.heard()) == [6, 7, 8, 9, 10]


async def test_since_counts_for_the_first_rooms_of_a_connection(autojump_clock, farm):
    """What is older than what it has heard already would come in the wrong order."""
    epoch = await farm.database.read(events.epoch)
    browser, [first] = await farm.watch("queue")
    seq = await farm.happen(rooms=("queue", "files"))
    await browser.hear("job.queued")
    since = {"epoch": epoch, "seq": first["seq"]}

    await browser.say("subscribe", rooms=["files"], since=since)
    assert (await browser.hear())["reason"] == "heard already"
    await browser.say("unsubscribe", rooms=["files", "queue"])
    await browser.say("subscribe", rooms=["files"], since=since)
    assert (await browser.hear())["reason"] == "heard already"
    await browser.say("unsubscribe", rooms=["files"])
    await browser.say("subscribe", rooms=["files"], since={"epoch": epoch, "seq": seq})
    assert (await browser.hear())["replayed"] == 0


async def test_replay_longer_than_an_outbox_arrives_whole(autojump_clock, farm):
    for _ in range(1500):
        await farm.happen()

    browser = await come_back(farm, 0, "queue")
    await browser.hear("replay")

    facts = [event for event in all_of(browser) if "prev" in event]
    assert seqs(facts) == list(range(1, 1501))
    assert [fact["prev"] for fact in facts] == [None, *range(1, 1500)]


# -- against a model ---------------------------------------------------------------------------

ROOMS = ("queue", "files", "printers", "printer:a", "printer:b")
GRANTS = (EVERYTHING, Grant(printers=frozenset({"a"})), Grant(tags=frozenset({"left"})), Grant(frozenset()))
FACTS = st.lists(st.sets(st.sampled_from(ROOMS), min_size=1), min_size=5, max_size=30)
ENTRIES = st.lists(
    st.tuples(
        st.permutations(ROOMS).flatmap(lambda rooms: st.integers(1, 5).map(lambda n: tuple(rooms[:n]))),
        st.sampled_from(GRANTS),
        st.none() | st.integers(-3, 30),
    ),
    min_size=2,
    max_size=5,
)
"""Rooms, rights, and how many facts ago each was here last."""


@pytest.fixture(scope="module")
def db():
    connection = dial(None)
    open_memory(connection, FARM, random.Random(1))
    printers.add(connection, printer("a"), b"", NOON, "test")
    printers.add(connection, printer("b", "left"), b"", NOON, "test")
    yield connection
    connection.close()


def may_hear(rooms, grant):
    mine = {EVERYTHING: "ab", GRANTS[1]: "a", GRANTS[2]: "b", GRANTS[3]: ""}[grant]
    return all(room.removeprefix("printer:") in mine for room in rooms if room.startswith("printer:"))


@settings(max_examples=200, deadline=None)
@given(FACTS, ENTRIES, st.just(0) | st.integers(0, 10), st.just(1000) | st.integers(1, 40))
def test_whoever_comes_back_gets_what_the_model_says(db, facts, entries, swept, window):
    db.execute("BEGIN")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(missed, "WINDOW", window)
        db.execute("DELETE FROM events")
        base = events.last_seq(db)
        for rooms in facts:
            events.record(db, "something.happened", sorted(rooms), NOON, {})
        db.execute("DELETE FROM events WHERE seq <= ?", (base + swept,))
        epoch = events.epoch(db)
        wanted = {
            Entry(rooms, grant, None if ago is None else Since(epoch, base + len(facts) - ago))
            for rooms, grant, ago in entries
        }
        picture = snapshots.take(db, base + len(facts), frozenset(wanted), {}, FollowedPlan(), NOON)
    db.execute("ROLLBACK")

    newest, kept_after = base + len(facts), base + min(swept, len(facts))
    for entry, entered in picture.entered.items():
        there = tuple(room for room in entry.rooms if may_hear([room], entry.grant))
        assert entered.rooms == there
        frames = [json.loads(frame.text) for frame in entered.frames]
        flat = [event for frame in frames for event in frame.get("events", [frame])]
        since = None if entry.since is None else entry.since.seq
        if since is not None and max(kept_after, newest - window) <= since <= newest:
            due = [
                base + number
                for number, rooms in enumerate(facts, start=1)
                if base + number > since and rooms & set(there) and may_hear(rooms, entry.grant)
            ]
            assert seqs(flat) == due
            assert [fact["prev"] for fact in flat if "prev" in fact] == [None, *due][: len(due)]
            assert frames[-1]["replayed"] == len(due)
            assert entered.sent == (due[-1] if due else None)
        else:
            assert [frame["room"] for frame in frames] == list(there)
            assert all(frame["type"] == "snapshot" and frame["seq"] == newest for frame in frames)
            assert {"reason" in frame for frame in frames} <= {since is not None}
