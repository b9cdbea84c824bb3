from __future__ import annotations

import errno
import socket
import ssl
import time
from typing import ClassVar

import httpx
import pytest
import trio
from quart_trio import QuartTrio
from web_farm import IMPATIENT, read_answer

from farm.actors import ChildSpec, Mailbox, RestartPolicy, Supervisor
from farm.actors.supervisor import Runtime
from farm.errors import Refused
from farm.web import hypercorn_cures
from farm.web.server import Web, _take_in

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # an empty one: httpx would read all of the system's


def an_app(asked=None):
    app = QuartTrio("test", static_folder=None)
    hypercorn_cures.cure(app)
    app.config.update(RESPONSE_TIMEOUT=None, PROPAGATE_EXCEPTIONS=False)

    @app.get("/slow/<float:seconds>")
    async def slow(seconds):
        if asked is not None:
            asked.set()
        await trio.sleep(seconds)
        return "done"

    return app


async def get(url, path):
    async with httpx.AsyncClient(timeout=5, verify=NO_TLS) as http:
        return await http.get(url + path)


async def test_stop_answers_what_runs_and_takes_nothing_new():
    asked = trio.Event()
    web = Web(an_app(asked), "127.0.0.1", 0, lambda address: None, IMPATIENT)
    url, door, answers = web.bind(), Mailbox("web", size=1), []

    async def ask():
        answers.append(await get(url, "/slow/0.3"))

    async with trio.open_nursery() as clients, trio.open_nursery() as nursery:
        nursery.start_soon(web.run, door)
        clients.start_soon(ask)
        await asked.wait()
        door.close()
    with pytest.raises(httpx.ConnectError):
        await get(url, "/slow/0.0")

    assert [answer.text for answer in answers] == ["done"]


async def test_stop_cuts_what_does_not_end():
    asked = trio.Event()
    web = Web(an_app(asked), "127.0.0.1", 0, lambda address: None, IMPATIENT)
    url, door = web.bind(), Mailbox("web", size=1)

    async def ask():
        with pytest.raises(httpx.RemoteProtocolError):
            await get(url, "/slow/60.0")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(web.run, door)
        nursery.start_soon(ask)
        await asked.wait()
        began = time.monotonic()
        door.close()

    assert time.monotonic() - began < 2


async def test_address_that_is_taken_is_said_in_one_sentence():
    first = Web(an_app(), "127.0.0.1", 0, lambda address: None)
    port = int(first.bind().rpartition(":")[2])
    try:
        with pytest.raises(Refused, match=f"127.0.0.1:{port}.*--port"):
            Web(an_app(), "127.0.0.1", port, lambda address: None).bind()
    finally:
        first.close()


async def test_restarted_door_is_found_at_the_same_address():
    told, crash, crashed = [], trio.Event(), trio.Event()
    web = Web(an_app(), "127.0.0.1", 0, told.append, IMPATIENT)

    async def crashing_once(mailbox):
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(web.run, mailbox)
                if not crashed.is_set():
                    await crash.wait()
                    scope.cancel()
        if scope.cancelled_caught:
            crashed.set()
            raise ZeroDivisionError

    async with Supervisor(Runtime()).running() as supervisor:
        policy = RestartPolicy(first_delay_s=0.01)
        await supervisor.start(ChildSpec(name="web", run=crashing_once, policy=policy, door=True))
        before = await get(told[0], "/slow/0.0")
        crash.set()
        await crashed.wait()
        with trio.fail_after(5):
            after = await get(told[0], "/slow/0.0")

    assert before.text == after.text == "done"
    assert told == [told[0]] * 2


async def test_half_a_request_then_nothing_does_not_keep_the_server_from_stopping():
    web = Web(an_app(), "127.0.0.1", 0, lambda address: None, IMPATIENT)
    port, door = int(web.bind().rpartition(":")[2]), Mailbox("web", size=1)
    with trio.fail_after(3):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(web.run, door)
            stream = await trio.open_tcp_stream("127.0.0.1", port)
            await stream.send_all(b"POST /slow/0.1 HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12")
            await trio.sleep(0.05)
            door.close()
        await read_answer(stream)
        await stream.aclose()


class Crowded(socket.socket):
    """A listening socket on a machine that is out of descriptors for a moment."""

    refusals: ClassVar = [errno.EMFILE, errno.ECONNABORTED, errno.ENFILE]

    def accept(self):
        if self.refusals:
            raise OSError(self.refusals.pop(0), "no")
        return super().accept()


async def test_whoever_knocks_while_there_is_no_room_is_taken_in_when_there_is(logged):
    told, taken_in = trio.open_memory_channel(3)
    with Crowded() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_take_in, listener, told.send_nowait)
            streams = [await trio.open_tcp_stream(*listener.getsockname()) for _ in range(3)]
            with trio.fail_after(3):
                streams += [await taken_in.receive() for _ in range(3)]
            nursery.cancel_scope.cancel()
        for stream in streams:
            await trio.aclose_forcefully(stream)

    assert Crowded.refusals == []
    assert len([entry for entry in logged if entry["event"] == "no connection can be taken in"]) == 2
