"""Only reads and decodes what printers push, with trio-websocket: what listening to them costs at the least.

    python -m scripts.benches.crowd.rival SECONDS

It reads a JSON array from its input, of `Listened`, listens to all of them as the farm's driver does, and
writes what so many seconds took.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

import httpx
import msgspec
import trio
from trio_websocket import WebSocketConnection, open_websocket_url

from farm.drivers.octoprint import protocol, push

CONNECTS_WITHIN_S = 60.0
AT_ONCE = 50
SETTLES_S = 2.0


class Listened(msgspec.Struct, frozen=True):
    """An OctoPrint that is listened to. half_seconds: between two pictures of its state."""

    url: str
    key: str
    half_seconds: int


class Took(msgspec.Struct, frozen=True):
    """What listening took. messages: that were pushed meanwhile."""

    messages: int
    cpu_s: float

    @property
    def cpu_us_per_message(self) -> float:
        return 1e6 * self.cpu_s / self.messages


async def listen(printers: Sequence[Listened], seconds: float) -> Took:
    """Runs this in a process of its own. Raises trio.TooSlowError."""
    command = [sys.executable, "-m", "scripts.benches.crowd.rival", str(seconds)]
    with trio.fail_after(2 * CONNECTS_WITHIN_S + seconds):
        done = await trio.run_process(command, stdin=msgspec.json.encode(printers), capture_stdout=True)
    return msgspec.json.decode(done.stdout, type=Took)


class _Listeners:
    """A task for each printer. newest: what it said last, by its address."""

    def __init__(self) -> None:
        self.newest: dict[str, Any] = {}
        self.messages = 0
        self._at_once = trio.CapacityLimiter(AT_ONCE)

    async def listen(self, printer: Listened, task_status: trio.TaskStatus[None]) -> None:
        async with self._at_once, httpx.AsyncClient(trust_env=False) as http:
            login = await _logged_in(http, printer)
        async with open_websocket_url(printer.url.replace("http", "ws", 1) + push.PATH) as socket:
            await _introduce(socket, printer, login)
            task_status.started()
            while True:
                self.newest[printer.url] = msgspec.json.decode(await socket.get_message())
                self.messages += 1


async def _logged_in(http: httpx.AsyncClient, printer: Listened) -> protocol.Login:
    headers = {"X-Api-Key": printer.key}
    answer = await http.post(f"{printer.url}/api/login", headers=headers, json={"passive": True})
    found = answer.raise_for_status().json()
    return protocol.Login(found["name"], found["session"])


async def _introduce(socket: WebSocketConnection, printer: Listened, login: protocol.Login) -> None:
    for words in (push.subscription(), push.pace(printer.half_seconds), push.authentication(login)):
        await socket.send_message(words)


async def _measure(printers: Sequence[Listened], seconds: float) -> Took:
    listeners = _Listeners()
    async with trio.open_nursery() as nursery:
        with trio.fail_after(CONNECTS_WITHIN_S):
            async with trio.open_nursery() as connecting:
                for printer in printers:
                    connecting.start_soon(nursery.start, listeners.listen, printer)
        await trio.sleep(SETTLES_S)
        heard, used_s = listeners.messages, time.process_time()
        await trio.sleep(seconds)
        took = Took(listeners.messages - heard, time.process_time() - used_s)
        nursery.cancel_scope.cancel()
    return took


if __name__ == "__main__":
    given = msgspec.json.decode(sys.stdin.buffer.read(), type=list[Listened])
    sys.stdout.buffer.write(msgspec.json.encode(trio.run(_measure, given, float(sys.argv[1]))))
