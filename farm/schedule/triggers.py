"""What makes a new plan necessary, and what people are told of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from farm.domain.event import Fact
from farm.domain.plan import Plan
from farm.domain.printer import Connection, PrinterStatus
from farm.schedule.facts import Station

LATE, LATE_SHARE = timedelta(minutes=10), 0.1
"""A print that ends so much off its time, whichever is more, moves what comes after it."""

LOST_AFTER_S = 60.0  # out of reach; a network that stumbles moves nobody's work

_ABOUT = {
    "job.queued": "a job was added",
    "job.amended": "a job was changed",
    "order.changed": "an order was changed",
    "order.cancelled": "an order was cancelled",
    "file.processed": "a file was read",
    "print.finished": "a print ended",
    "print.failed": "a print failed",
    "print.cancelled": "a print was cancelled",
    "print.interrupted": "a print was interrupted",
    "print.unknown": "nobody knows how a print ended",
    "print.counted": "parts were counted",
    "printer.added": "a printer was added",
    "printer.changed": "a printer was set up anew",
    "printer.removed": "a printer was taken out",
    "printer.modeChanged": "a printer was taken out of work, or put back",
    "maintenance.due": "maintenance is due",
    "maintenance.done": "maintenance was done",
    "maintenance.changed": "maintenance was planned anew",
    "maintenance.removed": "maintenance was planned anew",
    "schedule.constraintsChanged": "hours, power or windows were changed",
    "schedule.settingsChanged": "what the plan is to mind was changed",
    **{f"spool.{what}": "filament was changed" for what in ("loaded", "unloaded", "changed", "removed")},
}

_AS_PLANNED = frozenset({"active", "done", "scheduled", "print starting", "print printing"})
"""What becomes of jobs and of plates when all goes well."""


def why_plan_again(fact: Fact) -> str | None:
    """What it changes for the plan, None for nothing."""
    if fact.type == "job.changed":
        return None if fact.data.get("to") in _AS_PLANNED else f"a job is {fact.data.get('to')}"
    if fact.type == "plate.changed":
        return None if fact.data.get("why") in _AS_PLANNED else f"a plate is {fact.data.get('to')}"
    if fact.type == "ejection.changed":
        return "a print is not pushed off" if fact.data.get("to") == "left" else None
    if fact.type == "system.alert":
        return "the computer slept, or its clock was set" if fact.data.get("kind") == "clock" else None
    return _ABOUT.get(fact.type)


class Lost:
    """Knows since when printers are out of reach: each try to reach one looks like news of it."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def among(self, told: Mapping[str, PrinterStatus], now: float) -> frozenset[str]:
        """Those that have been out of reach for so long that their work goes elsewhere.

        now: seconds of a clock that nobody can set.
        """
        away = {name for name, status in told.items() if status.connection is not Connection.ONLINE}
        self._since = {name: self._since.get(name, now) for name in away}
        return frozenset(
            name
            for name, since in self._since.items()
            if now - since >= LOST_AFTER_S or told[name].connection in _FOR_LONG
        )


_FOR_LONG = frozenset({Connection.DISABLED, Connection.FAULTED})


def drift(before: Station, now: Station, at: datetime) -> str | None:
    """What changed at one printer that nobody has told as a fact, None for nothing that matters."""
    name = now.printer.name
    if bool(before.away) != bool(now.away):
        return f"{name}: {now.away}" if now.away else f"{name} is back"
    if before.prints != now.prints or before.free_at is None or now.free_at is None:
        return None
    late = now.free_at - before.free_at
    most = max(LATE, (before.free_at - at) * LATE_SHARE)
    if abs(late) <= most:
        return None
    minutes = abs(late) // timedelta(minutes=1)
    return f"{name} is {minutes} min {'late' if late > timedelta(0) else 'early'}"


def in_its_place(before: Plan, after: Plan) -> Plan:
    """The same plan for people, with the times of the newer one."""
    return replace(
        after,
        id=before.id,
        version=before.version,
        adopted_at=before.adopted_at,
        because=before.because,
        changes=before.changes,
    )


def is_the_same(before: Plan, after: Plan) -> bool:
    """Whether people would see no difference: the same prints in the same order on the same printers."""
    if before.unplanned != after.unplanned or before.preset != after.preset:
        return False
    return _orders(before) == _orders(after) and not _moved(before, after)


def _orders(plan: Plan) -> Mapping[str, list[str]]:
    orders: dict[str, list[str]] = {}
    for one in sorted(plan.placements, key=lambda each: each.start):
        orders.setdefault(one.printer, []).append(one.job)
    return orders


def _moved(before: Plan, after: Plan) -> bool:
    ends = {(one.job, one.copy): one.end for one in before.placements}
    return any(abs(one.end - ends.get((one.job, one.copy), one.end)) > LATE for one in after.placements)
