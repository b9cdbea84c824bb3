"""A database that really is one, and a gate over it, without threads and on clocks the test turns."""

from __future__ import annotations

import itertools
import random
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
import sqlite_utils
import trio
from argon2.exceptions import InvalidHashError

from farm.access.gate import Gate
from farm.access.passwords import Cost, Hasher
from farm.access.tokens import TokenKeys
from farm.store import migrations


class InlineStore:
    """Runs each op in a savepoint on a real SQLite file, as the database's writer does, on the loop."""

    def __init__(self, path):
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.row_factory = sqlite3.Row
        self.db.execute("PRAGMA synchronous = OFF")  # no power is cut here
        migrations.farm.apply(sqlite_utils.Database(self.db))
        self.db.execute("PRAGMA foreign_keys = ON")
        self.reads = self.writes = 0
        self.reads_fail = self.writes_fail = None  # the error that ops meet instead of the disk

    async def write(self, op, *args):
        await trio.lowlevel.checkpoint()
        if self.writes_fail:
            raise self.writes_fail
        self.writes += 1
        self.db.execute("SAVEPOINT op")
        try:
            answer = op(self.db, *args)
        except BaseException:
            self.db.execute("ROLLBACK TO op")
            raise
        finally:
            self.db.execute("RELEASE op")
        return answer

    async def change(self, by, op, *args):
        return await self.write(op, *args)

    async def read(self, op, *args):
        await trio.lowlevel.checkpoint()
        if self.reads_fail:
            raise self.reads_fail
        self.reads += 1
        return op(self.db, *args)


class CountingHasher(Hasher):
    """Real argon2 at the lowest cost; `computed` counts what it really computed."""

    def __init__(self):
        super().__init__(inline=True, cost=Cost(memory_kib=8, passes=1))
        self.computed = 0
        self._argon2 = _Counted(self._argon2, self)


class _Counted:
    def __init__(self, argon2, hasher):
        self._argon2, self._hasher = argon2, hasher
        self.check_needs_rehash = argon2.check_needs_rehash

    def hash(self, password):
        self._hasher.computed += 1
        return self._argon2.hash(password)

    def verify(self, kept, password):
        try:
            return self._argon2.verify(kept, password)
        except InvalidHashError:
            self._hasher.computed -= 1  # refused at its first characters, which costs nothing
            raise
        finally:
            self._hasher.computed += 1


class Shop:
    """The data folder of one shop, whose gate can be started again and again."""

    def __init__(self, folder):
        self.folder = folder
        self.now = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
        self.seconds = 0.0
        self.hasher = CountingHasher()
        self.chance = random.Random(7)
        self._numbers = itertools.count(1)
        self.start()

    def start(self):
        """A server start: everything but the data folder is new."""
        self.store = InlineStore(self.folder / "farm.db")
        keys = TokenKeys.load(self.folder / "token-keys.json", self.now, self.token)
        self.gate = Gate(
            self.store,
            self.folder,
            keys,
            self.hasher,
            clock=lambda: self.now,
            chance=self.chance,
            token=self.token,
            monotonic=lambda: self.seconds,
        )
        return self.gate

    def pass_time(self, **by):
        self.now += timedelta(**by)
        self.seconds += timedelta(**by).total_seconds()

    def token(self, size):
        """As long as a real one, and different each time."""
        return f"{next(self._numbers):0>{(size * 4 + 2) // 3}}"

    def close(self):
        self.store.db.close()


@pytest.fixture
def shop(tmp_path):
    shop = Shop(tmp_path)
    yield shop
    shop.close()
