"""Customers' orders: what they want, and how much of it is there."""

from __future__ import annotations

from sqlite3 import Connection

from msgspec import UNSET, Struct, UnsetType, structs

from farm.access.rights import Action
from farm.domain.job import Job
from farm.domain.order import Order, OrderState
from farm.errors import NotFound
from farm.live import shapes
from farm.queue.messages import AddOrder, CancelOrder, ChangeOrder
from farm.store import customer_orders, jobs
from farm.web.contract import Created, Page, Paging, SentMoment, Versioned, following
from farm.web.routes import Call, Entry, Route


class NewOrder(Struct, forbid_unknown_fields=True):
    """reference: how the customer calls it. due_at: for those of its jobs that have no date of their own."""

    reference: str
    note: str = ""
    due_at: SentMoment | None = None


class OrderChange(Struct, forbid_unknown_fields=True):
    """Only what is given changes."""

    reference: str | UnsetType = UNSET
    note: str | UnsetType = UNSET
    due_at: SentMoment | UnsetType | None = UNSET


class OrderQuery(Paging):
    state: OrderState | None = None


async def add_order(call: Call, sent: NewOrder) -> Created[shapes.Order]:
    """Take an order; its jobs are added with its id."""
    wish = AddOrder(sent.reference, sent.note, sent.due_at)
    order = await call.change(Order, lambda by: call.desk.queue.ask(wish, by=by))
    return Created(shapes.of_order(order, []), {"Location": f"/v1/orders/{order.id}"})


async def list_orders(call: Call, query: OrderQuery) -> Page[shapes.Order]:
    """Orders by id, each with what is there of it."""
    found = await call.desk.database.read(_page, query)
    shown = [_shown(call, order, own) for order, own in found[: query.limit]]
    return Page(shown, following(found, query.limit, lambda order: order[0].id))


async def show_order(call: Call, order: str) -> Versioned[shapes.Order]:
    """One order, and what is there of it."""
    found = await call.desk.database.read(customer_orders.by_id, order)
    if found is None:
        raise NotFound(f"there is no order {order}")
    return Versioned.of(await _with_jobs(call, found), found.version)


async def change_order(call: Call, order: str, sent: OrderChange) -> Versioned[shapes.Order]:
    """Change an order's reference, note or due date."""
    changes = {name: value for name, value in structs.asdict(sent).items() if value is not UNSET}
    wish = ChangeOrder(order, changes)
    changed = await call.change(Order, lambda by: call.desk.queue.ask(wish, by=by))
    return Versioned.of(await _with_jobs(call, changed), changed.version)


async def cancel_order(call: Call, order: str) -> shapes.Order:
    """Cancel an order with all its jobs; prints of them that run go on."""
    wish = CancelOrder(order)
    return await _with_jobs(call, await call.change(Order, lambda by: call.desk.queue.ask(wish, by=by)))


async def _with_jobs(call: Call, order: Order) -> shapes.Order:
    return _shown(call, order, await call.desk.database.read(jobs.of_order, order.id))


def _shown(call: Call, order: Order, own: list[Job]) -> shapes.Order:
    """What is done of an order, or given up, is not expected any more."""
    plan = call.desk.plan.in_force
    planned = plan is not None and order.state is OrderState.OPEN
    return shapes.of_order(order, own, plan.orders.get(order.id) if plan is not None and planned else None)


def _page(db: Connection, query: OrderQuery) -> list[tuple[Order, list[Job]]]:
    page = customer_orders.page(db, query.cursor, query.limit + 1, query.state)
    return [(order, jobs.of_order(db, order.id)) for order in page]


ROUTES = (
    Route("GET", "/v1/orders", list_orders, Action.READ),
    Route("POST", "/v1/orders", add_order, Entry.KNOWN),
    Route("GET", "/v1/orders/<order>", show_order, Action.READ),
    Route("PATCH", "/v1/orders/<order>", change_order, Entry.KNOWN),
    Route("POST", "/v1/orders/<order>/cancel", cancel_order, Entry.KNOWN),
)
