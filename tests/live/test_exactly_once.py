"""Whatever is lost, doubled, late, slow or crashed: after its snapshot, each fact once and in order."""

from __future__ import annotations

import random
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trio
from live_farm import Browser, LiveFarm, printer

from farm.actors.replay import replay
from farm.domain.printer import PrinterStatus
from farm.live.broadcaster import LOOK_EVERY_S
from farm.live.messages import FactsCommitted, StatusChanged
from farm.store import events

ROOMS = ("queue", "files", "printers", "printer:mk4-01", "schedule", "alerts")
STEPS = 150


class Poison(PrinterStatus):
    @property
    def temperatures(self):
        raise RuntimeError("a mistake")


@dataclass
class Watcher:
    """A browser and all it heard, in order."""

    browser: Browser
    heard: list = field(default_factory=list)

    def listen(self):
        self.heard += self.browser.heard()

    def check(self, facts):
        """Compare with the table: `facts` are all there are. One that was cut may have missed the end."""
        self.listen()
        joined, sent, got = {}, None, []
        for event in self.heard:
            if event["type"] == "snapshot":
                joined.setdefault(event["room"], event["seq"])
                newest_picture = event["seq"]
            elif "prev" in event:
                assert event["prev"] == sent
                assert event["seq"] > max(sent or 0, newest_picture)  # no older than what it has seen
                sent = event["seq"]
                got.append(sent)
        due = [
            fact.seq
            for fact in facts
            if any(room in joined and fact.seq > joined[room] for room in fact.rooms)
        ]
        if self.browser.over:
            due = [seq for seq in due if got and seq <= got[-1]]
        assert got == due
        return len(got)


class Day:
    """One run: steps drawn by chance, on a loop whose order of tasks is drawn by chance too."""

    def __init__(self, seed, folder):
        self.chance = random.Random(seed)
        self.farm = LiveFarm(folder, random.Random(seed))
        self.watchers = []
        self.kept_hints = []
        self.crashes = 0

    async def run(self):
        self.farm.hint = self.hint
        read = self.farm.database.read

        async def slow_read(op, *args):
            """A reader's thread takes a while to begin, and its answer a while to arrive."""
            await trio.sleep(self.chance.choice((0, 0, 0.01, 0.05)))
            found = await read(op, *args)
            await trio.sleep(self.chance.choice((0, 0, 0.01, 0.05)))
            return found

        self.farm.database.read = slow_read
        async with self.farm.running() as farm:
            await farm.add_printer(printer())
            for _ in range(STEPS):
                await self.chance.choices(
                    (
                        self.commit,
                        self.come,
                        self.enter,
                        self.stop_or_go,
                        self.late_hint,
                        self.wait,
                        self.crash,
                    ),
                    (50, 8, 10, 6, 8, 15, 0.5),
                )[0]()
            for watcher in self.watchers:
                watcher.browser.read_on()
            await trio.sleep(LOOK_EVERY_S * 2)
            facts = await read(events.since, 0)
            assert self.crashes == farm.report("events").restarts
            return [watcher.check(facts) for watcher in self.watchers]

    def hint(self, facts):
        """What the writer tells after a commit: it may be lost, come twice, or be kept for later."""
        fate = self.chance.random()
        hint = FactsCommitted(tuple(facts))
        if fate < 0.7:
            self.farm.events.tell_nowait(hint)
        if 0.6 < fate < 0.8:
            self.kept_hints.append(hint)

    async def commit(self):
        rooms = self.chance.sample(ROOMS, self.chance.randint(1, 3))
        async with trio.open_nursery() as nursery:
            for _ in range(self.chance.choice((1, 1, 3))):  # several at once share a transaction
                nursery.start_soon(self.farm.happen, "something.happened", rooms)

    async def come(self):
        browser = self.farm.connect()
        self.watchers.append(Watcher(browser))
        await browser.say("auth", token=self.farm.token)
        await self.enter()

    async def enter(self):
        if self.watchers:
            browser = self.chance.choice(self.watchers).browser
            await browser.say("subscribe", rooms=self.chance.sample(ROOMS, self.chance.randint(1, 3)))

    async def stop_or_go(self):
        if self.watchers:
            browser = self.chance.choice(self.watchers).browser
            if browser.reads:
                browser.stop_reading()
            else:
                browser.read_on()

    async def late_hint(self):
        if self.kept_hints:
            self.farm.events.tell_nowait(self.kept_hints.pop(0))

    async def wait(self):
        await trio.sleep(self.chance.choice((0.001, 0.01, 0.1, 1)))

    async def crash(self):
        before = self.farm.report("events").restarts
        self.farm.events.tell_nowait(StatusChanged(printer(), object.__new__(Poison)))
        await trio.sleep(0.5)
        self.crashes += self.farm.report("events").restarts - before


@pytest.mark.parametrize("seed", range(8))
def test_each_client_gets_a_snapshot_and_then_each_later_fact_once_and_in_order(seed):
    with tempfile.TemporaryDirectory() as folder:
        counts = replay(seed, Day(seed, Path(folder)).run)

    assert sum(counts) > 10  # it was about something


async def test_clients_that_join_while_a_real_database_commits_miss_and_double_nothing(tmp_path):
    """The same with threads: the writer's, the readers', and the real clock."""
    async with LiveFarm(tmp_path, random.Random(1), path=tmp_path / "farm.db").running() as farm:
        watchers = [Watcher(farm.connect()) for _ in range(10)]

        async def commit():
            for _ in range(30):
                await farm.happen("something.happened", ("queue", "files"))

        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(commit)
            for watcher in watchers:
                for room in ("queue", "files"):
                    await watcher.browser.say("auth", token=farm.token)
                    await watcher.browser.say("subscribe", rooms=[room])
                    await trio.sleep(0.005)
        last = await farm.happen("something.happened", ("queue",))
        for watcher in watchers:
            event = None
            while event is None or event.get("seq") != last or "prev" not in event:
                event = await watcher.browser.hear()
                watcher.heard.append(event)

        facts = await farm.database.read(events.since, 0)
        counts = [watcher.check(facts) for watcher in watchers]

    assert len(facts) == 301
    assert min(counts) < max(counts)  # some came in the middle of it
