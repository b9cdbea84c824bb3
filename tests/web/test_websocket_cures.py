"""WebSockets frame by frame. The test of a cure fails when it is taken out of websocket_cures.py."""

from __future__ import annotations

import os
import struct
import tracemalloc
import zlib

import pytest
import trio
from bare_server import HANDSHAKE, HASTY, BareServer
from quart import websocket
from web_farm import read_answer
from wsproto.connection import Connection, ConnectionType
from wsproto.events import CloseConnection, Ping, Pong, TextMessage
from wsproto.extensions import PerMessageDeflate

from farm.live.frame import Frame
from farm.web import hypercorn_cures
from farm.web.server import MAX_MESSAGE, MOST_HANDSHAKES
from farm.web.websocket_cures import SOCKET

OFFER = b"Sec-WebSocket-Extensions: %s\r\n"


@pytest.fixture
async def server():
    return BareServer()


def add_echo(server):
    """A WebSocket that says the length of what it hears, and `bye` to `bye`."""

    @server.app.websocket("/echo")
    async def echo():
        await websocket.accept()
        while (said := await websocket.receive()) != "bye":
            await websocket.send(f"{len(said)}")


def add_raw(server, attend):
    """A WebSocket that `attend` looks after, with the `Socket` itself in its hands."""

    @server.app.websocket("/raw")
    async def raw():
        await websocket.accept()
        try:
            await attend(websocket.scope["extensions"][SOCKET])
        finally:
            server.ended.set()


class Client:
    """A client's end of a WebSocket."""

    def __init__(self, stream, deflate=None):
        self.stream = stream
        self.deflate = deflate
        self.protocol = Connection(ConnectionType.CLIENT, [deflate] if deflate else [])

    async def say(self, event):
        await self.stream.send_all(self.protocol.send(event))

    async def hear(self, within_s=3.0):
        """The next event: a text, the code of a close frame, or another of wsproto's; None at the end."""
        text = ""
        with trio.move_on_after(within_s):
            while True:
                for event in self.protocol.events():
                    if isinstance(event, TextMessage):
                        text += event.data
                        if event.message_finished:
                            return text
                    else:
                        return event.code if isinstance(event, CloseConnection) else event
                data = await self.stream.receive_some(4096)
                if not data:
                    return None
                self.protocol.receive_data(data)
        return None


async def connect(server, path, *, offer=None, receive_buffer=None):
    """A client after its handshake."""
    extra = b"" if offer is None else OFFER % offer
    stream = await server.connect(HANDSHAKE[:-2] % path + extra + b"\r\n", receive_buffer)
    head = b""
    while b"\r\n\r\n" not in head:
        head += await stream.receive_some(1)  # no more, for frames may follow at once
    assert head.startswith(b"HTTP/1.1 101 ")
    deflate = None
    if b"permessage-deflate" in head.lower():
        deflate = PerMessageDeflate()
        deflate.finalize("permessage-deflate; server_no_context_takeover; client_no_context_takeover")
    return Client(stream, deflate)


async def test_sending_in_a_loop_to_a_client_that_left_does_not_stop_the_loop(server):
    most = 100_000  # without the cure all of them are "sent" in one go while nothing else happens
    counts = []

    @server.app.websocket("/spin")
    async def spin():
        await websocket.accept()
        sent = 0
        try:
            while sent < most:
                sent += 1
                await websocket.send("x")
        finally:
            counts.append(sent)

    async def leave_while_it_sends():
        stream = await server.connect(HANDSHAKE % b"/spin")
        await stream.receive_some(10_000)
        await stream.send_eof()
        while await stream.receive_some(10_000):
            pass

    async with server.running(HASTY):
        for _ in range(4):  # trio shuffles who is first to see that the client has left
            await leave_while_it_sends()

    assert len(counts) == 4
    assert max(counts) < most


async def test_mistake_in_a_websocket_handler_closes_with_1011(server, logged, caplog):
    @server.app.websocket("/broken")
    async def broken():
        await websocket.accept()
        raise ZeroDivisionError

    @server.app.websocket("/fine")
    async def fine():
        await websocket.accept()

    codes = {}
    async with server.running(HASTY):
        for path in (b"/broken", b"/fine"):
            stream = await server.connect(HANDSHAKE % path)
            frame = (await read_answer(stream)).partition(b"\r\n\r\n")[2]
            codes[path] = struct.unpack(">H", frame[2:4])[0]

    assert codes == {b"/broken": 1011, b"/fine": 1000}


async def test_websocket_message_without_end_is_not_gathered(server):
    @server.app.websocket("/listen")
    async def listen():
        await websocket.accept()
        try:
            await websocket.receive()
        finally:
            server.ended.set()

    async with server.running(HASTY):
        stream = await server.connect(HANDSHAKE % b"/listen")
        await stream.receive_some(1000)
        part = b"\xff" + struct.pack(">Q", MAX_MESSAGE) + bytes(4) + bytes(MAX_MESSAGE)
        first = bytearray(part)
        await stream.send_all(b"\x01" + bytes(first))  # a text message whose end never comes
        with pytest.raises(trio.BrokenResourceError):  # noqa: PT012
            for _ in range(2000):
                await stream.send_all(b"\x00" + part)
                await trio.sleep(0.002)

        with trio.fail_after(2):
            await server.ended.wait()


@pytest.mark.parametrize("reserved", [b"\xc1", b"\xa1", b"\x91"])
async def test_reserved_bits_without_their_meaning_are_refused(server, reserved):
    add_echo(server)
    async with server.running(HASTY):
        client = await connect(server, b"/echo")
        await client.stream.send_all(reserved + b"\x81\0\0\0\0x")

        assert await client.hear() == 1002


@pytest.mark.parametrize(
    ("garbage", "code"),
    [
        (b"\x81\x01x", 1002),  # not masked
        (b"\x83\x80\0\0\0\0", 1002),  # no such kind of frame
        (b"\x80\x80\0\0\0\0", 1002),  # the rest of nothing
        (b"\x09\x80\0\0\0\0", 1002),  # half a ping
        (b"\x89\xfe\x00\x80\0\0\0\0" + bytes(128), 1002),  # a ping that is too long
        (b"\x81\xfe\x00\x01\0\0\0\0x", 1002),  # a length written longer than need be
        (b"\x81\xff" + b"\xff" * 8 + bytes(4), 1002),  # a length that cannot be
        (b"\x81\x82\0\0\0\0\xc3\x28", 1007),  # no UTF-8
        (b"\x88\x81\0\0\0\0x", 1002),  # half a close code
        (b"\x01\x81\0\0\0\0x\x81\x81\0\0\0\0y", 1002),  # a message within a message
        pytest.param(os.urandom(64), None, id="anything"),
    ],
)
async def test_what_is_no_frame_is_answered_with_its_close_code(server, garbage, code):
    add_echo(server)
    async with server.running(HASTY):
        client = await connect(server, b"/echo")
        await client.stream.send_all(garbage)
        if code is None:
            await client.stream.send_eof()
            await client.hear()
        else:
            assert await client.hear() == code

        assert await server.is_well()


async def test_handlers_that_hang_over_a_handshake_hold_up_others_for_a_moment_only(server, monkeypatch):
    monkeypatch.setattr(hypercorn_cures, "LET_IN_WITHIN_S", 0.3)

    @server.app.websocket("/hang")
    async def hang():
        await trio.sleep_forever()

    add_echo(server)
    async with server.running(HASTY):
        for _ in range(2 * MOST_HANDSHAKES):
            await server.connect(HANDSHAKE % b"/hang")
        assert await server.is_well()  # whoever wants no socket does not wait at all
        with trio.fail_after(3):
            client = await connect(server, b"/echo")
            await client.say(TextMessage("hello"))
            assert await client.hear() == "5"


# -- compression -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offer", "taken"),
    [
        (b"permessage-deflate", True),
        (b"permessage-deflate; client_max_window_bits", True),  # Chromium
        (b"x-unknown, permessage-deflate; client_no_context_takeover", True),
        (b"permessage-deflate; server_max_window_bits=10, permessage-deflate", True),
        (b"permessage-deflate; server_max_window_bits=10", False),
        (b"x-webkit-deflate-frame", False),
        (b"", False),
        (None, False),
    ],
)
async def test_compression_is_accepted_where_one_message_is_good_for_all(server, offer, taken):
    async def attend(socket):
        await socket.send_frames(
            b"".join(frame.deflated if socket.deflates else frame.plain for frame in frames)
        )

    frames = [Frame("tell everybody " * 100), Frame("short"), Frame("again and " * 1000)]
    add_raw(server, attend)
    async with server.running(HASTY, compression=True):
        client = await connect(server, b"/raw", offer=offer)

        assert (client.deflate is not None) is taken
        assert [await client.hear() for _ in frames] == [frame.text for frame in frames]


async def test_compression_is_not_offered_when_it_is_switched_off(server):
    add_echo(server)
    async with server.running(HASTY, compression=False):
        client = await connect(server, b"/echo", offer=b"permessage-deflate")

        assert client.deflate is None
        await client.say(TextMessage("x" * 5000))
        assert await client.hear() == "5000"


async def test_deflated_messages_are_understood_whole_in_parts_and_beside_others(server):
    add_echo(server)
    async with server.running(HASTY, compression=True):
        client = await connect(server, b"/echo", offer=b"permessage-deflate")
        for length in (0, 1, 100, 10_000, MAX_MESSAGE):
            await client.say(TextMessage("x" * length))
            assert await client.hear() == f"{length}"
        await client.say(TextMessage("x" * 700, message_finished=False))
        await client.say(Ping(b"between"))
        await client.say(TextMessage("y" * 300))
        assert isinstance(await client.hear(), Pong)
        assert await client.hear() == "1000"
        client.deflate._enabled = False
        await client.stream.send_all(b"\x81\x83\0\0\0\0abc")  # one that is not deflated
        assert await client.hear() == "3"


@pytest.mark.parametrize(
    "pieces", [[os.urandom(MAX_MESSAGE).hex().encode()], [bytes(1 << 20)] * 200], ids=["random", "zeros"]
)
async def test_deflated_message_that_would_be_too_large_is_not_inflated(server, pieces):
    add_echo(server)
    squeeze = zlib.compressobj(9, wbits=-15)
    bomb = b"".join(map(squeeze.compress, pieces)) + squeeze.flush(zlib.Z_SYNC_FLUSH)[:-4]
    async with server.running(HASTY, compression=True):
        client = await connect(server, b"/echo", offer=b"permessage-deflate")
        tracemalloc.start()
        size = len(bomb)
        length = struct.pack(">BQ", 255, size) if size >> 16 else struct.pack(">BH", 254, size)
        await client.stream.send_all(b"\xc1" + length + bytes(4) + bomb)
        code = await client.hear()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

        assert code == 1009
        assert peak < 4_000_000
        assert await server.is_well()


async def test_what_cannot_be_inflated_is_refused(server):
    add_echo(server)
    async with server.running(HASTY, compression=True):
        client = await connect(server, b"/echo", offer=b"permessage-deflate")
        await client.stream.send_all(b"\xc1\x84\0\0\0\0\xff\xff\xff\xff")

        assert await client.hear() == 1007


# -- sending without waiting -------------------------------------------------------------------


async def test_frames_sent_now_and_later_and_pongs_never_mix(server):
    """A client that reads slowly, so that most frames go in pieces, and asks for pongs all the time."""
    count = 600
    sent_now = []

    def length(n):
        return 300_000 if n % 60 == 0 else n * 37 % 5000

    async def attend(socket):
        for n in range(count):
            data = Frame(f"{n} " + "x" * length(n)).plain
            if n % 3 == 0 and socket.send_now(data):
                sent_now.append(n)
            else:
                await socket.send_frames(data)

    add_raw(server, attend)
    async with server.running(HASTY):
        client = await connect(server, b"/raw", receive_buffer=4096)
        heard, pongs = [], 0
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def ask():
                for n in range(200):
                    await client.say(Ping(b"%d" % n))
                    await trio.sleep(0.001)

            while len(heard) < count:
                event = await client.hear()
                if isinstance(event, Pong):
                    pongs += 1
                else:
                    assert isinstance(event, str), event
                    heard.append(event)
            nursery.cancel_scope.cancel()

    assert [int(text.split()[0]) for text in heard] == list(range(count))
    assert [len(text) for text in heard] == [len(f"{n} ") + length(n) for n in range(count)]
    assert sent_now
    assert pongs


async def test_what_a_client_does_not_take_at_once_has_a_deadline(server):
    async def attend(socket):
        assert socket.send_now(Frame("x" * 20_000_000).plain)  # the kernel takes a part of it
        assert not socket.send_now(Frame("y").plain)
        await trio.sleep_forever()

    add_raw(server, attend)
    async with server.running(HASTY):
        await connect(server, b"/raw", receive_buffer=4096)

        with trio.fail_after(HASTY.limits.send_within_s + 2):
            await server.ended.wait()
        assert await server.is_well()


async def test_nothing_is_sent_to_a_client_that_said_goodbye(server):
    """Not even in the moment in which its goodbye is answered: a close frame is the last that is said."""
    sockets = []

    async def attend(socket):
        sockets.append(socket)
        assert socket.send_now(Frame("x").plain)
        await trio.sleep_forever()

    add_raw(server, attend)
    async with server.running(HASTY):
        client = await connect(server, b"/raw")
        assert await client.hear() == "x"
        await client.say(CloseConnection(1000))
        with trio.fail_after(2):
            await server.ended.wait()

        assert not sockets[0].send_now(Frame("y").plain)
        assert await client.hear() == 1000


async def test_nothing_is_sent_to_a_client_that_is_gone_or_was_said_goodbye_to(server):
    outcomes = []

    async def attend(socket):
        await websocket.close(4000)
        outcomes.append(socket.send_now(Frame("x").plain))
        with pytest.raises(trio.BrokenResourceError):
            await socket.send_frames(Frame("x").plain)

    add_raw(server, attend)
    async with server.running(HASTY):
        client = await connect(server, b"/raw")
        assert await client.hear() == 4000
        with trio.fail_after(2):
            await server.ended.wait()

    assert outcomes == [False]


async def test_sign_of_life_is_asked_for_and_seen(server):
    heard_at, pong_sent = [], trio.Event()

    async def attend(socket):
        heard_at.append(socket.heard_at)
        await trio.sleep(0.05)
        await socket.ping()
        await pong_sent.wait()
        await trio.sleep(0.1)
        heard_at.append(socket.heard_at)

    add_raw(server, attend)
    async with server.running(HASTY):
        client = await connect(server, b"/raw")
        ping = await client.hear()
        assert isinstance(ping, Ping)
        await client.say(ping.response())
        pong_sent.set()
        with trio.fail_after(3):
            await server.ended.wait()

    before, after = heard_at
    assert after - before >= 0.05
