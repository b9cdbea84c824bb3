"""How printers stood, in a real database: written in batches, read back, forgotten when old."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
import trio
from msgspec import structs

from farm.actors import ChildSpec, Supervisor, WhenFull
from farm.actors.supervisor import Runtime
from farm.domain.constraints import Constraints
from farm.domain.occupation import Occupation, Trouble
from farm.domain.printer import Connection, Operation, Plate, PrinterStatus, PrintProgress
from farm.domain.user import SYSTEM
from farm.errors import StorageFull
from farm.history.actor import KEPT, History, HistoryParts
from farm.history.messages import PrinterLeft, StatusSeen
from farm.store import histories, shop, statistics
from farm.store.audit import Stamp
from farm.store.connection import FARM
from farm.store.database import Database
from farm.store.histories import Lines, ProgressLine, StatusLine, TroubleBegun
from farm.store.statistics import Wanted

# An hour before the night in which the clocks of Berlin go forward.
EVENING = datetime(2026, 3, 28, 22, tzinfo=UTC)
IDLE = PrinterStatus(Connection.ONLINE, Operation.IDLE, Plate.CLEAR)
OFFLINE = PrinterStatus(Connection.OFFLINE, message="no route to host")


class Bench:
    def __init__(self, database):
        self.database = database
        self.begun = trio.current_time()
        self.set_by = timedelta()

    def clock(self):
        return EVENING + timedelta(seconds=trio.current_time() - self.begun) + self.set_by

    async def stand(self, status, for_s, printer="mk4"):
        """A printer says how it stands, as often as they do."""
        until = trio.current_time() + for_s
        while trio.current_time() < until:
            self.address.tell_nowait(StatusSeen(printer, self.clock(), trio.current_time(), status))
            await trio.sleep(min(5, until - trio.current_time()))

    async def statuses(self, before=None, limit=50, start=None, end=None):
        return await self.database.read(histories.statuses, "mk4", before, limit, start, end)

    async def days(self):
        """What the printer's time went into on each day."""
        found = {}
        for day in (EVENING.date() + timedelta(days=n) for n in range(4)):
            spent = await self.database.read(statistics.time_spent, Wanted(day, day))
            found |= {day.isoformat(): seconds for seconds in spent.values()}
        return found

    def spec(self):
        history = History(HistoryParts(self.database, self.clock))
        return ChildSpec(name="history", run=history.run, mailbox_size=1000, when_full=WhenFull.DROP_OLDEST)


@pytest.fixture
async def bench(autojump_clock):
    database = Database(None, FARM, inline=True)
    async with database.running():
        found = Bench(database)
        await database.write(
            shop.keep_constraints, Constraints(timezone="Europe/Berlin"), Stamp(EVENING, SYSTEM)
        )
        async with Supervisor(Runtime()).running() as supervisor:
            found.address = await supervisor.start(found.spec())
            yield found


async def test_a_printers_history_is_in_periods_without_gaps(autojump_clock, bench):
    await bench.stand(IDLE, 60)
    await bench.stand(OFFLINE, 30)
    await bench.stand(IDLE, 10)

    found = await bench.statuses()
    assert [each.line.connection for each in found] == ["online", "offline", "online"]
    assert found[0].ended_at is None
    assert all(later.line.at == earlier.ended_at for later, earlier in pairwise(found))
    assert (found[1].ended_at - found[1].line.at).total_seconds() == 30
    assert await bench.statuses(before=found[1].id) == found[2:]
    assert await bench.statuses(start=found[1].line.at, end=found[0].line.at) == [found[1]]

    (trouble,) = await bench.database.read(histories.troubles, "mk4", None, 10)
    assert (trouble.begun.kind, trouble.begun.message) == (Trouble.CONNECTION, "no route to host")
    assert (trouble.ended_at - trouble.begun.at).total_seconds() == 30


async def test_many_changes_are_one_transaction(autojump_clock, bench, monkeypatch):
    writes, write = [], bench.database.write

    async def counted(op, *args):
        writes.append(op)
        return await write(op, *args)

    monkeypatch.setattr(bench.database, "write", counted)
    for number in range(200):
        bench.address.tell_nowait(
            StatusSeen(f"mk{number}", bench.clock(), trio.current_time(), (IDLE, OFFLINE)[number % 2])
        )
    await trio.sleep(60)
    assert writes.count(histories.keep) == 1


async def test_days_are_the_shops_also_where_the_clocks_change(autojump_clock, bench):
    await bench.stand(IDLE, 26 * 3600)  # an hour, a day of 23 hours, and two more
    await trio.sleep(70)

    days = await bench.days()
    assert {day: round(spent[Occupation.IDLE] / 3600, 1) for day, spent in days.items()} == {
        "2026-03-28": 1.0,
        "2026-03-29": 23.0,
        "2026-03-30": 2.0,
    }


async def test_what_the_disk_refuses_is_written_later(autojump_clock, bench, monkeypatch):
    write = bench.database.write

    async def refuse(op, *args):
        await trio.lowlevel.checkpoint()
        raise StorageFull("no room")

    monkeypatch.setattr(bench.database, "write", refuse)
    await bench.stand(IDLE, 20)
    await bench.stand(OFFLINE, 20)
    monkeypatch.setattr(bench.database, "write", write)
    await bench.stand(IDLE, 70)

    assert [each.line.connection for each in await bench.statuses()] == ["online", "offline", "online"]
    (spent,) = (await bench.days()).values()
    assert (spent[Occupation.IDLE], spent[Occupation.OFFLINE]) == (20 + 60, 20)


async def test_a_trouble_outlives_a_restart_and_ends_with_its_printer(autojump_clock):
    database = Database(None, FARM, inline=True)
    async with database.running():
        bench = Bench(database)
        for statuses in ([OFFLINE], [OFFLINE]):
            async with Supervisor(Runtime()).running() as supervisor:
                bench.address = await supervisor.start(bench.spec())
                for status in statuses:
                    await bench.stand(status, 20)
        assert [each.ended_at for each in await database.read(histories.troubles, "mk4", None, 10)] == [None]
        async with Supervisor(Runtime()).running() as supervisor:
            bench.address = await supervisor.start(bench.spec())
            await bench.stand(OFFLINE, 20)
            bench.address.tell_nowait(PrinterLeft("mk4"))
            await trio.sleep(10)
        (trouble,) = await database.read(histories.troubles, "mk4", None, 10)
        assert trouble.ended_at is not None


async def test_a_print_comes_along(autojump_clock, bench):
    for hundredth in range(0, 101, 20):
        progress = PrintProgress("p1", "j1", "f1", "benchy", "printing", hundredth / 100, 60.0, 30.0)
        await bench.stand(structs.replace(IDLE, operation=Operation.PRINTING, print=progress), 60)
    points = await bench.database.read(histories.progress, "p1", 0, 3)
    assert [line.progress for _, line in points] == [0.0, 0.2, 0.4]
    rest = await bench.database.read(histories.progress, "p1", points[-1][0], 10)
    assert [line.progress for _, line in rest] == [0.6, 0.8, 1.0]


async def test_old_lines_go_in_bites_and_too_many_of_them(autojump_clock, monkeypatch):
    lines = Lines()
    for number in range(3000):
        at = EVENING - KEPT + timedelta(seconds=number - 2000)
        lines.statuses.append(StatusLine("mk4", at, "online", "idle", "clear", Occupation.IDLE, None, ""))
        lines.progress.append(ProgressLine("p1", at, number / 3000, None, None))
        lines.troubles.append(TroubleBegun("mk4", at, Trouble.ATTENTION, None, "look"))
    database = Database(None, FARM, inline=True)
    async with database.running():
        await database.write(histories.keep, lines)
        gone = [await database.write(histories.prune, EVENING - KEPT, 500) for _ in range(6)]
        assert gone == [1500, 1500, 1500, 1500, 0, 0]
        monkeypatch.setattr(histories, "MOST_ROWS", 100)
        assert await database.write(histories.prune, EVENING - KEPT) == 2700
        assert len(await Bench(database).statuses(limit=500)) == 100


def test_time_that_cannot_be_written_for_long_is_forgotten_from_the_oldest_on(monkeypatch):
    monkeypatch.setattr(histories, "MOST_SLOTS", 3)
    lines, later = Lines(), Lines()
    lines.seconds |= {("mk4", slot, Occupation.IDLE): 900.0 for slot in (900, 1800)}
    later.seconds |= {("mk4", slot, Occupation.IDLE): 900.0 for slot in (1800, 2700, 3600)}
    lines.extend(later)

    assert [(slot, seconds) for (_, slot, _), seconds in lines.seconds.items()] == [
        (1800, 1800.0),
        (2700, 900.0),
        (3600, 900.0),
    ]


async def test_the_actor_forgets_by_itself(autojump_clock, bench):
    lines = Lines()
    old = EVENING - KEPT - timedelta(days=1)
    lines.statuses.append(StatusLine("mk4", old, "online", "idle", "clear", Occupation.IDLE, None, ""))
    await bench.database.write(histories.keep, lines)
    await trio.sleep(700)
    assert await bench.statuses() == []


async def test_a_clock_that_is_set_ahead_for_a_while_takes_no_history_away(autojump_clock, bench):
    await bench.stand(IDLE, 60)
    bench.set_by = KEPT + timedelta(days=100)
    await trio.sleep(1800)
    bench.set_by = timedelta()
    await trio.sleep(2 * 3600)
    assert [period.line.operation for period in await bench.statuses()] == ["idle"]


async def test_days_that_are_over_are_put_together_and_again_when_they_change(autojump_clock, bench):
    def unpacked(db):
        return [day for (day,) in db.execute("SELECT day FROM print_days WHERE prints IS NULL ORDER BY day")]

    days = [f"{EVENING.date() + timedelta(days=n)}" for n in range(-50, 1)]
    await bench.database.write(
        lambda db: db.executemany("INSERT INTO print_days (day) VALUES (?)", [(day,) for day in days])
    )
    await trio.sleep(60)
    assert await bench.database.read(unpacked) == days[-1:]

    await bench.database.write(
        lambda db: db.execute("UPDATE print_days SET prints = NULL WHERE day = ?", days[:1])
    )
    await trio.sleep(60)
    assert await bench.database.read(unpacked) == days[-1:]
