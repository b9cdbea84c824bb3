"""Frames of a push socket: the same messages however the bytes fall, and what is no frame is told."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage

from farm.drivers.frames import Frames, Kind, Nonsense, Said, TooLong, written

LONGEST = 70_000
TEXTS = st.text(max_size=300) | st.sampled_from(["x" * size for size in (125, 126, 65_535, 65_536)])


def said_by(data: bytes, pieces: int = 1) -> list[Said]:
    """What a server says that sends `data`, in so many pieces."""
    frames, size = Frames(LONGEST), max(1, -(-len(data) // pieces))
    return [said for at in range(0, len(data), size) for said in frames.receive(data[at : at + size])]


@given(st.lists(TEXTS, max_size=5), st.integers(1, 50))
def test_what_another_implementation_sends_is_heard_however_it_falls_into_pieces(
    texts: list[str], pieces: int
) -> None:
    server = Connection(ConnectionType.SERVER)
    sent = b"".join(server.send(TextMessage(text)) for text in texts)

    assert said_by(sent, pieces) == [Said(Kind.TEXT, text.encode()) for text in texts]


@given(st.binary(max_size=400))
def test_byte_by_byte_is_heard_or_refused_as_all_at_once(data: bytes) -> None:
    def outcome(pieces: int) -> object:
        try:
            return said_by(data, pieces)
        except (Nonsense, TooLong) as problem:
            return type(problem)

    assert outcome(1) == outcome(len(data) or 1)


@given(TEXTS, st.sampled_from([Kind.TEXT, Kind.PING, Kind.CLOSE]))
def test_what_we_write_another_implementation_hears(text: str, kind: Kind) -> None:
    server = Connection(ConnectionType.SERVER)
    if kind is Kind.TEXT:
        server.receive_data(written(kind, text.encode()))
        heard = "".join(event.data for event in server.events() if isinstance(event, TextMessage))
        assert heard == text
    elif kind is Kind.PING:
        server.receive_data(written(kind, text.encode()[:125]))
        assert list(server.events()) == [Ping(text.encode()[:125])]
    else:
        server.receive_data(written(kind, (1000).to_bytes(2, "big")))
        assert list(server.events()) == [CloseConnection(1000, "")]


def test_a_message_in_parts_is_one_and_a_ping_may_come_between_them() -> None:
    server = Connection(ConnectionType.SERVER)
    sent = server.send(TextMessage("first ", message_finished=False))
    sent += server.send(Ping(b"there?"))
    sent += server.send(TextMessage("then ", message_finished=False)) + server.send(TextMessage("last"))

    assert said_by(sent) == [Said(Kind.PING, b"there?"), Said(Kind.TEXT, b"first then last")]


def test_bytes_and_a_goodbye_are_told_as_such() -> None:
    server = Connection(ConnectionType.SERVER)
    sent = server.send(BytesMessage(b"\x00")) + server.send(CloseConnection(1001, "bye"))

    assert [said.kind for said in said_by(sent)] == [Kind.BYTES, Kind.CLOSE]


@pytest.mark.parametrize(
    "frame",
    [
        b"\xc1\x00",  # deflated, which nobody agreed to
        b"\x83\x00",  # no such kind
        b"\x80\x00",  # goes on with nothing
        b"\x01\x00\x81\x00",  # a message within another
        b"\x09\x00",  # half a ping
        b"\x89\x7e\x00\x7e" + b"x" * 126,  # a long one
        b"\x81\x80\x00\x00\x00\x00",  # masked, as only clients do
    ],
)
def test_what_is_no_frame_of_a_server_is_nonsense(frame: bytes) -> None:
    with pytest.raises(Nonsense):
        said_by(frame)


@pytest.mark.parametrize("size", [LONGEST + 1, 2**63])
def test_a_message_that_is_too_long_is_refused_before_it_has_come(size: int) -> None:
    with pytest.raises(TooLong):
        said_by(b"\x81\x7f" + size.to_bytes(8, "big"))


def test_a_message_whose_parts_grow_too_long_is_refused() -> None:
    part = b"\x00\x7e" + (60_000).to_bytes(2, "big") + b"x" * 60_000
    with pytest.raises(TooLong):
        said_by(b"\x01" + part[1:] + part)


def test_parts_without_end_in_which_nothing_is_take_no_room() -> None:
    frames = Frames(LONGEST)
    assert list(frames.receive(b"\x01\x00")) == []
    before = _size_of(frames)
    for _ in range(1000):
        assert list(frames.receive(b"\x00\x00" * 10)) == []

    assert _size_of(frames) == before
    assert list(frames.receive(b"\x80\x02hi")) == [Said(Kind.TEXT, b"hi")]


def _size_of(frames: Frames) -> int:
    return sum(sys.getsizeof(value) for value in vars(frames).values())
