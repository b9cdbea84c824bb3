"""A simulated fleet for tests, with its switches over their own port as everybody has them."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import trio
import trio.lowlevel

from farm.domain.printer import Address
from farm.simulator.server import Plan, Running, simulate

SOON_S = 10.0
LOOK_EVERY_S = 0.05
READY = {"octoprint": "Operational", "moonraker": "standby", "prusalink": "IDLE"}
"""How each dialect says that a fresh printer is ready."""
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # never used; the usual one takes 30 ms to make
HANDSHAKE = (
    b"GET /sockjs/websocket HTTP/1.1\r\nHost: farm\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
"""A WebSocket's, for who wants the bare connection."""


async def running_fleet(nursery: trio.Nursery, folder: Path, plan: Plan) -> Fleet:
    """A fleet in this process, on real sockets, until the nursery ends."""
    told: list[Running] = []
    nursery.start_soon(simulate, plan, folder, told.append)
    while not told:
        await trio.lowlevel.checkpoint()
    return Fleet(told[0].control)


@asynccontextmanager
async def deaf_client(printer: Printer) -> AsyncIterator[trio.SocketStream]:
    """A push socket, logged in, of a client that reads nothing unless the test does."""
    address = printer.address
    async with httpx.AsyncClient(base_url=address.url, trust_env=False, verify=NO_TLS) as http:
        key = {"X-Api-Key": address.api_key}
        login = (await http.post("/api/login", json={"passive": True}, headers=key)).json()
    auth = json.dumps({"auth": f"{login['name']}:{login['session']}"}).encode()
    line = trio.socket.socket()
    line.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_RCVBUF, 4096)
    await line.connect(("127.0.0.1", int(address.url.rpartition(":")[2])))
    async with trio.SocketStream(line) as stream:
        await stream.send_all(HANDSHAKE + b"\x81\xfe" + len(auth).to_bytes(2, "big") + bytes(4) + auth)
        yield stream


class Fleet:
    """The switches of a running simulator. control: their address."""

    def __init__(self, control: str) -> None:
        self.control = control
        self._http = httpx.AsyncClient(timeout=SOON_S, trust_env=False, verify=NO_TLS)

    async def add(self, **wish: Any) -> Printer:
        """A fresh printer, ready to print. wish: id, dialect, speed, seed."""
        told = await self.ask("POST", "/printers", wish)
        printer = Printer(self, told["id"], Address(told["dialect"], told["url"], told["api_key"]))
        await printer.until(READY[told["dialect"]])
        return printer

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        answer = await self._http.request(method, self.control + path, json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    async def aclose(self) -> None:
        await self._http.aclose()


class Printer:
    """One simulated printer and what is wrong with it."""

    def __init__(self, fleet: Fleet, id: str, address: Address) -> None:
        self.id = id
        self.address = address
        self._fleet = fleet

    async def told(self) -> dict[str, Any]:
        """Its state, and what it counted: starts, uploads, commands, requests."""
        return dict(await self._fleet.ask("GET", f"/printers/{self.id}"))

    async def switch(self, **faults: Any) -> None:
        await self._fleet.ask("PATCH", f"/printers/{self.id}", faults)

    async def do(self, what: str, **more: Any) -> None:
        await self._fleet.ask("POST", f"/printers/{self.id}/do", {"what": what, **more})

    async def until(self, state: str, within_s: float = SOON_S) -> None:
        with trio.fail_after(within_s):
            while True:
                if (await self.told())["state"] == state:
                    return
                await trio.sleep(LOOK_EVERY_S)
