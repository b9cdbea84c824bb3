"""A small farm with a live socket: real tree, real database, real gate; browsers that the test plays."""

from __future__ import annotations

import itertools
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import trio
from trio.testing import wait_all_tasks_blocked

from farm.access.gate import Gate
from farm.access.passwords import Cost, Hasher
from farm.access.tokens import TokenKeys
from farm.actors import Address as ActorAddress
from farm.actors import Directions, Mailbox, Runtime, Supervisor
from farm.config import Live
from farm.domain.printer import Address, Plate, Printer
from farm.domain.user import EVERYTHING, SYSTEM, Scope
from farm.live.broadcaster import Broadcaster
from farm.live.clients import Clients
from farm.live.connection import ConnectionLost
from farm.live.messages import FactsCommitted
from farm.queue.planned import FollowedPlan
from farm.store import events, printers
from farm.store.connection import FARM
from farm.store.database import Database

AT_ONCE = Live(batch_delay_ms=0, rate_limit=0)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def printer(id="mk4-01", *tags):
    return Printer(id, f"Printer {id}", Address("octoprint", "http://10.0.0.1"), tags=frozenset(tags))


class Browser:
    """One end of a WebSocket in memory. The farm has the other: `send`, `receive`, `close` and the like."""

    def __init__(self, cookie=None):
        self.cookie = cookie
        self.address = "10.0.0.9"
        self.closed = None  # (code, reason) of the close frame
        self.over = False  # the farm has let go of the line, whether or not it could say goodbye
        self.frames = []  # all that arrived, as sent
        self.sends = []  # how many of them came in each send that was waited for
        self.reads = True
        self.hold_back = None  # called before each send, to make it fail or wait
        self.is_quick = True  # whether the line takes what is sent without waiting
        self.is_there = True  # whether it answers pings
        self.pings = 0
        self.commands = []  # (by, printer, body) of each command, as it came through
        self.obey = None  # called with a command; what it raises is the answer
        self.heard_at = trio.current_time()
        self._to_farm, self._from_browser = trio.open_memory_channel(100)
        self._events = []
        self._news = trio.Event()
        self._reads_again = trio.Event()

    # -- what the farm uses

    async def send(self, frames):
        await trio.lowlevel.checkpoint()
        if self.hold_back is not None:
            await self.hold_back()
        if not self.reads:
            await self._reads_again.wait()
        self.sends.append(len(frames))
        for frame in frames:
            self._take(frame.text)

    def send_now(self, frame):
        if self.is_quick and self.reads and self.hold_back is None and self.closed is None:
            self._take(frame.text)
            return True
        return False

    async def ping(self):
        await trio.lowlevel.checkpoint()
        if not self.reads:
            await self._reads_again.wait()
        self.pings += 1
        if self.is_there:
            self.heard_at = trio.current_time()

    async def command(self, by, printer, body):
        await trio.lowlevel.checkpoint()
        self.commands.append((by, printer, json.loads(body)))
        if self.obey is not None:
            await self.obey(printer)
        return f"command-{len(self.commands)}"

    def _take(self, text):
        self.frames.append(text)
        frame = json.loads(text)
        self._events += frame["events"] if frame["type"] == "batch.update" else [frame]
        self._news.set()
        self._news = trio.Event()

    async def receive(self):
        try:
            message = await self._from_browser.receive()
        except trio.EndOfChannel:
            raise ConnectionLost from None
        self.heard_at = trio.current_time()
        return message

    async def close(self, code, reason):
        await trio.lowlevel.checkpoint()
        if not self.reads:
            await self._reads_again.wait()
        self.closed = (code, reason)

    # -- what the test does

    def stop_reading(self):
        self.reads = False

    def read_on(self):
        self.reads = True
        self._reads_again.set()

    async def say(self, op, **more):
        await self.say_raw(json.dumps({"op": op, **more}))

    async def say_raw(self, message):
        await self._to_farm.send(message)

    def hang_up(self):
        self._to_farm.close()

    async def hear(self, type=None):
        """The next event, or the next of this type."""
        with trio.fail_after(60):
            while True:
                while self._events:
                    event = self._events.pop(0)
                    if type in (None, event["type"]):
                        return event
                await self._news.wait()

    def heard(self):
        """All that came since the last look."""
        events, self._events = self._events, []
        return events

    async def log_in(self, token, *rooms):
        """Authenticate and enter `rooms`; returns their snapshots."""
        await self.say("auth", token=token)
        await self.hear("welcome")
        if rooms:
            await self.say("subscribe", rooms=list(rooms))
        return [await self.hear("snapshot") for _ in rooms]


class LiveFarm:
    def __init__(self, folder, chance, *, path=None, live=AT_ONCE):
        """path: a database file, with threads, so not on virtual time; else one in memory, without."""
        self.chance = chance
        self.live = live
        self.begun = None
        self.plan = FollowedPlan()
        self.hint = lambda facts: self.events.tell_nowait(FactsCommitted(tuple(facts)))
        self.database = Database(path, FARM, inline=path is None, on_facts=lambda facts: self.hint(facts))
        numbers = itertools.count(1)
        self.gate = Gate(
            self.database,
            folder,
            TokenKeys.load(folder / "token-keys.json", NOON, lambda size: f"{next(numbers):0>43}"),
            Hasher(inline=True, cost=Cost(memory_kib=8, passes=1)),
            clock=self.clock,
            chance=chance,
        )
        # Keys note when they were used last; for nothing else do clients wait for anybody.
        self.runtime = Runtime(chance=chance, directions=Directions([("client", "database")]))
        self.processor = Mailbox("telemetry", size=8)  # the data processor hears who is listened to
        self.broadcaster = Broadcaster(
            self.database,
            lambda: self.runtime.address("clients"),
            live,
            self.plan,
            telemetry=lambda: ActorAddress(self.processor),
            clock=self.clock,
        )
        self.clients = Clients(self.runtime, self.gate, lambda: self.runtime.address("events"), live)

    def clock(self):
        """The time of day runs with virtual time."""
        return NOON if self.begun is None else NOON + timedelta(seconds=trio.current_time() - self.begun)

    @property
    def events(self):
        return self.runtime.address("events")

    @asynccontextmanager
    async def running(self):
        self.begun = trio.current_time()
        await self.database.open()
        async with (
            Supervisor(self.runtime).running() as self.supervisor,
            trio.open_nursery() as self.nursery,
        ):
            await self.supervisor.start(self.database.spec())
            await self.supervisor.start(self.broadcaster.spec())
            await self.supervisor.start(self.clients.spec())
            _, self.token = await self.gate.create_key(SYSTEM, "screens", [Scope.READ])
            yield self
            self.nursery.cancel_scope.cancel()
        self.database.close()

    def connect(self, browser=None):
        browser = browser or Browser()
        self.nursery.start_soon(self._attend, browser)
        return browser

    async def _attend(self, browser):
        await self.clients.attend(browser)
        browser.over = True

    async def key(self, grant=EVERYTHING, scopes=(Scope.READ,)):
        _, text = await self.gate.create_key(SYSTEM, "another", scopes, grant)
        return text

    async def watch(self, *rooms, token=None):
        """A browser that hears `rooms`, and its snapshots."""
        browser = self.connect()
        return browser, await browser.log_in(token or self.token, *rooms)

    async def happen(self, type="job.queued", rooms=("queue",), **data):
        """Commit one fact; returns its number."""
        return await self.database.write(events.record, type, rooms, self.clock(), data)

    async def add_printer(self, added, plate=Plate.UNKNOWN):
        await self.database.write(printers.add, added, b"sealed", self.clock(), "test")
        if plate is not Plate.UNKNOWN:
            row = printers.PlateRow(plate)
            await self.database.write(
                printers.set_plate, added.id, row, self.clock(), "test", "somebody looked"
            )

    def report(self, name):
        return next(report for report in self.runtime.reports() if report.name == name)


def seqs(events):
    return [event["seq"] for event in events if "prev" in event]


settled = wait_all_tasks_blocked
