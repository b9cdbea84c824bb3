"""What the shop allows and minds. Plain functions of a connection; none commits."""

from __future__ import annotations

from sqlite3 import Connection
from typing import TypeVar

import msgspec

from farm.domain.constraints import NO_CONSTRAINTS, Constraints
from farm.domain.settings import AS_SHIPPED, Settings
from farm.store import audit
from farm.store.audit import Stamp
from farm.store.events import record

Kept = TypeVar("Kept", Constraints, Settings)


def constraints(db: Connection) -> Constraints:
    """The shop's, or none."""
    return _kept(db, "constraints", NO_CONSTRAINTS)


def settings(db: Connection) -> Settings:
    """The shop's, or those it begins with."""
    return _kept(db, "settings", AS_SHIPPED)


def keep_constraints(db: Connection, wanted: Constraints, stamp: Stamp) -> None:
    """Put these in the place of the shop's, and tell everybody."""
    _keep(db, "constraints", constraints(db), wanted, stamp)


def keep_settings(db: Connection, wanted: Settings, stamp: Stamp) -> None:
    """Put these in the place of the shop's, and tell everybody."""
    _keep(db, "settings", settings(db), wanted, stamp)


def forget_printer(db: Connection, printer: str, stamp: Stamp) -> None:
    """A printer was taken out of the farm: what the shop's constraints say of it is void."""
    was = constraints(db)
    now = was.without(printer)
    if now != was:
        keep_constraints(db, now, stamp)


def _kept(db: Connection, name: str, unless: Kept) -> Kept:
    row = db.execute("SELECT value FROM shop WHERE name = ?", (name,)).fetchone()
    return unless if row is None else msgspec.json.decode(row["value"], type=type(unless))


def _keep(db: Connection, name: str, was: Kept, now: Kept, stamp: Stamp) -> None:
    db.execute(
        "INSERT INTO shop (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2",
        (name, msgspec.json.encode(now, order="deterministic").decode()),
    )
    before, after = (msgspec.to_builtins(each, order="deterministic") for each in (was, now))
    changed = sorted(field for field in after if after[field] != before[field])
    detail = {
        "was": {field: before[field] for field in changed},
        "is": {field: after[field] for field in changed},
    }
    audit.append(db, stamp, f"{name}.changed", f"shop:{name}", detail)
    told = {"version": now.version, "fields": changed, "by": str(stamp.who)}
    record(db, f"schedule.{name}Changed", ("schedule",), stamp.at, told)
