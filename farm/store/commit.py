"""Group commit: many operations, one durable transaction, a savepoint for each."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any, TypeAlias

import outcome

from farm.store.connection import is_worlds_fault

Op: TypeAlias = Callable[[sqlite3.Connection], Any]
Result: TypeAlias = "outcome.Value[Any] | outcome.Error"


class TransactionEnded(Exception):
    """An operation ended the transaction it shares with others: a bug that may have cost any of them."""


def commit_group(db: sqlite3.Connection, ops: Sequence[Op], *, within_s: float) -> list[Result]:
    """Run as many of `ops` as begin within `within_s` seconds, at least one, and commit them together.

    Returns what became of each that ran, in order, once it is durable. One that raises is undone alone.
    Raises sqlite3.Error when disk, file or a stranger refuse: then nothing of the group was kept.
    """
    begun = perf_counter()
    results: list[Result] = []
    db.execute("BEGIN IMMEDIATE")  # a read that turns into a write could be refused half-way
    try:
        for op in ops:
            results.append(_attempt(db, op))
            if perf_counter() - begun > within_s:
                break
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    return results


def _attempt(db: sqlite3.Connection, op: Op) -> Result:
    db.execute("SAVEPOINT op")
    try:
        result: Result = outcome.Value(op(db))
    except Exception as error:
        if is_worlds_fault(error):
            raise  # SQLite may have ended the transaction, and the next one would meet the same
        result = outcome.Error(error)
    if not db.in_transaction:
        raise TransactionEnded(f"{op} ended the transaction it shares with others")
    if isinstance(result, outcome.Error):
        db.execute("ROLLBACK TO op")
    db.execute("RELEASE op")
    return result
