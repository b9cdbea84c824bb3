"""Printers: which there are, how they stand, and what people tell them."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from quart import Response

from farm.access.rights import Action, Target, allowed, require
from farm.domain.clock import new_id
from farm.domain.printer import Address, Printer, PrinterStatus
from farm.domain.user import Principal
from farm.errors import Invalid, NotFound
from farm.live import shapes
from farm.live.messages import ReportStatuses
from farm.printers.messages import AddPrinter, RemovePrinter
from farm.queue.messages import ClearPlate, UndoPlate
from farm.store import printers
from farm.web.answers import answer, nothing
from farm.web.routes import Call, Entry, Route


class NewConnection(msgspec.Struct, forbid_unknown_fields=True):
    """The fields after `api_key` are known, and refused by name as long as no driver can honour them."""

    kind: str
    url: str
    api_key: str | None = None
    username: str | None = None
    password: str | None = None
    tls: str | None = None
    endpoints: dict[str, Any] | None = None
    port: str | None = None
    baud: int | None = None


class NewPrinter(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    name: str
    connection: NewConnection
    profile: dict[str, Any] | None = None
    tags: frozenset[str] = frozenset()
    enabled: bool = True
    health_check_interval_s: float = 30.0
    max_retries: int = 5


class PlateCleared(msgspec.Struct, tag_field="command", tag="plate_cleared", forbid_unknown_fields=True):
    """good: parts that came off well; left out, the job's yield."""

    good: Annotated[int, msgspec.Meta(ge=0)] | None = None


class PlateUndo(msgspec.Struct, tag_field="command", tag="plate_undo", forbid_unknown_fields=True):
    """Take `plate_cleared` back."""


async def list_printers(call: Call) -> Response:
    """The printers the asker may look at, by id."""
    after, limit, _ = call.page()
    visible = [printer for printer in await _all(call) if may_read(call.asker, printer)]
    page = [printer for printer in visible if printer.id > (after or "")][:limit]
    more = bool(page) and page[-1].id != visible[-1].id
    shown = await _with_status(call, page)
    return answer({"items": shown, "next": page[-1].id if more else None})


async def show_printer(call: Call, printer: str) -> Response:
    call.query()
    (shown,) = await _with_status(call, [await _readable(call, printer)])
    return answer(shown)


async def add_printer(call: Call) -> Response:
    """Set up a printer; it shows as offline until it was reached for the first time."""
    sent = await call.json(NewPrinter)
    _refuse_what_is_not_kept(sent)
    wanted = Printer(
        id=sent.id,
        name=sent.name,
        address=Address(sent.connection.kind, sent.connection.url.rstrip("/"), sent.connection.api_key or ""),
        tags=sent.tags,
        enabled=sent.enabled,
        health_check_interval_s=sent.health_check_interval_s,
        max_retries=sent.max_retries,
    )
    added = await call.desk.fleet.ask(AddPrinter(wanted), by=call.asker)
    (shown,) = await _with_status(call, [added])
    return answer(shown, 201, {"Location": f"/v1/printers/{added.id}"})


async def remove_printer(call: Call, printer: str) -> Response:
    call.query()
    await call.desk.fleet.ask(RemovePrinter(printer), by=call.asker)
    return nothing()


async def command_printer(call: Call, printer: str) -> Response:
    """Accepted or refused at once; what comes of it is seen in the printer's status and in the facts."""
    sent = await _command(call)
    found = await find(call, printer)
    require(call.asker, Action.CLEAR_PLATE, target(found))
    match sent:
        case PlateCleared(good=good):
            await call.desk.queue.ask(ClearPlate(printer, good), by=call.asker)
        case PlateUndo():
            await call.desk.queue.ask(UndoPlate(printer), by=call.asker)
    return answer({"command_id": new_id(call.desk.chance)}, 202)


async def _command(call: Call) -> PlateCleared | PlateUndo:
    try:
        return await call.json(PlateCleared | PlateUndo)  # type: ignore[arg-type]  # a union is no class
    except Invalid as problem:
        if problem.field != "command":
            raise
        raise Invalid("a command is plate_cleared or plate_undo", "command") from problem


def may_read(asker: Principal, printer: Printer) -> bool:
    """Whether `asker` may look at this printer."""
    return allowed(asker, Action.READ, target(printer))


def target(printer: Printer) -> Target:
    """The printer as rights are asked about it."""
    return Target(printer.id, printer.tags)


async def find(call: Call, printer: str) -> Printer:
    """One printer, whoever asks. Raises NotFound."""
    for known in await _all(call):
        if known.id == printer:
            return known
    raise NotFound(f"there is no printer {printer} in this farm")


async def readable_ids(call: Call) -> frozenset[str]:
    """The printers the asker may look at."""
    return frozenset(printer.id for printer in await _all(call) if may_read(call.asker, printer))


async def _readable(call: Call, printer: str) -> Printer:
    found = await find(call, printer)
    if not may_read(call.asker, found):
        raise NotFound(f"there is no printer {printer} in this farm")
    return found


async def _all(call: Call) -> list[Printer]:
    return [printer for printer, _ in await call.desk.database.read(printers.everything)]


async def _with_status(call: Call, shown: list[Printer]) -> list[dict[str, Any]]:
    statuses = await call.desk.events.ask(ReportStatuses(), by=call.asker)
    at = call.desk.clock()
    return [shapes.of_printer(printer, statuses.get(printer.id, PrinterStatus()), at) for printer in shown]


def _refuse_what_is_not_kept(sent: NewPrinter) -> None:
    """Say so rather than lose a setting in silence."""
    unkept = {f"connection.{name}": getattr(sent.connection, name) for name in _NOT_YET}
    for field, value in {**unkept, "profile": sent.profile}.items():
        if value:
            raise Invalid(f"this version of the farm cannot keep {field}; leave it out", field)


_NOT_YET = ("username", "password", "tls", "endpoints", "port", "baud")

ROUTES = (
    Route("GET", "/v1/printers", list_printers, Action.READ),
    Route("POST", "/v1/printers", add_printer, Action.SET_UP),
    Route("GET", "/v1/printers/<printer>", show_printer, Action.READ),
    Route("DELETE", "/v1/printers/<printer>", remove_printer, Entry.KNOWN),
    Route("POST", "/v1/printers/<printer>/commands", command_printer, Entry.KNOWN),
)
