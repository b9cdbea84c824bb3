"""The farm's API over the whole real tree in memory, without sockets and on the virtual clock."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import trio
from quart_trio import QuartTrio

from farm.domain.printer import Operation
from farm.domain.user import LOCAL, Scope
from farm.web.app import build
from farm.web.desk import Desk
from tests.simulation.planner import OnlyOnDemand
from tests.simulation.shop import Shop, open_shop
from tests.web import described

PASSWORD = "correct horse battery"
NOTED = tuple(
    f'INSERT INTO "{table}"'
    for table in (
        "printer_status_history",
        "job_progress_history",
        "error_logs",
        "printer_days",
        "sqlite_sequence",
    )
)
GCODE = b"G28\nG1 X10 Y10 E1\n" * 20


@dataclass
class Request:
    """One request, to be sent as often as a test likes. path: filled in."""

    method: str
    path: str
    status: int
    json: Any = None
    content: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class ApiShop:
    """A shop, and somebody who may do everything at its front door. sent: what left for the machines."""

    shop: Shop
    desk: Desk
    app: QuartTrio
    http: httpx.AsyncClient
    folder: Path
    sent: list[tuple[str, str]]
    numbers: itertools.count[int]

    def name(self, what: str) -> str:
        """A name nobody has yet."""
        return f"{what}{next(self.numbers)}"

    async def send(self, request: Request, query: str = "", **headers: str) -> httpx.Response:
        path = request.path + (("&" if "?" in request.path else "?") + query if query else "")
        body = {} if request.json is None else {"json": request.json}
        if request.content is not None:
            body = {"content": request.content}
        return await self.http.request(request.method, path, headers={**request.headers, **headers}, **body)

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, json: Any = None) -> Any:
        answer = await self.http.post(path, **({} if json is None else {"json": json}))
        assert answer.status_code < 300, answer.text
        return answer.json()

    # -- what requests are about

    async def printer(self, *, clear: bool = True) -> str:
        """A printer that stands idle."""
        name = self.name("mk")
        await self.shop.add_printer(name)
        machine = self.shop.machines[name]
        check = machine.sent

        def note(command: str) -> None:
            self.sent.append((name, command))
            check(command)

        machine.sent = note
        if clear:
            await self.shop.clear(name)
        await self.comes_to(name, Operation.IDLE)
        return name

    async def printing(self) -> str:
        """A printer at work on a job of its own."""
        name = await self.printer()
        await self.shop.add_job(await self.file(), required_printers=frozenset({name}))
        await self.comes_to(name, Operation.PRINTING)
        return name

    async def file(self) -> str:
        """A file that no job needs."""
        name = self.name("part")
        return await self.upload(f"{name}.gcode", GCODE + name.encode())

    async def upload(self, name: str, content: bytes) -> str:
        """A file that was read, so that nobody changes its row any more."""
        answer = await self.http.post(f"/v1/files?name={name}", content=content)
        assert answer.status_code == 201, answer.text
        id = answer.json()["id"]
        for _ in range(600):
            if (await self.get(f"/v1/files/{id}"))["analysis"]["state"] in ("ready", "failed"):
                return id
            await trio.sleep(0.5)
        raise AssertionError(f"{name} was never read")

    async def job(self, **wishes: Any) -> str:
        """A job that does not start."""
        wish = {"file": await self.file(), "hold": True, **wishes}
        return (await self.post("/v1/jobs", wish))["id"]

    async def command(self, printer: str, name: str, **fields: Any) -> None:
        """Have a printer do something, and see it done."""
        await self.post(f"/v1/printers/{printer}/commands", {"command": name, **fields})
        await trio.sleep(10)

    async def comes_to(self, printer: str, operation: Operation) -> None:
        """Wait until the printer is seen so."""
        for _ in range(600):
            status = (await self.shop.statuses()).get(printer)
            if status is not None and status.operation is operation:
                return
            await trio.sleep(0.5)
        raise AssertionError(f"{printer} never came to be {operation}")

    # -- what must not change

    def kept(self) -> tuple[list[str], dict[str, bytes], list[tuple[str, str]]]:
        """Every row of the database, every file on the disk, and what was sent to the machines.

        But for what is noted of machines as time goes on.
        """
        dump = self.shop.promises.look(lambda db: list(db.iterdump()))
        rows = [row for row in dump if not row.startswith(NOTED)]
        files = {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in (self.folder / "files").rglob("*")
            if path.is_file()
        }
        return rows, files, list(self.sent)


@asynccontextmanager
async def open_api() -> AsyncIterator[ApiShop]:
    """A shop without printers, whose every answer is held against its description."""
    async with open_shop(planner=OnlyOnDemand(takes_s=0.05)) as shop:
        desk = shop.farm.desk()
        app = build(desk)

        async def front(scope: Any, receive: Any, send: Any) -> None:
            body = [await receive()]  # to its end, or httpx leaves a generator behind
            while body[-1]["more_body"]:
                body.append(await receive())

            async def hear() -> Any:
                return body.pop(0) if body else await receive()

            await app({"extensions": {}, **scope}, hear, send)

        async def check(response: httpx.Response) -> None:
            await response.aread()
            described.check(app, response)

        _, key = await desk.gate.create_key(LOCAL, "whoever may do everything", [Scope.ADMIN])
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=front),
            base_url="http://farm",
            headers={"X-Api-Key": key},
            event_hooks={"response": [check]},
            timeout=600,
        ) as http:
            folder = shop.farm._folder.path
            await http.get("/v1/auth/me")  # the key is noted as used, which is nothing a test asked for
            yield ApiShop(shop, desk, app, http, folder, [], itertools.count(1))
