"""Push sockets at peers that misbehave: one sentence, in time, with bounded memory and nothing left open."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Awaitable, Callable
from typing import NoReturn

import pytest
import trio
from trio.testing import memory_stream_pair
from wsproto.events import BytesMessage, CloseConnection, Ping

from farm.drivers import websocket
from farm.drivers.pace import Flooded
from farm.drivers.websocket import (
    MAX_MESSAGE,
    PushSocket,
    Vigilance,
    hold_push_socket,
)
from farm.errors import FarmError, PrinterUnreachable, ProtocolError
from tests.peers.push_peer import Pushed, Pushing, push_peer
from tests.peers.raw_peer import Behaviour, answering, raw_peer

BRIEF = Vigilance(connect_s=0.5, ping_s=0.1, pong_s=0.2)
CALM = Vigilance(connect_s=0.5, paced_s=0.3)  # in a flood, pongs come late


async def hold(
    url: str, use: Callable[[PushSocket], Awaitable[NoReturn]], vigilance: Vigilance = BRIEF
) -> NoReturn:
    await hold_push_socket(url, "/sockjs/websocket", "OctoPrint", use, vigilance=vigilance)


async def drain(socket: PushSocket) -> NoReturn:
    await socket.listen(lambda _: None)


async def held(nursery: trio.Nursery, pushing: Pushing) -> FarmError:
    """How it ends with a peer that pushes like this."""
    url = await push_peer(nursery, pushing)
    with trio.fail_after(10), pytest.raises(FarmError, match=r"^OctoPrint at http.*\.$") as caught:
        await hold(url, drain, CALM)
    return caught.value


async def pushing_nothing(pushed: Pushed) -> None:
    await trio.sleep_forever()


async def many_messages(pushed: Pushed) -> None:
    while True:
        await pushed.say('{"current": {}}')


async def many_pings(pushed: Pushed) -> None:
    while True:
        await pushed.send(Ping(b"x" * 125))


async def a_burst(pushed: Pushed) -> None:
    for number in range(480):
        await pushed.say(str(number))
    await trio.sleep_forever()


async def a_huge_message(pushed: Pushed) -> None:
    await pushed.say("x" * (MAX_MESSAGE + 1))


async def an_endless_message(pushed: Pushed) -> None:
    frame = b"\x01\x7f" + (2**16).to_bytes(8, "big") + b"x" * 2**16  # the first piece of a text
    await pushed.send_raw(frame)
    while True:
        await pushed.send_raw(b"\x00" + frame[1:])


async def some_bytes(pushed: Pushed) -> None:
    await pushed.send(BytesMessage(b"\x00\x01"))


async def no_text(pushed: Pushed) -> None:
    await pushed.send_raw(b"\x81\x02\xff\xfe")


async def no_frame(pushed: Pushed) -> None:
    await pushed.send_raw(b"\xff\xff\xff\xff" * 10)


async def a_close(pushed: Pushed) -> None:
    await pushed.send(CloseConnection(1001, "bye"))


async def an_end(pushed: Pushed) -> None:
    await pushed.stream.aclose()


@pytest.mark.parametrize(
    ("pushing", "words"),
    [
        (many_messages, "more than 40 messages a second"),
        (a_huge_message, "more than 1 MiB"),
        (an_endless_message, "more than 1 MiB"),
        (some_bytes, "pushes bytes"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_a_peer_gone_mad_is_cut_and_told_so(
    nursery: trio.Nursery, pushing: Pushing, words: str
) -> None:
    problem = await held(nursery, pushing)

    assert isinstance(problem, ProtocolError)
    assert words in str(problem)


async def test_a_burst_is_slowed_down_and_heard_to_its_end(nursery: trio.Nursery) -> None:
    heard: list[str] = []

    def hear(message: str) -> None:
        heard.append(message)
        if len(heard) == 480:
            nursery.cancel_scope.cancel()

    url = await push_peer(nursery, a_burst)
    began = trio.current_time()
    with trio.fail_after(10):
        with pytest.raises(trio.Cancelled):
            await hold(url, lambda socket: socket.listen(hear), Vigilance(connect_s=0.5))

    assert heard == [str(number) for number in range(480)]
    assert trio.current_time() - began > 1.9  # 80 too many, at 40 a second


async def test_a_flood_in_which_the_pongs_drown_is_called_a_flood(nursery: trio.Nursery) -> None:
    url = await push_peer(nursery, many_messages)

    with trio.fail_after(10), pytest.raises(Flooded):
        await hold(url, drain, Vigilance(connect_s=0.5, ping_s=0.5, pong_s=0.1, paced_s=60))


async def test_a_flood_of_what_is_no_message_is_cut_too(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "MAX_BYTES_AT_ONCE", 100_000)

    assert "more than 64 kB a second" in str(await held(nursery, many_pings))


@pytest.mark.parametrize("pushing", [a_close, an_end, no_text, no_frame], ids=lambda value: value.__name__)
async def test_a_socket_that_ends_is_lost(nursery: trio.Nursery, pushing: Pushing) -> None:
    assert isinstance(await held(nursery, pushing), PrinterUnreachable)


async def test_a_flood_costs_no_memory(nursery: trio.Nursery) -> None:
    tracemalloc.start()
    try:
        for pushing in (many_messages, an_endless_message):
            await held(nursery, pushing)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 12 * MAX_MESSAGE


async def test_a_silent_peer_that_answers_pings_is_kept(nursery: trio.Nursery) -> None:
    url = await push_peer(nursery, pushing_nothing)

    with trio.move_on_after(1) as enough:
        await hold(url, drain)

    assert enough.cancelled_caught


async def test_a_peer_that_answers_no_ping_is_lost(nursery: trio.Nursery) -> None:
    async def stop_listening(stream: trio.SocketStream, request: bytes) -> None:
        pushed = Pushed(stream, request)
        await pushed.accept()
        for _ in range(5):
            await pushed.say("{}")
        await trio.sleep_forever()

    url = await raw_peer(nursery, stop_listening)
    began = time.monotonic()

    with pytest.raises(PrinterUnreachable, match="does not answer a ping"):
        await hold(url, drain)
    assert time.monotonic() - began < BRIEF.ping_s + BRIEF.pong_s + 1.5


async def test_a_peer_that_speaks_is_not_pinged(nursery: trio.Nursery) -> None:
    came: list[bytes] = []

    async def speak(stream: trio.SocketStream, request: bytes) -> None:
        pushed = Pushed(stream, request)
        await pushed.accept()
        nursery.start_soon(note, stream)
        while True:
            await pushed.say("{}")
            await trio.sleep(BRIEF.ping_s / 3)

    async def note(stream: trio.SocketStream) -> None:
        came.append(await stream.receive_some())

    url = await raw_peer(nursery, speak)
    with trio.move_on_after(5 * BRIEF.ping_s):
        await hold(url, drain)

    await trio.sleep(0.05)
    assert [data[:1] for data in came] == [b"\x88"]  # nothing but our goodbye


async def say_garbage(stream: trio.SocketStream, request: bytes) -> None:
    await stream.send_all(b"\x00\xff\x13SSH-2.0-dropbear\r\n\r\n" * 50)


async def say_nothing(stream: trio.SocketStream, request: bytes) -> None:
    await trio.sleep_forever()


async def hang_up(stream: trio.SocketStream, request: bytes) -> None:
    pass


async def an_endless_refusal(stream: trio.SocketStream, request: bytes) -> None:
    await stream.send_all(b"HTTP/1.1 404 Not Found\r\n\r\n")
    while True:
        await stream.send_all(b"x" * 65536)


@pytest.mark.parametrize(
    "behaviour",
    [
        say_garbage,
        say_nothing,
        hang_up,
        an_endless_refusal,
        answering("404 Not Found", b"no such thing"),
        answering("200 OK", b"<html>"),
        answering("101 Switching Protocols", b"", "Upgrade: websocket", "Connection: Upgrade"),  # no key
    ],
    ids=lambda value: value.__name__,
)
async def test_a_socket_that_does_not_open_says_so_in_time(
    nursery: trio.Nursery, behaviour: Behaviour
) -> None:
    url = await raw_peer(nursery, behaviour)

    with trio.fail_after(3), pytest.raises((PrinterUnreachable, ProtocolError), match=r"^OctoPrint at .*\.$"):
        await hold(url, drain)


async def test_nobody_there_is_said_as_for_any_request() -> None:
    with trio.socket.socket() as taken:
        await taken.bind(("127.0.0.1", 0))  # bound but not listening: every connection is refused
        with pytest.raises(PrinterUnreachable, match="refuses the connection: check its power"):
            await hold(f"http://127.0.0.1:{taken.getsockname()[1]}", drain)


async def test_leaving_closes_politely(nursery: trio.Nursery) -> None:
    gone = trio.Event()

    async def until_gone(pushed: Pushed) -> None:
        try:
            await trio.sleep_forever()
        finally:
            gone.set()

    url = await push_peer(nursery, until_gone)
    with trio.move_on_after(0.3):
        await hold(url, drain)

    with trio.fail_after(1):
        await gone.wait()


async def test_a_ping_that_falls_due_while_it_is_closed_waits_for_its_turn() -> None:
    async def slowly() -> None:
        await trio.sleep(0.2)

    stream, _ = memory_stream_pair()
    stream.send_stream.send_all_hook = slowly
    socket = PushSocket(stream, b"", "OctoPrint", BRIEF)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(socket.stay_in_touch)
        await trio.sleep(BRIEF.ping_s / 2)
        await socket.aclose()
        nursery.cancel_scope.cancel()


async def test_what_its_user_raises_comes_out_plain_and_a_bug_stays_a_bug(nursery: trio.Nursery) -> None:
    url = await push_peer(nursery, pushing_nothing)

    async def refuse(socket: PushSocket) -> NoReturn:
        raise ProtocolError("nonsense")

    async def stumble(socket: PushSocket) -> NoReturn:
        raise ZeroDivisionError

    with pytest.raises(ProtocolError, match="nonsense"):
        await hold(url, refuse)
    with pytest.raises(ExceptionGroup) as caught:
        await hold(url, stumble)
    assert caught.group_contains(ZeroDivisionError)
