"""Adopted plans. Plain functions of a connection; none commits."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from sqlite3 import Connection

import msgspec

from farm.domain.clock import iso
from farm.domain.plan import Plan
from farm.store.events import record

KEPT = 200  # the newest; a plan of a large farm takes some 300 kB

_of_plan = msgspec.json.Decoder(Plan)


def adopt(db: Connection, plan: Plan, at: datetime, who: str) -> Plan:
    """Make it the plan in force, and tell everybody. Old ones go."""
    row = db.execute("SELECT max(version) FROM plans").fetchone()
    adopted = replace(plan, version=(row[0] or 0) + 1, adopted_at=at)
    db.execute(
        "INSERT INTO plans (version, id, adopted_at, adopted_by, plan) VALUES (?, ?, ?, ?, ?)",
        (adopted.version, adopted.id, iso(at), who, msgspec.json.encode(adopted)),
    )
    db.execute("DELETE FROM plans WHERE version <= ?", (adopted.version - KEPT,))
    data = {  # what it says names printers and jobs, and not all who hear this may see all of them
        "plan": adopted.id,
        "version": adopted.version,
        "preset": adopted.preset,
        "who": who,
        "placements": len(adopted.placements),
        "unscheduled": len(adopted.unplanned),
    }
    record(db, "schedule.adopted", ("schedule", "queue"), at, data)
    return adopted


def in_force(db: Connection) -> Plan | None:
    """The newest one."""
    row = db.execute("SELECT plan FROM plans ORDER BY version DESC LIMIT 1").fetchone()
    return _of_plan.decode(row["plan"]) if row is not None else None


def by_id(db: Connection, plan: str) -> Plan | None:
    """One that was adopted and is still kept."""
    row = db.execute("SELECT plan FROM plans WHERE id = ?", (plan,)).fetchone()
    return _of_plan.decode(row["plan"]) if row is not None else None
