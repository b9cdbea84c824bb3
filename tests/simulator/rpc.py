"""A bare JSON-RPC client of a Moonraker's socket, real or simulated, that writes down all it hears."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_client_stream

WHO = {"client_name": "farm", "version": "1", "type": "other", "url": "http://farm.test"}
PATIENCE_S = 30.0

Json = Any


class Rpc:
    """The client's end. heard: notifications as they came. closed: whether the other end hung up."""

    def __init__(self, socket: WebSocketConnection) -> None:
        self.heard: list[Json] = []
        self.heard_at: list[float] = []
        self.closed = False
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[Any, Json] = {}
        self._news = trio.Event()

    async def call(self, method: str, within_s: float = PATIENCE_S, **params: Json) -> Json:
        """The whole answer. Raises trio.TooSlowError."""
        number = await self.send(method, **params)
        with trio.fail_after(within_s):
            return await self.answer_to(number)

    async def send(self, method: str, **params: Json) -> int:
        number = next(self._numbers)
        message = {"jsonrpc": "2.0", "method": method, "params": params, "id": number}
        await self._socket.send_message(json.dumps(message))
        return number

    async def answer_to(self, number: int | None) -> Json:
        while number not in self._answers:
            if self.closed:
                raise EOFError("the other end hung up")
            await self._news.wait()
        return self._answers.pop(number)

    async def say(self, text: str) -> None:
        await self._socket.send_message(text)

    def told(self, name: str) -> list[Json]:
        return [message.get("params") for message in self.heard if message["method"] == f"notify_{name}"]

    async def until_told(self, name: str, within_s: float = PATIENCE_S) -> Json:
        """The parameters of the first such notification there is."""
        with trio.fail_after(within_s):
            while not self.told(name):
                await self._news.wait()
        return self.told(name)[0]

    async def until_closed(self, within_s: float = PATIENCE_S) -> None:
        with trio.fail_after(within_s):
            while not self.closed:
                await self._news.wait()

    async def listen(self) -> None:
        try:
            while True:
                self._take(json.loads(await self._socket.get_message()))
        except (ConnectionClosed, ValueError):
            self.closed = True
            self._tell()

    def _take(self, message: Json) -> None:
        if isinstance(message, list) or "method" not in message:
            self._answers["list" if isinstance(message, list) else message.get("id")] = message
        else:
            self.heard.append(message)
            self.heard_at.append(trio.current_time())
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = trio.Event()


@asynccontextmanager
async def at_the_socket(url: str, api_key: str = "") -> AsyncIterator[Rpc]:
    """A client that has said who it is, where it has a key."""
    host = url.removeprefix("http://")
    stream = await trio.open_tcp_stream(host.partition(":")[0], int(host.partition(":")[2]))
    try:
        async with trio.open_nursery() as nursery:
            rpc = Rpc(await wrap_client_stream(nursery, stream, host, "/websocket"))
            nursery.start_soon(rpc.listen)
            if api_key:
                await rpc.call("server.connection.identify", **WHO, api_key=api_key)
            yield rpc
            nursery.cancel_scope.cancel()
    finally:  # by hand: after a broken message trio-websocket would wait for ever, and leave it open
        await trio.aclose_forcefully(stream)
