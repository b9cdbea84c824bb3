"""What people wish of jobs, orders and prints: each function is one transaction, whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from sqlite3 import Connection
from typing import Any

from farm.domain.clock import iso
from farm.domain.job import ACTIVE_PRINTS, JOBS, Approval, Job, JobState, Pin, Print
from farm.domain.order import Order, OrderState
from farm.domain.terms import require_version
from farm.errors import Invalid, NotFound, Refused
from farm.queue import approvals
from farm.queue.fitting import require_printable
from farm.queue.messages import AmendJob, ChangeOrder, ExplainPrint
from farm.queue.settling import prints_going_on, settle_copies
from farm.store import audit, customer_orders, files, jobs, printers, prints
from farm.store.audit import Stamp
from farm.store.events import record

LIMITS = {"copies": (1, 100_000), "yield_per_plate": (1, 10_000), "priority": (-1000, 1000)}
NAMED = {"yield_per_plate": "yield"}  # what people call it
LONGEST_NAME, LONGEST_NOTE, LONGEST_FILAMENT = 200, 2000, 50
_OVER = frozenset({JobState.DONE, JobState.CANCELLED})


def add_job(db: Connection, job: Job, stamp: Stamp) -> Job:
    """Keep a job, after looking whether its file, printers and order are here, and fit each other."""
    file = files.by_id(db, job.file)
    if file is None:
        raise NotFound(f"there is no file {job.file}; upload it first")
    _check_job(db, {name: getattr(job, name) for name in _CHECKED})
    wished = (printer for printer, _ in printers.everything(db) if job.may_run_on(printer))
    require_printable(file, wished)
    jobs.add(db, job, str(stamp.who))
    detail = {"name": job.name, "file": job.file, "copies": job.copies, "state": job.state}
    audit.append(db, stamp, "job.added", f"job:{job.id}", detail)
    return approvals.settle(db, jobs.existing(db, job.id), stamp.at, str(stamp.who))


def amend_job(db: Connection, wish: AmendJob, stamp: Stamp) -> Job:
    """Make something else of a job that is not over. Raises NotFound, Refused, Invalid."""
    job = _existing_job(db, wish.job)
    require_version(stamp.who.terms, job.version)
    if job.state in _OVER:
        raise Refused(f"{job.name} is {job.state}; add a new job instead")
    changes = {name: value for name, value in wish.changes.items() if name != "hold"}
    changes = {name: value for name, value in changes.items() if getattr(job, name) != value}
    was_copies = job.copies
    _check_job(db, changes)
    if changes:
        was = {name: getattr(job, name) for name in changes}
        detail = {"was": _plain(was), "is": _plain(changes)}
        job = jobs.amend(db, job.id, changes, stamp.at)
        audit.append(db, stamp, "job.amended", f"job:{job.id}", detail)
    if changes.get("copies", 0) > was_copies:
        jobs.note_share_approved(db, job.id, approved=False)
    hold = wish.changes.get("hold")
    if hold is not None and hold is not (job.state is JobState.HELD):
        change_job(db, job.id, "hold" if hold else "release", stamp)
    if changes and job.approval is Approval.FIT:
        jobs.enter(db, job.id, JobState.QUEUED, stamp.at, str(stamp.who), "it was changed")
    if "copies" in changes:
        settle_copies(db, job.id, stamp.at, str(stamp.who))
    return approvals.settle(db, jobs.existing(db, job.id), stamp.at, str(stamp.who))


_CHECKED = (*LIMITS, "name", "required_printers", "preferred_printers", "pin", "material", "colour", "order")


def _check_job(db: Connection, fields: Mapping[str, Any]) -> None:
    for name, (least, most) in LIMITS.items():
        if name in fields and not least <= fields[name] <= most:
            field = NAMED.get(name, name)
            raise Invalid(f"{field} is a number from {least} to {most}", field)
    if "name" in fields:
        _check_text(fields["name"], "name", LONGEST_NAME)
    for name in ("material", "colour"):
        if fields.get(name) is not None:
            _check_text(fields[name], name, LONGEST_FILAMENT)
    for name in ("required_printers", "preferred_printers"):
        for printer in sorted(fields.get(name, ())):
            _check_printer(db, printer, name)
    if fields.get("pin") is not None:
        _check_printer(db, fields["pin"].printer, "pin.printer")
    if fields.get("order") is not None:
        _check_order(db, fields["order"])


def _check_printer(db: Connection, printer: str, field: str) -> None:
    if not printers.exists(db, printer):
        raise Invalid(f"there is no printer {printer}", field)


def _check_order(db: Connection, order_id: str) -> None:
    order = customer_orders.by_id(db, order_id)
    if order is None:
        raise Invalid(f"there is no order {order_id}; add it first", "order")
    if order.state is OrderState.CANCELLED:
        raise Refused(f"the order {order.reference} was cancelled; nothing can be added to it")


def _check_text(text: str, field: str, longest: int, *, may_be_empty: bool = False) -> None:
    if not (may_be_empty or text.strip()) or len(text) > longest:
        raise Invalid(f"{field} is a text of {0 if may_be_empty else 1} to {longest} characters", field)


def add_order(db: Connection, order: Order, stamp: Stamp) -> Order:
    """Keep a new order. Raises Invalid."""
    _check_texts({"reference": order.reference, "note": order.note})
    customer_orders.add(db, order)
    audit.append(db, stamp, "order.added", f"order:{order.id}", {"reference": order.reference})
    return order


def change_order(db: Connection, wish: ChangeOrder, stamp: Stamp) -> Order:
    """Change an order's own fields. Raises NotFound, Refused for a cancelled one, Invalid."""
    order = _open_order(db, wish.order)
    require_version(stamp.who.terms, order.version)
    changes = {name: value for name, value in wish.changes.items() if getattr(order, name) != value}
    if not changes:
        return order
    _check_texts(changes)
    was = {name: getattr(order, name) for name in changes}
    audit.append(db, stamp, "order.changed", f"order:{order.id}", {"was": _plain(was), "is": _plain(changes)})
    return customer_orders.change(db, order, changes, stamp.at)


def cancel_order(db: Connection, order_id: str, stamp: Stamp) -> Order:
    """Cancel an order and those of its jobs that are not over. Raises NotFound, Refused."""
    order = _open_order(db, order_id)
    for job in jobs.of_order(db, order.id):
        if job.state not in _OVER:
            jobs.enter(db, job.id, JobState.CANCELLED, stamp.at, str(stamp.who), "its order was cancelled")
    audit.append(db, stamp, "order.cancelled", f"order:{order.id}", {"reference": order.reference})
    return customer_orders.cancel(db, order, stamp.at)


def _open_order(db: Connection, order_id: str) -> Order:
    order = customer_orders.by_id(db, order_id)
    if order is None:
        raise NotFound(f"there is no order {order_id}")
    if order.state is OrderState.CANCELLED:
        raise Refused(f"the order {order.reference} was cancelled already")
    return order


def _check_texts(fields: Mapping[str, Any]) -> None:
    if "reference" in fields:
        _check_text(fields["reference"], "reference", LONGEST_NAME)
    if "note" in fields:
        _check_text(fields["note"], "note", LONGEST_NOTE, may_be_empty=True)


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields as the audit keeps them."""
    return {name: _plain_value(value) for name, value in fields.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, Pin):
        return _plain({"printer": value.printer, "start": value.start})
    return sorted(value) if isinstance(value, frozenset) else value


def _existing_job(db: Connection, job_id: str) -> Job:
    job = jobs.by_id(db, job_id)
    if job is None:
        raise NotFound(f"there is no job {job_id}")
    return job


def change_job(db: Connection, job_id: str, change: str, stamp: Stamp) -> Job:
    """Hold, release, cancel or retry a job; prints of it go on. Raises NotFound, Refused, Invalid."""
    job = _existing_job(db, job_id)
    if change not in _CHANGES:
        raise Invalid(f"a job can be told to {', '.join(_CHANGES)}", "change")
    allowed, new = _CHANGES[change]
    if job.state not in allowed:
        raise Refused(
            f"{job.name} is {job.state}; only a job that is {_either(allowed)} can be told to {change}"
        )
    if change == "release" and job.approval is Approval.SHARE:
        raise Refused(f"{job.name} waits for approval: {job.approval_why}")
    if change == "retry":
        jobs.forgive(db, job.id, stamp.at)
    if new is JobState.QUEUED and prints_going_on(db, job):
        new = JobState.ACTIVE
    audit.append(db, stamp, "job.changed", f"job:{job.id}", {"change": change, "was": job.state, "is": new})
    changed = jobs.enter(db, job.id, new, stamp.at, str(stamp.who), change)
    if new is JobState.CANCELLED and job.order is not None:
        customer_orders.tell_if_finished(db, job.order, stamp.at)
    return approvals.settle(db, changed, stamp.at, str(stamp.who))


def _either(states: frozenset[JobState]) -> str:
    return " or ".join(sorted(states))


_CHANGES: dict[str, tuple[frozenset[JobState], JobState]] = {
    "hold": (frozenset({JobState.QUEUED, JobState.SCHEDULED, JobState.ACTIVE}), JobState.HELD),
    "release": (frozenset({JobState.HELD}), JobState.QUEUED),
    "cancel": (
        frozenset(state for state, after in JOBS.items() if JobState.CANCELLED in after),
        JobState.CANCELLED,
    ),
    "retry": (frozenset({JobState.QUARANTINED, JobState.NEEDS_REVIEW}), JobState.QUEUED),
}


def explain_print(db: Connection, wish: ExplainPrint, stamp: Stamp) -> Print:
    """Keep why a print failed, or was spoiled, and tell everybody. Raises Invalid, Refused, Outdated."""
    before = prints.existing(db, wish.print)
    require_version(stamp.who.terms, before.version)
    if before.state in ACTIVE_PRINTS:
        raise Refused("it goes on; say why it failed when it has")
    cause, note = wish.changes.get("cause", before.cause), wish.changes.get("note", before.note)
    _check_text(note, "note", LONGEST_NOTE, may_be_empty=True)
    after = prints.explain(db, before.id, cause, note)
    told = {"print": after.id, "job": after.job, "printer": after.printer, "cause": cause, "note": note}
    rooms = ("queue", f"printer:{after.printer}")
    record(db, "print.explained", rooms, stamp.at, {**told, "by": str(stamp.who)})
    audit.append(db, stamp, "print.explained", f"print:{after.id}", {"cause": cause, "note": note})
    return after
