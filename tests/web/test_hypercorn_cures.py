"""Bad clients on real sockets. Each test fails when its cure is taken out of farm/web/hypercorn_cures.py."""

from __future__ import annotations

import pytest
import trio
from bare_server import HANDSHAKE, BareServer
from quart import request, websocket
from trio.testing import wait_all_tasks_blocked
from web_farm import IMPATIENT, read_answer

from farm.web.hypercorn_cures import READ_BODY
from farm.web.request_cures import HELD, Body


@pytest.fixture
async def server():
    return BareServer()


def add_flood(server):
    """A WebSocket whose handler sends without end."""

    @server.app.websocket("/flood")
    async def flood():
        await websocket.accept()
        try:
            while True:
                await websocket.send("x" * 60_000)
        finally:
            server.ended.set()


async def test_client_that_stops_reading_is_cut_and_others_go_on(server):
    add_flood(server)
    async with server.running():
        await server.connect(HANDSHAKE % b"/flood", receive_buffer=4096)

        with trio.fail_after(3):
            await server.ended.wait()

        assert await server.is_well()


async def test_server_stops_in_time_with_a_client_that_does_not_read(server):
    add_flood(server)
    with trio.fail_after(3):
        async with server.running():
            await server.connect(HANDSHAKE % b"/flood", receive_buffer=4096)
            await trio.sleep(0.1)


async def test_download_of_a_client_that_stops_reading_is_cut(server):
    async def endless():
        try:
            while True:
                yield b"x" * 65536
        finally:
            server.ended.set()

    @server.app.get("/endless")
    async def download():
        return endless()

    async with server.running():
        await server.connect(b"GET /endless HTTP/1.1\r\nHost: farm\r\n\r\n", receive_buffer=4096)

        with trio.fail_after(3):
            await server.ended.wait()


async def test_body_waits_in_the_network_while_its_handler_is_slow(server, monkeypatch):
    peak = 0
    append = Body.append

    def measured(body, data):
        nonlocal peak
        append(body, data)
        peak = max(peak, body.held)

    monkeypatch.setattr(Body, "append", measured)

    @server.app.post("/slow")
    async def slow():
        await trio.sleep(0.3)
        size = 0
        async for piece in request.body:
            await trio.sleep(0.002)
            size += len(piece)
        return str(size)

    async with server.running():
        size = 48 * 1024 * 1024
        stream = await server.connect(
            b"POST /slow HTTP/1.1\r\nHost: farm\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % size
        )
        for _ in range(48):
            await stream.send_all(bytes(1024 * 1024))
        answer = await read_answer(stream)

    assert answer.endswith(str(size).encode())
    assert HELD <= peak <= HELD + READ_BODY


async def test_body_that_nobody_reads_is_bounded_and_the_answer_arrives(server):
    @server.app.post("/refuse")
    async def refuse():
        await trio.sleep(0.3)  # until all buffers are full
        return "no", 403

    async with server.running():
        stream = await server.connect(
            b"POST /refuse HTTP/1.1\r\nHost: farm\r\nContent-Length: 20000000\r\n\r\n"
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stream.send_all, bytes(19_000_000))  # not all it has promised
            answer = await read_answer(stream)

    assert answer.startswith(b"HTTP/1.1 403 ")
    assert answer.endswith(b"no")


async def test_continue_is_said_when_the_body_is_wanted_and_not_before(server):
    @server.app.post("/refuse")
    async def refuse():
        return "no", 413

    @server.app.post("/take")
    async def take():
        return str(sum([len(piece) async for piece in request.body]))

    async with server.running():
        head = b"POST %s HTTP/1.1\r\nHost: farm\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
        refused = await read_answer(await server.connect(head % b"/refuse"))
        stream = await server.connect(head % b"/take")
        wanted = await stream.receive_some(1000)
        await stream.send_all(b"12345")
        taken = await read_answer(stream, until=b"5")

    assert refused.startswith(b"HTTP/1.1 413 ")
    assert wanted.startswith(b"HTTP/1.1 100 ")
    assert taken.startswith(b"HTTP/1.1 200 ")
    assert taken.endswith(b"5")


async def test_client_that_leaves_in_mid_body_cancels_its_handler(server):
    @server.app.post("/slow")
    async def slow():
        try:
            async for _ in request.body:
                pass
        finally:
            server.ended.set()

    async with server.running():
        stream = await server.connect(b"POST /slow HTTP/1.1\r\nHost: farm\r\nContent-Length: 9\r\n\r\n123")
        await trio.sleep(0.05)
        await stream.aclose()

        with trio.fail_after(1):
            await server.ended.wait()


async def test_connection_is_kept_for_the_next_request_and_closed_when_idle(server):
    patience = IMPATIENT.__class__(grace_s=0.5, keep_alive_s=0.3, limits=IMPATIENT.limits)
    async with server.running(patience):
        stream = await server.connect(b"")
        for _ in range(3):
            await stream.send_all(b"GET /health HTTP/1.1\r\nHost: farm\r\n\r\n")
            assert (await read_answer(stream, until=b"ok")).startswith(b"HTTP/1.1 200 ")

        with trio.fail_after(2):
            assert await stream.receive_some(1000) == b""


async def test_headers_that_do_not_end_are_not_waited_for(server):
    patience = IMPATIENT.__class__(grace_s=0.5, keep_alive_s=0.3, limits=IMPATIENT.limits)
    async with server.running(patience):
        stream = await server.connect(b"GET /health HTTP/1.1\r\nHost: fa")

        with trio.fail_after(2):
            assert await stream.receive_some(1000) == b""


async def test_headers_larger_than_allowed_are_refused(server):
    async with server.running():
        stream = await server.connect(b"GET /health HTTP/1.1\r\nHost: farm\r\nX-Long: " + b"x" * 200_000)

        assert (await read_answer(stream)).startswith(b"HTTP/1.1 431 ")


async def test_headers_larger_than_allowed_are_refused_in_one_piece_too(server):
    async with server.running():
        head = b"GET /health HTTP/1.1\r\nHost: farm\r\n" + b"X-Many: x\r\n" * 3000 + b"\r\n"
        stream = await server.connect(head)

        assert (await read_answer(stream)).startswith(b"HTTP/1.1 431 ")


async def test_request_with_two_lengths_is_refused_with_all_that_follows_it(server):
    async with server.running():
        stream = await server.connect(
            b"GET /health HTTP/1.1\r\nHost: farm\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"0\r\n\r\nGET /health HTTP/1.1\r\nHost: farm\r\n\r\n"
        )
        answer = await read_answer(stream)

        assert answer.startswith(b"HTTP/1.1 400 ")
        assert answer.count(b"HTTP/1.1 ") == 1
        assert await server.is_well()


@pytest.mark.parametrize(
    "first",
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: f\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        b"HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\r\n\r\n\r\nnonsense\r\n\r\n",
    ],
)
async def test_other_protocols_get_no_hold_of_the_server(server, first):
    async with server.running():
        stream = await server.connect(first)
        with trio.move_on_after(0.3):
            answer = await stream.receive_some(1000)
            assert answer == b"" or answer.startswith((b"HTTP/1.1 2", b"HTTP/1.1 4"))
            assert b"101" not in answer.split(b"\r\n")[0]

        assert await server.is_well()


async def test_handler_that_ends_while_its_queue_is_full_frees_the_connection(server):
    @server.app.websocket("/deaf")
    async def deaf():
        await websocket.accept()
        await wait_all_tasks_blocked(0.1)

    async with server.running():
        stream = await server.connect(HANDSHAKE % b"/deaf")
        await stream.receive_some(1000)
        await stream.send_all(b"\x81\x81" + bytes(4) + b"x" + (b"\x81\x81" + bytes(4) + b"x") * 500)

        with trio.fail_after(3):
            answer = await read_answer(stream)
    assert answer.startswith(b"\x88")
