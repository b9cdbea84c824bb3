"""Which migrations a database has been through."""

from __future__ import annotations

import contextlib
import sqlite3

import sqlite_utils
from sqlite_utils.migrations import Migrations


def view(connection: sqlite3.Connection) -> sqlite_utils.Database:
    """The connection as sqlite-utils sees it, without its plug-ins."""
    return sqlite_utils.Database(connection, recursive_triggers=False, execute_plugins=False)


def applied(connection: sqlite3.Connection, known: Migrations) -> tuple[str, ...]:
    """The names of the steps this database has been through, in their order."""
    return tuple(step.name for step in known.applied(view(connection)))


def pending(connection: sqlite3.Connection, known: Migrations) -> tuple[str, ...]:
    """The names of the steps it still has to go."""
    return tuple(step.name for step in known.pending(view(connection)))


def unknown(connection: sqlite3.Connection, known: Migrations) -> tuple[str, ...]:
    """The steps it has been through that this farm has never heard of: a newer one applied them."""
    with contextlib.closing(sqlite3.connect(":memory:")) as empty:
        ours = set(pending(empty, known))
    return tuple(name for name in applied(connection, known) if name not in ours)
