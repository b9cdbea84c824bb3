"""The actor `history`: has written down, in batches, how printers stood and prints came along, and has days
that are over put together for the statistics."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from sqlite3 import Connection
from typing import assert_never

import structlog
import trio

from farm.actors import Mailbox
from farm.domain.clock import ClockSetting, WallClock
from farm.errors import FarmError
from farm.history.book import Book
from farm.history.messages import HistoryMessage, PrinterLeft, StatusSeen
from farm.store import histories, shop, statistics
from farm.store.database import Database

log = structlog.get_logger(__name__)

WRITE_EVERY_S = 5.0  # one durable transaction for all printers, instead of one for each change
COUNT_EVERY_S = 60.0  # time goes on always: it is written seldom where nothing else is
FORGET_EVERY_S = 600.0
FORGET_MORE_S = 0.5  # prune takes a bounded bite; others write in between
KEPT = timedelta(days=400)
PACK_EVERY_S = 30.0
PACK_MORE_S = 0.5  # a bounded bite, too


@dataclass(frozen=True, slots=True)
class HistoryParts:
    """database: farm.db."""

    database: Database
    clock: WallClock


class History:
    """Owns the lines that are not written yet."""

    def __init__(self, parts: HistoryParts) -> None:
        self._database = parts.database
        self._clock = parts.clock
        self._book = Book()
        self._clock_setting = ClockSetting()
        self._counted = 0.0
        self._troubled = False

    async def run(self, mailbox: Mailbox[HistoryMessage]) -> None:
        """Live until the mailbox closes, then write what is left."""
        self._book.take_up(await self._database.read(histories.open_troubles))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._write_again_and_again)
            nursery.start_soon(self._forget_again_and_again)
            nursery.start_soon(self._pack_again_and_again)
            async for delivery in mailbox:
                self._take(delivery.message)
            nursery.cancel_scope.cancel()
        await self._write()

    def _take(self, message: HistoryMessage) -> None:
        match message:
            case StatusSeen():
                self._book.see(message)
            case PrinterLeft(printer):
                self._book.forget(printer, self._clock())
            case _:
                assert_never(message)

    async def _write_again_and_again(self) -> None:
        while True:
            await trio.sleep(WRITE_EVERY_S)
            if self._book.is_urgent or trio.current_time() - self._counted >= COUNT_EVERY_S:
                await self._write()

    async def _write(self) -> None:
        lines = self._book.take()
        self._counted = trio.current_time()
        try:
            await self._database.write(histories.keep, lines)
        except FarmError as problem:
            self._book.put_back(lines)
            if not self._troubled:
                log.warning("history cannot be written", problem=str(problem))
            self._troubled = True
        else:
            self._troubled = False

    async def _forget_again_and_again(self) -> None:
        while True:
            gone = await self._forget_some()
            await trio.sleep(FORGET_MORE_S if gone else FORGET_EVERY_S)

    async def _forget_some(self) -> bool:
        """Whether anything went."""
        now = self._clock()
        if not self._clock_setting.is_settled(now, trio.current_time()):
            return False
        try:
            return await self._database.write(histories.prune, now - KEPT) > 0
        except FarmError as problem:
            log.warning("old history stays", problem=str(problem))
            return False

    async def _pack_again_and_again(self) -> None:
        """Days that are over are put together; until then they are read print by print."""
        while True:
            packed = 0
            try:
                packed = await self._database.write(_pack, self._clock())
            except FarmError as problem:
                log.warning("days not put together", problem=str(problem))
            await trio.sleep(PACK_MORE_S if packed else PACK_EVERY_S)


def _pack(db: Connection, now: datetime) -> int:
    return statistics.pack(db, now.astimezone(shop.constraints(db).zone).date())
