"""The bytes of a message, read back by a WebSocket client."""

from __future__ import annotations

import json

import pytest
from wsproto.connection import Connection, ConnectionType
from wsproto.extensions import PerMessageDeflate

from farm.live.frame import MIN_DEFLATED, Frame


def heard(data, *, deflates):
    """What a client makes of it, in pieces as the network may deliver them."""
    deflate = PerMessageDeflate(client_no_context_takeover=True, server_no_context_takeover=True)
    deflate._enabled = deflates
    client = Connection(ConnectionType.CLIENT, [deflate])
    texts = [""]
    for at in range(0, len(data), 1000):
        client.receive_data(data[at : at + 1000])
        for event in client.events():
            texts[-1] += event.data
            if event.message_finished:
                texts.append("")
    return texts[:-1]


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 1023, 1024, 65535, 65536, 200_000])
def test_message_of_any_length_is_read_as_it_was_written(length):
    text = ("Bücher " * (length // 7 + 1))[:length]
    frame = Frame(text)

    assert heard(frame.plain, deflates=False) == [text]
    assert heard(frame.deflated, deflates=True) == [text]


def test_deflated_messages_are_read_one_after_the_other_in_any_mixture():
    frames = [Frame(json.dumps({"n": n, "pad": "abc" * n})) for n in (1, 500, 2, 700, 500)]

    texts = heard(b"".join(frame.deflated for frame in frames), deflates=True)

    assert texts == [frame.text for frame in frames]
    assert len(frames[1].deflated) < len(frames[1].plain) / 3


def test_short_message_is_not_deflated_and_each_form_is_made_once():
    short, long = Frame("x" * (MIN_DEFLATED - 1)), Frame("x" * MIN_DEFLATED)

    assert short.deflated is short.plain
    assert long.deflated is long.deflated
    assert long.plain is long.plain
