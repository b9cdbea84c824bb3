"""Whatever is lost, doubled, late, slow or crashed: after its snapshot, each fact once and in order."""

from __future__ import annotations

import os
import random
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trio
from live_farm import Browser, LiveFarm, printer

from farm.actors.replay import replay
from farm.config import Live
from farm.domain.printer import PrinterStatus
from farm.live import missed
from farm.live.broadcaster import LOOK_EVERY_S
from farm.live.messages import FactsCommitted, StatusChanged
from farm.store import events

ROOMS = ("queue", "files", "printers", "printer:mk4-01", "schedule", "alerts")
STEPS = 150
SEEDS = max(8, int(100 * float(os.environ.get("FARM_TEST_SCALE", "0.1"))))


class Poison:
    """A status no code can have foreseen."""

    @property
    def position(self):
        raise RuntimeError("a mistake")


@dataclass
class Watcher:
    """A browser and all it heard on one connection, in order. since: the last fact it saw on another."""

    browser: Browser
    since: int | None = None
    rooms: tuple[str, ...] = ()
    has_left: bool = False
    heard: list = field(default_factory=list)

    def listen(self):
        self.heard += self.browser.heard()

    def seen(self):
        """The newest fact it knows of, as a client reckons: by facts, snapshots and ends of replays."""
        self.listen()
        return max(
            (event["seq"] for event in self.heard if event["type"] != "welcome" and "seq" in event), default=0
        )

    def joined(self):
        """From which fact on it hears each room."""
        rooms = {}
        for event in self.heard:
            if event["type"] == "snapshot":
                rooms.setdefault(event["room"], event["seq"])
            elif event["type"] == "replay":
                assert event["since"] == self.since
                assert event["seq"] - event["since"] <= missed.WINDOW
                rooms.update(dict.fromkeys(event["rooms"], self.since))
            elif "prev" in event and not rooms:  # it was cut off before the end of its replay
                rooms.update(dict.fromkeys(self.rooms, self.since))
        return rooms

    def check(self, facts):
        """Compare with the table: `facts` are all there are. One that was cut may have missed the end."""
        self.listen()
        joined, sent, got, newest_picture = self.joined(), None, [], self.since or 0
        for event in self.heard:
            if event["type"] == "snapshot":
                newest_picture = event["seq"]
                assert event.get("reason") != "window passed" or event["seq"] > self.since + missed.WINDOW
            elif event["type"] == "replay":
                assert event["replayed"] == len(got)
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
        live = Live(
            batch_delay_ms=self.chance.choice((0, 50, 250)),
            batch_size=self.chance.choice((1, 3, 10)),
            rate_limit=self.chance.choice((0, 5, 100)),
        )
        self.farm = LiveFarm(folder, random.Random(seed), live=live)
        self.resumed = 0
        self.watchers = []
        self.kept_hints = []
        self.poisons = 0

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
                        self.come_back,
                        self.configure,
                        self.shrug,
                        self.stop_or_go,
                        self.late_hint,
                        self.wait,
                        self.crash,
                    ),
                    (50, 8, 10, 8, 4, 4, 6, 8, 15, 0.5),
                )[0]()
            for watcher in self.watchers:
                watcher.browser.read_on()
            await trio.sleep(LOOK_EVERY_S * 2 + 1)
            facts = await read(events.since, 0)
            assert farm.report("events").restarts <= self.poisons  # there were no others
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
        browser.is_quick = self.chance.random() < 0.7
        self.watchers.append(Watcher(browser))
        await browser.say("auth", token=self.farm.token)
        await self.enter()

    def somebody(self):
        """One that has not left."""
        here = [watcher for watcher in self.watchers if not watcher.has_left]
        return self.chance.choice(here) if here else None

    async def enter(self):
        if watcher := self.somebody():
            rooms = self.chance.sample(ROOMS, self.chance.randint(1, 3))
            past = {}
            watcher.listen()
            if watcher.joined() and self.chance.random() < 0.3:  # too late to be told what was before
                past = {"since": {"epoch": await self.farm.database.read(events.epoch), "seq": 0}}
            await watcher.browser.say("subscribe", rooms=rooms, **past)

    async def come_back(self):
        """Somebody connects again and wants to hear on; or has left already, or was cut."""
        if before := self.somebody():
            since, rooms = before.seen(), tuple(before.joined())
            if rooms:
                before.has_left = True
                before.browser.hang_up()
                browser = self.farm.connect()
                epoch = await self.farm.database.read(events.epoch)
                await browser.say("auth", token=self.farm.token)
                await browser.say("subscribe", rooms=rooms, since={"epoch": epoch, "seq": since})
                self.watchers.append(Watcher(browser, since, rooms))

    async def configure(self):
        if watcher := self.somebody():
            browser = watcher.browser
            await browser.say("configure", batch_delay_ms=self.chance.choice((0, 50, 250, 1000)))

    async def shrug(self):
        """A printer says something, to all who see it."""
        self.farm.events.tell_nowait(
            StatusChanged(printer(), PrinterStatus(message=f"{self.chance.random()}"))
        )

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
        """Unless the printer says something better in time. A fifth one would end the farm."""
        if self.poisons == 4:
            return
        self.poisons += 1
        self.farm.events.tell_nowait(StatusChanged(printer(), Poison()))
        await trio.sleep(self.chance.choice((0, 0.5)))


@pytest.fixture(scope="module")
def happened():
    """What clients were told, over all days: they must have been about everything."""
    counts = Counter()
    yield counts
    assert min(counts["replay"], counts["window passed"], counts["heard already"]) > 0
    assert counts["something.happened"] > 10 * SEEDS


@pytest.mark.parametrize("seed", range(SEEDS))
def test_each_client_gets_its_picture_or_what_it_missed_and_then_each_later_fact_once_and_in_order(
    seed, monkeypatch, happened
):
    monkeypatch.setattr(missed, "WINDOW", 10 if seed % 2 else 1000)
    with tempfile.TemporaryDirectory() as folder:
        day = Day(seed, Path(folder))
        replay(seed, day.run)

    heard = [event for watcher in day.watchers for event in watcher.heard]
    happened.update(event.get("reason", event["type"]) for event in heard)


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
