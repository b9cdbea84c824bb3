"""What customers ordered. Plain functions of a connection; none commits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from sqlite3 import Connection, Row
from typing import Any

from farm.domain.clock import iso, parse_iso
from farm.domain.order import Order, OrderState
from farm.store.events import record

_ORDERS = """SELECT * FROM (SELECT orders.*, CASE
        WHEN cancelled_at IS NOT NULL THEN 'cancelled'
        WHEN EXISTS (SELECT 1 FROM print_jobs WHERE order_id = orders.id AND state = 'done')
            AND NOT EXISTS (SELECT 1 FROM print_jobs WHERE order_id = orders.id
                AND state NOT IN ('done', 'cancelled'))
            THEN 'done'
        ELSE 'open' END AS state FROM orders)"""


def add(db: Connection, order: Order) -> None:
    """Keep a new order and tell that it is there."""
    db.execute(
        """INSERT INTO orders (id, reference, note, due_at, created_by, created_at)
           VALUES (?, ?, ?, ?, ?, ?)""",
        (
            order.id,
            order.reference,
            order.note,
            _iso(order.due_at),
            order.created_by,
            iso(order.created_at),
        ),
    )
    _tell(db, "order.added", order, order.created_at)


def change(db: Connection, order: Order, changes: Mapping[str, Any], at: datetime) -> Order:
    """Make other values of some of its fields (reference, note, due_at), and tell everybody."""
    columns = {name: _iso(value) if name == "due_at" else value for name, value in changes.items()}
    settings = ", ".join(f"{_COLUMNS[name]} = ?" for name in columns)
    db.execute(f"UPDATE orders SET {settings} WHERE id = ?", (*columns.values(), order.id))
    changed = existing(db, order.id)
    _tell(db, "order.changed", changed, at)
    return changed


_COLUMNS = {"reference": "reference", "note": "note", "due_at": "due_at"}


def cancel(db: Connection, order: Order, at: datetime) -> Order:
    """Give it up for good; what becomes of its jobs is said of each of them."""
    db.execute("UPDATE orders SET cancelled_at = ? WHERE id = ?", (iso(at), order.id))
    cancelled = existing(db, order.id)
    _tell(db, "order.cancelled", cancelled, at)
    return cancelled


def tell_if_finished(db: Connection, order_id: str, at: datetime) -> None:
    """Tell everybody when nothing is left to be done of an order."""
    order = existing(db, order_id)
    if order.state is OrderState.DONE:
        _tell(db, "order.finished", order, at)


def by_id(db: Connection, order: str) -> Order | None:
    """One order, None when it is not here."""
    row = db.execute(f"{_ORDERS} WHERE id = ?", (order,)).fetchone()
    return _order(row) if row is not None else None


def existing(db: Connection, order: str) -> Order:
    """One order that must be there; LookupError otherwise."""
    found = by_id(db, order)
    if found is None:
        raise LookupError(f"no order {order}")
    return found


def page(db: Connection, after: str | None, limit: int, state: OrderState | None = None) -> list[Order]:
    """Up to `limit` orders by id, those after `after`; only those in `state` when it is given."""
    rows = db.execute(
        f"{_ORDERS} WHERE id > ? AND (? IS NULL OR state = ?) ORDER BY id LIMIT ?",
        (after or "", state, state, limit),
    ).fetchall()
    return [_order(row) for row in rows]


def _tell(db: Connection, type: str, order: Order, at: datetime) -> None:
    data = {"order": order.id, "reference": order.reference, "due_at": _iso(order.due_at)}
    record(db, type, ("queue",), at, data)


def _order(row: Row) -> Order:
    return Order(
        id=row["id"],
        reference=row["reference"],
        created_by=row["created_by"],
        created_at=parse_iso(row["created_at"]),
        note=row["note"],
        due_at=parse_iso(row["due_at"]) if row["due_at"] else None,
        state=OrderState(row["state"]),
        cancelled_at=parse_iso(row["cancelled_at"]) if row["cancelled_at"] else None,
    )


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)
