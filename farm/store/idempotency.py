"""Requests that may be sent again: what came of each of their changes, and what they were answered.

A change is kept in the very transaction that makes it, so that neither a crash nor a lost answer can make
it twice. Steps count from 1; step 0 is the answer to the whole request.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from sqlite3 import Connection
from typing import Any, NoReturn, TypeVar

import msgspec

from farm.domain.clock import iso, parse_iso
from farm.domain.terms import Once
from farm.errors import FarmError, Invalid, TooOften

T = TypeVar("T")

KEPT = timedelta(hours=24)
MOST_STEPS = 20_000  # of one owner at a time; a shop's importer makes some thousand jobs a day
ANSWER = 0


class Tried(FarmError):
    """A change that was only tried and is undone. result: what it would have come to."""

    def __init__(self, result: Any) -> None:
        super().__init__("this was only tried")
        self.result = result


class DoneBefore(FarmError):
    """A change that was made when it was asked for before. result: what it came to, as JSON."""

    def __init__(self, result: bytes) -> None:
        super().__init__("this was done before")
        self.result = result


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a request. steps: the results by step; None for one whose end is not known."""

    request: bytes
    steps: dict[int, bytes | None]


def try_out(db: Connection, op: Callable[[Connection], Any]) -> NoReturn:
    """Run `op` and raise Tried, or what it raises: whoever runs this undoes what was done."""
    raise Tried(op(db))


def do_once(db: Connection, wish: Once, at: datetime, op: Callable[[Connection], T]) -> T:
    """Run `op` unless it was run before: then DoneBefore is raised. Raises TooOften, and what `op` raises."""
    kept = recall(db, wish.owner, wish.key, at)
    if kept is not None:
        require_same(kept, wish.request)
        result = kept.steps.get(wish.step)
        if result is not None:
            raise DoneBefore(result)
    done = op(db)
    note(db, wish, at, msgspec.json.encode(done))
    return done


def recall(db: Connection, owner: str, key: str, at: datetime) -> Kept | None:
    """What is known of a request, None for a new one and for one of long ago. at: now."""
    rows = db.execute(
        "SELECT step, request, result FROM idempotency WHERE owner = ? AND key = ? AND at > ?",
        (owner, key, iso(at - KEPT)),
    ).fetchall()
    return Kept(rows[0]["request"], {row["step"]: row["result"] for row in rows}) if rows else None


def require_same(kept: Kept, request: bytes) -> None:
    """Raise Invalid for another request than the one this key was used for."""
    if kept.request != request:
        raise Invalid(
            "this Idempotency-Key was used for another request; give each request a key of its own",
            "Idempotency-Key",
        )


def note(db: Connection, wish: Once, at: datetime, result: bytes | None) -> None:
    """Keep what a step came to; None before one whose end may never be known. Raises TooOften.

    What is older than KEPT is swept away.
    """
    db.execute("DELETE FROM idempotency WHERE at <= ?", (iso(at - KEPT),))
    _require_room(db, wish, at)
    db.execute(
        "INSERT INTO idempotency (owner, key, step, request, result, at) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET result = excluded.result",
        (wish.owner, wish.key, wish.step, wish.request, result, iso(at)),
    )


def forget(db: Connection, wish: Once) -> None:
    """This step was not taken after all."""
    db.execute(
        "DELETE FROM idempotency WHERE owner = ? AND key = ? AND step = ?", (wish.owner, wish.key, wish.step)
    )


def _require_room(db: Connection, wish: Once, at: datetime) -> None:
    oldest, count = db.execute(
        "SELECT min(at), count(*) FROM idempotency WHERE owner = ?", (wish.owner,)
    ).fetchone()
    if count >= MOST_STEPS and wish.step != ANSWER:  # whose request is known, and finished, already
        wait_s = (parse_iso(oldest) + KEPT - at).total_seconds()
        raise TooOften(
            f"{MOST_STEPS} requests with an Idempotency-Key are remembered for you already; send this one "
            "without, or later",
            max(wait_s, 1.0),
        )
