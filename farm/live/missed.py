"""What a client missed while it was away: the facts after the last one it saw, from the database."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from sqlite3 import Connection

from farm.domain.printer import Printer
from farm.domain.user import Grant
from farm.live import protocol
from farm.live.protocol import Since
from farm.live.rooms import may_hear
from farm.store import events

WINDOW = 5000  # facts; a night of a small shop, an hour of the largest. Who was away longer looks afresh


def why_not(db: Connection, since: Since) -> str | None:
    """Why nobody can be told what happened since, in words that stay the same; None when they can."""
    newest, oldest = events.last_seq(db), events.oldest(db)
    if since.epoch != events.epoch(db):
        return "other epoch"  # a backup was restored: the numbers mean other facts
    if since.seq > newest:
        return "not reached yet"  # whoever counted so far has not counted here
    kept_since = newest if oldest is None else oldest - 1
    if since.seq < max(kept_since, newest - WINDOW):
        return "window passed"
    return None


class Missed:
    """The facts after one number, put into words once for all who missed them."""

    def __init__(self, db: Connection, after: int, printers: Mapping[str, Printer]) -> None:
        """printers: those of the farm."""
        self._facts = [(fact, protocol.fact(fact)) for fact in events.since(db, after)]
        self._printers = printers

    def by(self, after: int, rooms: Collection[str], grant: Grant) -> list[tuple[int, str]]:
        """Those after number `after` that are heard in these rooms: number and text, without `prev`."""
        return [
            (fact.seq, text)
            for fact, text in self._facts
            if fact.seq > after
            and any(room in rooms for room in fact.rooms)
            and may_hear(fact, grant, self._printers)
        ]
