"""One SQLite file: a single writer that commits in groups, and readers beside it."""

from __future__ import annotations

import contextlib
import random
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from math import inf
from pathlib import Path
from typing import Any, Concatenate, Generic, NamedTuple, ParamSpec, TypeVar

import outcome
import structlog
import trio

from farm.actors import Address, Ask, ChildSpec, Delivery, Exhausted, Mailbox, RestartPolicy
from farm.domain.clock import Randomness, WallClock, real_clock
from farm.domain.event import Fact
from farm.domain.user import Principal
from farm.errors import ActorDown, ActorFailed, FarmError
from farm.store import events, idempotency, opening
from farm.store.commit import Op, Result, commit_group
from farm.store.connection import (
    Dial,
    Keeping,
    code,
    dial,
    dial_existing,
    for_reading,
    for_writing,
    in_words,
    is_damage,
    is_worlds_fault,
)
from farm.store.opening import Opened, Place

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
V = TypeVar("V")

MOST_PER_GROUP = 100
GROUP_S = 0.05  # a group takes no more operations after this; the rest go into the next
MAILBOX = 256
READERS = 4  # snapshots at the same time; more would only share the same two or four cores


@dataclass(frozen=True, slots=True)
class Write(Ask[V], Generic[V]):
    """Run `op(connection, *args, **kwargs)` in a transaction; answered with what it returns, once durable."""

    op: Callable[..., V]
    args: tuple[Any, ...] = field(default=(), repr=False)  # logs shall not show what may be private
    kwargs: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __call__(self, db: sqlite3.Connection) -> V:
        return self.op(db, *self.args, **self.kwargs)

    @property
    def name(self) -> str:
        """What it is called in the log."""
        return f"{self.op.__module__}.{getattr(self.op, '__qualname__', repr(self.op))}"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the disk or the file refuses, in words, and since when on the monotonic clock."""

    words: str
    since: float


class Database:
    """The way to one database file, for everybody; `path` None is a database in memory (inline only).

    `open` first, then let `spec()` run in the tree (or use `running`), `close` last. `read` works from
    `open` to `close`, also while the writer is being restarted.

    inline: everything runs on the loop instead of in threads, for runs on a virtual clock.
    on_facts: told the facts of each commit, in order, on the loop; it must not wait. A hint: whoever
    misses one finds it in the table.
    """

    def __init__(
        self,
        path: Path | None,
        keeping: Keeping,
        *,
        backups: Path | None = None,
        inline: bool = False,
        on_facts: Callable[[list[Fact]], None] = lambda facts: None,
        chance: Randomness | None = None,
        clock: WallClock = real_clock,
        dial: Dial = dial,
    ) -> None:
        if path is None and not inline:
            raise ValueError("a database in memory has one connection, so it cannot have threads")
        self.on_facts = on_facts
        self._path = path
        self._backups = backups
        self._keeping = keeping
        self._inline = inline
        self._chance = chance if chance is not None else random.SystemRandom()
        self._clock = clock
        self._dial = dial
        self._writer = _Writer(path, keeping, dial, within_s=inf if inline else GROUP_S)
        self._readers = None if inline or path is None else _Readers(path)
        self._one = trio.CapacityLimiter(1)  # SQLite's threads are not taken from what others share
        self._few = trio.CapacityLimiter(READERS)
        self._address: Address[Write[Any]] | None = None
        self._usable = False
        self._checkpoint_at = inf
        self._trouble: Trouble | None = None

    @property
    def trouble(self) -> Trouble | None:
        """What keeps it from being used at the moment; None when it works, as far as is known."""
        return self._trouble

    # -- for everybody -------------------------------------------------------------------------

    async def write(
        self, op: Callable[Concatenate[sqlite3.Connection, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `op(connection, ...)` in a transaction; returns what it returned, once it is durable.

        Raises the FarmError `op` raised, with nothing of it kept; StorageFull, StorageFailed: nothing
        changed; ActorDown while the writer is away; ActorFailed when `op` is wrong, or the writer
        crashed; AskExpired after 30 s. `op` neither commits nor keeps the connection.
        """
        if self._address is None:
            raise ActorDown(f"{self._keeping.actor} has not started")
        return await self._address.ask(Write(op, args, kwargs))

    async def change(
        self,
        by: Principal,
        op: Callable[Concatenate[sqlite3.Connection, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """What somebody asked for, on their terms; otherwise as `write`.

        `op` returns what they will be answered with. Raises also Tried and DoneBefore, with that: then
        nothing was changed now, and whoever sees it has nothing else to do, so let it pass.
        """

        def run(db: sqlite3.Connection) -> T:
            return op(db, *args, **kwargs)

        if by.terms.dry:
            return await self.write(idempotency.try_out, run)
        if by.terms.once is not None:
            return await self.write(idempotency.do_once, by.terms.once, self._clock(), run)
        return await self.write(op, *args, **kwargs)

    async def read(
        self, op: Callable[Concatenate[sqlite3.Connection, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `op(connection, ...)` on one unchanging picture of the database; it cannot write.

        Raises what `op` raises; StorageFailed when file or disk refuse; ActorDown when it is not open.
        """
        if not self._usable:
            raise ActorDown(f"{self._keeping.actor} is not open")
        try:
            if self._readers is None:
                await trio.lowlevel.checkpoint()
                return self._writer.look(lambda db: op(db, *args, **kwargs))
            look = partial(self._readers.look, lambda db: op(db, *args, **kwargs))
            return await trio.to_thread.run_sync(look, limiter=self._few)
        except sqlite3.Error as error:
            if not is_worlds_fault(error) or code(error) == sqlite3.SQLITE_READONLY:
                raise  # a mistake in `op`: it tried to write, say
            self._note_trouble(error)
            raise in_words(error) from error

    # -- its life ------------------------------------------------------------------------------

    async def open(self) -> Opened:
        """Check, restore, migrate: whatever the file needs before it can be used. See `opening`."""
        if self._path is None:
            await trio.lowlevel.checkpoint()
            opened = opening.open_memory(self._writer.connection, self._keeping, self._chance)
        else:
            place = Place(
                path=self._path,
                backups=self._backups if self._backups is not None else self._path.parent / "backups",
                keeping=self._keeping,
                dial=self._dial,
                chance=self._chance,
                clock=self._clock,
            )
            opened = await self._in_writer(opening.open_file, place)
        self._usable = True
        return opened

    def spec(self) -> ChildSpec[Write[Any]]:
        """The writer as an actor of the tree. Nothing works without it."""
        policy = RestartPolicy(exhausted=Exhausted.ESCALATE)
        return ChildSpec(name=self._keeping.actor, run=self.run, mailbox_size=MAILBOX, policy=policy)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Opened]:
        """The database without a tree around it, for commands and tests; leaving stops it in order."""
        mailbox: Mailbox[Write[Any]] = Mailbox(self._keeping.actor, size=MAILBOX)
        with contextlib.closing(self):
            opened = await self.open()
            async with trio.open_nursery() as nursery:
                self._address = Address(mailbox)
                nursery.start_soon(self.run, mailbox)
                try:
                    yield opened
                finally:
                    mailbox.close()

    def close(self) -> None:
        """Let go of the file, after the writer has ended."""
        self._usable = False
        if self._readers is not None:
            self._readers.close()
        self._writer.close()

    # -- the writer ----------------------------------------------------------------------------

    async def run(self, mailbox: Mailbox[Write[Any]]) -> None:
        """The actor: commits what waits, in groups, until the mailbox is closed and empty."""
        if not self._usable:
            raise ValueError(f"{self._keeping.actor} must be opened before it can run")
        self._address = Address(mailbox)
        try:
            await self._try(self._writer.connect)  # trouble shows at once, and ends no one
            with contextlib.suppress(trio.EndOfChannel):
                while True:
                    first = await self._receive(mailbox)
                    await self._commit([first, *mailbox.take_waiting(MOST_PER_GROUP - 1)])
            await self._try(self._writer.stop_cleanly)
        finally:
            self._writer.disconnect()

    async def _receive(self, mailbox: Mailbox[Write[Any]]) -> Delivery[Write[Any]]:
        """The next operation; writes a checkpoint first, or while waiting, when one is due."""
        while trio.current_time() < self._checkpoint_at:
            with trio.move_on_at(self._checkpoint_at):
                return await mailbox.receive()
        self._checkpoint_at = inf
        await self._try(self._writer.checkpoint)
        return await mailbox.receive()

    async def _commit(self, deliveries: Sequence[Delivery[Write[Any]]]) -> None:
        """Commit in as many groups as it takes, and answer each as soon as it is durable."""
        rest = deliveries
        while rest:
            try:
                group = await self._in_writer(self._writer.commit, [delivery.message for delivery in rest])
            except sqlite3.Error as error:
                if not is_worlds_fault(error):
                    raise
                self._note_trouble(error)
                for delivery in rest:
                    delivery.refuse(in_words(error))
                return
            self._note_success()
            for delivery, result in zip(rest, group.results, strict=False):
                _answer(delivery, result)
            rest = rest[len(group.results) :]
            if group.facts:
                self.on_facts(group.facts)

    async def _try(self, function: Callable[[], None]) -> None:
        """Run `function` in the writer's thread; a refusing disk is noted, not a reason to crash."""
        try:
            await self._in_writer(function)
        except sqlite3.Error as error:
            if not is_worlds_fault(error):
                raise
            self._note_trouble(error)

    def _note_trouble(self, error: sqlite3.Error) -> None:
        if is_damage(error):
            self._writer.doubtful = True
        if self._trouble is None:
            log.error("database refuses", database=self._keeping.actor, problem=str(error))
            self._trouble = Trouble(str(in_words(error)), trio.current_time())

    def _note_success(self) -> None:
        if self._trouble is not None:
            log.info("database works again", database=self._keeping.actor)
        self._trouble = None
        every_s = self._keeping.checkpoint_every_s
        if every_s is not None and self._checkpoint_at == inf:
            self._checkpoint_at = trio.current_time() + every_s

    async def _in_writer(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function` in the writer's thread, to its end even when this task is cancelled."""
        if self._inline:
            await trio.lowlevel.checkpoint()
            return function(*args, **kwargs)
        return await trio.to_thread.run_sync(partial(function, *args, **kwargs), limiter=self._one)


def _answer(delivery: Delivery[Write[Any]], result: Result) -> None:
    if isinstance(result, outcome.Value):
        delivery.answer(result.value)
        return
    error = result.error
    if isinstance(error, FarmError):
        delivery.refuse(error)
        return
    name = delivery.message.name
    log.error("operation failed", operation=name, by=str(delivery.by), exc_info=error)
    delivery.refuse(
        ActorFailed(f"{name} failed through a mistake in the farm; nothing of it was kept (see the log)")
    )


class _Group(NamedTuple):
    """One committed transaction: what became of its operations, and the facts they made."""

    results: list[Result]
    facts: list[Fact]


class _Writer:
    """What the writer's thread holds: the only connection that writes. Used by one thread at a time."""

    def __init__(self, path: Path | None, keeping: Keeping, dial: Dial, *, within_s: float) -> None:
        self.doubtful = False  # the file showed damage: it shall be checked at the next start
        self._path = path
        self._keeping = keeping
        self._dial = dial
        self._within_s = within_s
        self._connection: sqlite3.Connection | None = None
        self._published: int | None = None  # number of the last fact handed out

    @property
    def connection(self) -> sqlite3.Connection:
        """The open connection; made anew after it was lost."""
        if self._connection is None:
            connection = self._dial(self._path)
            try:
                self._connection = for_writing(connection, self._keeping)
            except BaseException:
                connection.close()
                raise
        return self._connection

    def connect(self) -> None:
        """Open the file, and look where its facts end."""
        connection = self.connection
        if self._keeping.dear and self._published is None:
            self._published = events.last_seq(connection)

    def commit(self, ops: Sequence[Op]) -> _Group:
        """One group; see `commit_group`."""
        self.connect()
        try:
            results = commit_group(self.connection, ops, within_s=self._within_s)
        except BaseException:
            if self.connection.in_transaction:  # not even rolling back worked
                self.disconnect()
            raise
        return _Group(results, self._new_facts())

    def _new_facts(self) -> list[Fact]:
        """What nobody was told yet. A disk that refuses now cannot unmake what is committed."""
        if self._published is None:
            return []
        try:
            facts = events.since(self.connection, self._published)
        except sqlite3.Error as error:
            log.error("facts are told later", problem=str(error))
            return []
        if facts:
            self._published = facts[-1].seq
        return facts

    def look(self, op: Callable[[sqlite3.Connection], T]) -> T:
        """Read on the writer's own connection: the inline way."""
        self.connection.execute("PRAGMA query_only = ON")
        try:
            return _look(self.connection, op)
        finally:
            self.connection.execute("PRAGMA query_only = OFF")

    def checkpoint(self) -> None:
        """Move what the log holds into the file, durably; readers may hold some of it back."""
        self.connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def stop_cleanly(self) -> None:
        """The last transaction of an orderly stop; a file that showed damage is checked at the next start."""
        if self._keeping.dear and not self.doubtful:
            commit_group(self.connection, [opening.mark_clean], within_s=inf)
        self.disconnect()

    def disconnect(self) -> None:
        """Close the connection, rolling back what it had begun; a database in memory stays."""
        if self._path is not None:
            self.close()

    def close(self) -> None:
        """Close the connection for good."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class _Readers:
    """Connections that cannot write, each used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: list[sqlite3.Connection] = []
        self._closed = False

    def look(self, op: Callable[[sqlite3.Connection], T]) -> T:
        """Run `op` on one of them; one that had trouble is not used again."""
        connection = self._idle.pop() if self._idle else self._connect()
        try:
            result = _look(connection, op)
        except sqlite3.Error:
            connection.close()
            raise
        except BaseException:
            self._put_back(connection)
            raise
        self._put_back(connection)
        return result

    def close(self) -> None:
        """Close the idle ones now and the busy ones when they are done."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def _connect(self) -> sqlite3.Connection:
        connection = dial_existing(self._path)
        try:
            return for_reading(connection)
        except BaseException:
            connection.close()
            raise

    def _put_back(self, connection: sqlite3.Connection) -> None:
        if self._closed:
            connection.close()
        else:
            self._idle.append(connection)


def _look(connection: sqlite3.Connection, op: Callable[[sqlite3.Connection], T]) -> T:
    connection.execute("BEGIN")
    try:
        return op(connection)
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
