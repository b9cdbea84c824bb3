"""Frames: whatever comes in is understood or refused in words, whatever goes out is one JSON object."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.domain.event import Fact
from farm.live import protocol
from farm.live.protocol import (
    MOST_IN_FRAME,
    Auth,
    Command,
    Configure,
    Ping,
    Since,
    Subscribe,
    Unreadable,
    Unsubscribe,
    parse,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

some_tries = settings(max_examples=50, deadline=None)  # a busy machine is no failure

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
OPS = st.sampled_from(["auth", "subscribe", "unsubscribe", "ping", "configure", "command", "sing"])
FIELDS = st.dictionaries(
    st.sampled_from(["token", "rooms", "since", "batch_delay_ms", "printer", "ref", "x"]), JSON, max_size=3
)


@some_tries
@given(st.text() | st.binary() | JSON.map(json.dumps))
def test_anything_at_all_is_answered_and_never_crashes(message):
    assert isinstance(parse(message), Unreadable)


@some_tries
@given(OPS, FIELDS)
def test_ops_with_any_fields_are_understood_or_refused_by_name(op, fields):
    request = parse(json.dumps({"op": op, **fields}))

    assert isinstance(request, Auth | Subscribe | Unsubscribe | Configure | Command | Ping | Unreadable)
    if isinstance(request, Unreadable):
        assert request.op == op
        assert request.detail


def test_each_op_is_understood():
    assert parse('{"op":"auth","token":"t"}') == Auth("t")
    assert parse('{"op":"subscribe","rooms":["queue"]}') == Subscribe(["queue"])
    assert parse('{"op":"subscribe","rooms":["queue"],"since":{"epoch":"e","seq":7}}') == Subscribe(
        ["queue"], Since("e", 7)
    )
    assert parse('{"op":"unsubscribe","rooms":["queue"]}') == Unsubscribe(["queue"])
    assert parse('{"op":"configure","batch_delay_ms":250}') == Configure(250)
    assert parse('{"op":"command","printer":"mk4","command":"pause"}') == Command(
        "mk4", None, b'{"command":"pause"}'
    )
    assert parse('{"op":"ping"}') == Ping()


@pytest.mark.parametrize(
    ("sent", "detail"),
    [
        ('{"op":"auth"}', "token is missing"),
        ('{"op":"subscribe","rooms":[]}', "rooms: at least 1 of them"),
        ('{"op":"subscribe","rooms":"queue"}', "rooms: a list, not text"),
        ('{"op":"subscribe","rooms":["queue"],"since":{"epoch":"e","seq":-4}}', "since.seq: at least 0"),
        ('{"op":"subscribe","rooms":["queue"],"sinse":7}', "there is no sinse; did you mean since?"),
        ('{"op":"configure","batch_delay_ms":7}', "batch_delay_ms: one of 0, 50, 250, 1000"),
        ('{"op":"sing"}', "unknown op; known are auth, subscribe, unsubscribe, configure, command, ping"),
        ("{", 'send one JSON object a message, like {"op":"ping"}'),
    ],
)
def test_what_is_wrong_is_said_in_words_that_help(sent, detail):
    request = parse(sent)
    assert isinstance(request, Unreadable)
    assert request.detail == detail


@some_tries
@given(
    st.dictionaries(st.text(st.characters(codec="utf-8")), JSON, max_size=3),
    st.none() | st.integers(1),
)
def test_fact_keeps_its_data_whatever_is_in_it_and_says_what_came_before(data, prev):
    text = protocol.with_prev(protocol.fact(Fact(9, "job.queued", ("queue",), NOON, data)), prev)

    frame = json.loads(text)
    assert (frame["seq"], frame["prev"], frame["type"], frame["rooms"]) == (9, prev, "job.queued", ["queue"])
    assert frame["data"].keys() == data.keys()


@pytest.mark.parametrize("count", [0, 1, 2, MOST_IN_FRAME, MOST_IN_FRAME + 1, 3 * MOST_IN_FRAME])
def test_batches_hold_their_events_in_order_and_one_alone_goes_as_it_is(count):
    events = [protocol.state("s", "printers", NOON, protocol.encoded({"n": n})) for n in range(count)]

    frames = [json.loads(frame) for frame in protocol.batches(events)]

    found = []
    for frame in frames:
        found += frame["events"] if frame["type"] == "batch.update" else [frame]
        assert 2 <= len(frame.get("events", [1, 2])) <= MOST_IN_FRAME
    assert found == [json.loads(event) for event in events]
    assert len(frames) == -(-count // MOST_IN_FRAME)


def test_command_keeps_the_fields_that_are_the_printers_to_judge():
    request = parse('{"op":"command","printer":"mk4","ref":"7","command":"pause","reason":"op","body":1}')

    assert (request.printer, request.ref) == ("mk4", "7")
    assert json.loads(request.body) == {"command": "pause", "reason": "op", "body": 1}


def test_refusal_of_a_thousand_rooms_names_a_few_in_words():
    frame = json.loads(protocol.refused([f"room-{n}" for n in range(1000)]))

    assert frame["detail"].endswith("room-8, room-9 and 990 more")
    assert len(frame["rooms"]) == 1000
