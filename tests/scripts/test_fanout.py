"""The subscribers of the benchmark `live` take every event, and notice what is amiss."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from farm.live.frame import Frame
from scripts.benches.fanout.farm_server import EVENT
from scripts.benches.fanout.subscribers import Amiss, FarmTalk, SocketIoTalk, Subscriber, Tally


def fact(seq: int, prev: int | None, n: int) -> dict[str, Any]:
    return {"type": EVENT, "seq": seq, "prev": prev, "data": {"n": n, "at": 1.0}}


def state(n: int) -> dict[str, Any]:
    return {"type": "printer.statusUpdate", "data": {"status": {"message": f"{n} 2.5"}}}


def heard(*frames: dict[str, Any]) -> list[int]:
    """The numbers of the events in these frames, on one connection."""
    talk = FarmTalk("key")
    return [event.n for frame in frames for event in talk.hear(json.dumps(frame).encode())[0]]


def test_facts_and_states_are_found_alone_and_in_batches() -> None:
    assert heard(
        {"type": "snapshot", "data": {"items": []}},
        {"type": "batch.update", "events": [fact(7, None, 0), state(1)]},
        fact(9, 7, 2),
        {"type": "job.queued", "seq": 10, "prev": 9, "data": {"n": 5}},
        state(3),
    ) == [0, 1, 2, 3]


@pytest.mark.parametrize("prev", [None, 6, 8])
def test_fact_that_does_not_follow_is_noticed(prev: int | None) -> None:
    with pytest.raises(Amiss, match=f"fact 9 follows {prev}, not 7"):
        heard(fact(7, None, 0), fact(9, prev, 1))


def test_refusal_is_noticed() -> None:
    with pytest.raises(Amiss, match="no such room"):
        heard({"type": "error", "op": "subscribe", "detail": "no such room"})


def test_socket_io_is_spoken_to_as_its_clients_do() -> None:
    talk = SocketIoTalk()
    assert talk.hear(b'0{"sid":"x"}') == ([], "40")
    assert not talk.ready
    assert talk.hear(b'40{"sid":"y"}') == ([], None)
    assert talk.ready
    assert talk.hear(b"2") == ([], "3")
    ((event,), answer) = talk.hear(b'42["event",{"n":4,"at":1.5,"pad":"x"}]')
    assert (event.n, event.at, answer) == (4, 1.5, None)


class Line(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.written, self.aborted = b"", False

    def write(self, data: Any) -> None:
        self.written += data

    def abort(self) -> None:
        self.aborted = True


async def _receive(data: bytes, piece: int) -> tuple[Tally, Line]:
    tally, line = Tally(), Line()
    subscriber = Subscriber(FarmTalk("key"), 1234, tally)
    subscriber.connection_made(line)
    data = b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + data
    for at in range(0, len(data), piece):
        subscriber.data_received(data[at : at + piece])
    subscriber.open.cancel()
    return tally, line


@pytest.mark.parametrize("piece", [1, 7, 1000, 1_000_000])
def test_frames_are_read_whatever_pieces_they_come_in(piece: int) -> None:
    long = {**fact(2, 1, 1), "pad": "x" * 70_000}
    data = b"".join(Frame(json.dumps(frame)).plain for frame in (fact(1, None, 0), long, state(2)))

    tally, line = asyncio.run(_receive(data + b"\x89\x00", piece))

    assert tally.amiss is None
    assert len(tally.latencies) == 3
    assert line.written.endswith(b"\x8a\x80\0\0\0\0")  # the ping was answered


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (Frame(json.dumps(state(3))).plain * 2, "event 3 came twice"),
        (b"\x88\x02\x03\xf4", "the server closed"),
    ],
)
def test_what_is_amiss_ends_the_connection(data: bytes, words: str) -> None:
    tally, line = asyncio.run(_receive(data, 1000))

    assert words in str(tally.amiss)
    assert line.aborted
