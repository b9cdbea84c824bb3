"""A farm behind a real server on loopback: real database, gate and storage; the test plays the neighbours."""

from __future__ import annotations

import random
import ssl
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial

import httpx
import trio

from farm.access.gate import Gate
from farm.access.passwords import Cost, Hasher
from farm.access.rights import Action, Target, require
from farm.access.secrets import Seal
from farm.access.tokens import TokenKeys
from farm.actors import Address, Mailbox, serve
from farm.actors.supervisor import ActorReport, ActorState
from farm.actors.vitals import Vitals
from farm.domain.command import NAMES
from farm.domain.file import NO_QUOTA
from farm.domain.plan import Effect
from farm.domain.printer import Address as PrinterAddress
from farm.domain.printer import Connection, Operation, Plate, Printer, PrinterStatus
from farm.domain.user import EVERYTHING, LOCAL, Role, Scope
from farm.errors import NotFound
from farm.files.storage import Storage
from farm.live.bell import Bell
from farm.live.clients import ClientNumbers
from farm.live.frame import Frame
from farm.printers.messages import AddPrinter, ChangePrinter, Probed, ProbePrinter, RunCommand
from farm.printers.settings import changed_printer
from farm.queue.clerk import Clerk
from farm.queue.messages import ClearPlate, ShopRule, Wish
from farm.queue.planned import FollowedPlan
from farm.schedule.messages import CompareRules
from farm.store import printers
from farm.store.audit import Stamp
from farm.store.commands import tell_end
from farm.store.connection import FARM, TELEMETRY
from farm.store.database import Database
from farm.telemetry.messages import TelemetryNumbers
from farm.telemetry.writer import Kept
from farm.web.app import build
from farm.web.desk import Desk
from farm.web.hypercorn_cures import Limits
from farm.web.idempotency import Memory, Running
from farm.web.server import Patience, Web
from farm.workers.process import State
from tests.web import described

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
PASSWORD = "correct horse battery"
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # an empty one: httpx would read all of the system's
MAX_UPLOAD = 2_000_000
IMPATIENT = Patience(grace_s=0.5, keep_alive_s=5.0, limits=Limits(send_within_s=1.0, linger_s=0.5))
USUAL = Patience(grace_s=0.5, keep_alive_s=5.0, limits=Limits(linger_s=0.5))


class Neighbour:
    """An actor that keeps what it hears, and answers what the test told it to."""

    def __init__(self, name, answer=lambda message, by: None):
        self.mailbox = Mailbox(name, size=16)
        self.heard = []
        self.askers = []
        self.answer = answer

    async def run(self):
        await serve(self.mailbox, self._handle)

    async def _handle(self, message, by):
        await trio.lowlevel.checkpoint()
        self.heard.append(message)
        self.askers.append(by)
        answer = self.answer(message, by)
        return await answer if hasattr(answer, "__await__") else answer


class Echo:
    """Attends to clients of the live socket by saying everything back."""

    def __init__(self):
        self.lines = []
        self.closed = {}

    def numbers(self):
        return ClientNumbers(len(self.lines), self.closed, self.closed.get(1013, 0))

    async def attend(self, line):
        self.lines.append(line)
        while (said := await line.receive()) != "bye":
            await line.send([Frame(f"you said {said}")])
        await line.close(4000, "as you wish")


class WebFarm:
    def __init__(self, folder):
        self.folder = folder
        self.chance = random.Random(7)
        self.now = NOON
        self.statuses = {}
        self.printers = {}
        self.queue = Neighbour("queue", self._queue_answers)
        self.fleet = Neighbour("fleet", self._fleet_answers)
        self.files = Neighbour("files")
        self.scheduler = Neighbour(
            "scheduler", lambda message, by: Effect() if isinstance(message, CompareRules) else None
        )
        self.plan = FollowedPlan()
        self.events = Neighbour("events", lambda message, by: self.statuses)
        self.clients = Echo()
        self.bell = Bell()
        self.database = Database(
            folder / "farm.db", FARM, chance=self.chance, on_facts=lambda facts: self.bell.ring()
        )
        self.readings = Database(folder / "telemetry.db", TELEMETRY, chance=self.chance)
        self.storage = Storage(folder / "files", min_free=0)
        self.seal = Seal.load(folder / "secret-key", first_run=True)
        self.patience = USUAL
        self.quota = NO_QUOTA
        self.kept = Kept()
        self.told = []
        self.streams = []
        self.reports = lambda: [
            ActorReport("queue", ActorState.RUNNING, 0, 3, 64, 0, 0, 2, 12, 1, 0, 0.0125, "Crash: once"),
            *(
                ActorReport(f"printer:{id}", ActorState.RUNNING, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0.0, "")
                for id in self.printers
            ),
        ]

    @asynccontextmanager
    async def running(self):
        hasher = Hasher(inline=True, cost=Cost(memory_kib=8, passes=1))
        keys = TokenKeys.load(self.folder / "token-keys.json", NOON, self._token)
        self.gate = Gate(self.database, self.folder, keys, hasher, clock=lambda: self.now, chance=self.chance)
        self.vitals = Vitals(self.folder)
        async with self.database.running(), self.readings.running():
            await self.storage.open()
            self.code = await self.gate.prepare()
            self.app = build(self.desk())
            async with trio.open_nursery() as self._nursery:
                for neighbour in (
                    self.queue,
                    self.fleet,
                    self.files,
                    self.scheduler,
                    self.events,
                    self.vitals,
                ):
                    self._nursery.start_soon(neighbour.run)
                async with self._served():
                    yield self
                self._nursery.cancel_scope.cancel()

    @asynccontextmanager
    async def _served(self):
        self.web = Web(self.app, "127.0.0.1", 0, self.told.append, self.patience)
        self.url = self.web.bind()
        self.port = int(self.url.rpartition(":")[2])
        self.door = Mailbox("web", size=1)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.web.run, self.door)
            hooks = {"response": [self._check]}
            async with httpx.AsyncClient(
                base_url=self.url, timeout=10, verify=NO_TLS, event_hooks=hooks
            ) as self.http:
                try:
                    yield
                finally:
                    self.door.close()
        for stream in self.streams:
            await trio.aclose_forcefully(stream)

    async def _check(self, response):
        """Whatever a test is about: the API answers as it describes itself."""
        await response.aread()
        described.check(self.app, response)

    def desk(self):
        return Desk(
            gate=self.gate,
            database=self.database,
            readings=self.readings,
            queue=Address(self.queue.mailbox),
            plan=self.plan,
            fleet=Address(self.fleet.mailbox),
            printer=self._address_of,
            events=Address(self.events.mailbox),
            files=Address(self.files.mailbox),
            scheduler=Address(self.scheduler.mailbox),
            storage=self.storage,
            clients=self.clients,
            bell=self.bell,
            vitals=self.vitals,
            reports=lambda: self.reports(),
            memory=Memory(self.database, self.seal, lambda: self.now, Running()),
            clock=lambda: self.now,
            chance=self.chance,
            file_workers=lambda: [State.READY],
            planner=lambda: State.COLD,
            telemetry=lambda: TelemetryNumbers(
                printers=2, channels=5, samples=70, late=1, refused=3, passed_over=9
            ),
            readings_kept=lambda: self.kept,
            max_upload=MAX_UPLOAD,
            quota=self.quota,
            undo_s=15.0,
            version="1.2.3",
        )

    def _token(self, size):
        return f"{self.chance.getrandbits(size * 8):x}"

    def _address_of(self, printer):
        if printer not in self.printers:
            raise NotFound(f"there is no printer:{printer}")
        return Address(self.printers[printer].mailbox)

    def _start(self, printer):
        self.printers[printer] = Neighbour(f"printer:{printer}", partial(self._printer_answers, printer))
        self._nursery.start_soon(self.printers[printer].run)

    async def _printer_answers(self, printer, message, by):
        """Whatever is commanded is done at once."""
        if isinstance(message, RunCommand):
            await self._end(printer, message.id, NAMES[type(message.command)], by)

    async def _end(self, printer, command_id, name, by):
        stamp = Stamp.of(by, self.now)
        await self.database.write(tell_end, printer, command_id, name, "", stamp)

    async def _queue_answers(self, message, by):
        if isinstance(message, ClearPlate):
            await self._end(message.printer, message.command, "plate_cleared", by)
        if isinstance(message, Wish):
            clerk = Clerk(self.database, lambda: self.now, self.chance, Target)
            return await clerk.take(message, by)
        if isinstance(message, ShopRule):
            clerk = Clerk(self.database, lambda: self.now, self.chance, Target)
            return await clerk.take_rule(message, by)
        return Plate.CLEAR

    async def _fleet_answers(self, message, by):
        if isinstance(message, AddPrinter):
            await self.database.write(printers.add, message.printer, b"", self.now, str(by))
            self._start(message.printer.id)
            return message.printer
        if isinstance(message, ProbePrinter):
            return Probed("octoprint", "1.11.8", "Prusa MK4")
        if isinstance(message, ChangePrinter):
            found = {printer.id: printer for printer, _ in await self.database.read(printers.everything)}
            if message.printer not in found:
                raise NotFound(f"there is no printer {message.printer}")
            require(by, Action.SET_UP, Target(message.printer, found[message.printer].tags))
            after = changed_printer(found[message.printer], message.changes)
            await self.database.write(printers.change, after, b"")
            return after
        await self.database.write(printers.remove, message.printer)
        return None

    # -- what tests need again and again

    async def printer(self, id="mk4-01", *tags):
        printer = Printer(
            id, f"Printer {id}", PrinterAddress("octoprint", "http://10.0.0.1"), frozenset(tags)
        )
        await self.database.write(printers.add, printer, b"", self.now, "test")
        self._start(id)
        self.statuses[id] = PrinterStatus(Connection.ONLINE, Operation.IDLE, Plate.CLEAR)
        return printer

    async def key(self, *scopes, grant=EVERYTHING, target=None):
        _, text = await self.gate.create_key(LOCAL, "a key", [Scope(s) for s in scopes], grant, target)
        return {"X-Api-Key": text}

    async def admin(self):
        """Headers of somebody who may do everything."""
        await self.gate.add_user(LOCAL, "ann", PASSWORD, Role.ADMIN)
        tokens = await self.gate.login("ann", PASSWORD, "10.0.0.9")
        return {"Authorization": f"Bearer {tokens.access_token}"}

    async def raw(self, data=b""):
        """A bare connection that has sent `data`."""
        stream = await trio.open_tcp_stream("127.0.0.1", self.port)
        self.streams.append(stream)
        if data:
            await stream.send_all(data)
        return stream

    def contents(self):
        """Names of the contents kept on the disk."""
        return [path.name for path in (self.folder / "files" / "content").rglob("*") if path.is_file()]

    def unfinished(self):
        """Temporary files on the disk."""
        return list((self.folder / "files" / "incoming").iterdir())


async def read_answer(stream, within_s=5.0, until=None):
    """All that comes until the server closes, `until` was the end of it, or `within_s` have passed."""
    answer = bytearray()
    with trio.move_on_after(within_s):
        while data := await stream.receive_some(65536):
            answer += data
            if until is not None and answer.endswith(until):
                break
    return bytes(answer)
