"""Printers: which there are, how they stand, and who answers at an address."""

from __future__ import annotations

import msgspec
import trio

from farm.access.rights import Action, Target, allowed
from farm.domain import models
from farm.domain.printer import Printer, PrinterStatus
from farm.domain.user import Principal
from farm.errors import NotFound
from farm.live import shapes
from farm.live.messages import ReportStatuses
from farm.printers.messages import (
    AddPrinter,
    ChangePrinter,
    Imported,
    ImportPrinters,
    Probed,
    ProbePrinter,
    RemovePrinter,
)
from farm.store import printers
from farm.web.contract import Created, Page, Paging, Versioned, following
from farm.web.printer_lists import Form, read_list
from farm.web.printers_sent import NewPrinter, PrinterChange
from farm.web.routes import Call, Entry, Route

TRUST = "system"  # whom a connection trusts that says nothing
PROBED_WITHIN_S = 10.0


class Removal(msgspec.Struct, forbid_unknown_fields=True):
    """force: also while a print is active; its job then waits for a person."""

    force: bool = False


class Probe(msgspec.Struct, forbid_unknown_fields=True):
    url: str
    api_key: str | None = None
    username: str | None = None
    password: str | None = None
    tls: str | None = None


class PrinterList(msgspec.Struct, forbid_unknown_fields=True):
    """list: the text of a CSV table, or of JSON or YAML as this farm, FDM Monster or OctoFarm export it.

    form: what it is written in; the farm looks where it is not said.
    """

    list: str
    form: Form | None = None


class Model(msgspec.Struct):
    """A model of printer. profile: what it can do, null where its source does not say."""

    name: str
    profile: shapes.Profile
    source: str


class Models(msgspec.Struct):
    """Every model that the farm knows."""

    items: list[Model]


class ListedPrinter(msgspec.Struct):
    """A printer of a list. where: "line 7" and the like. id: null where a problem says what is wrong."""

    where: str
    id: str | None
    name: str
    problem: str | None


class ImportResult(msgspec.Struct):
    """added: whether all of them are in the farm now, or none."""

    added: bool
    items: list[ListedPrinter]


class Identity(msgspec.Struct):
    """What a print host says it is."""

    version: str | None
    name: str | None


class Found(msgspec.Struct):
    """Who answers at an address. kind: null when nobody does that the farm can drive; problem says why."""

    kind: str | None
    identity: Identity | None
    problem: str | None


async def list_printers(call: Call, query: Paging) -> Page[shapes.Printer]:
    """The printers the asker may look at, by id."""
    visible = [printer for printer in await everyone(call) if may_read(call.asker, printer)]
    rest = [printer for printer in visible if printer.id > (query.cursor or "")]
    shown = await _with_status(call, rest[: query.limit])
    return Page(shown, following(rest, query.limit, lambda printer: printer.id))


async def show_printer(call: Call, printer: str) -> Versioned[shapes.Printer]:
    """One printer, and how it stands."""
    found = await readable(call, printer)
    (shown,) = await _with_status(call, [found])
    return Versioned.of(shown, found.version)


async def add_printer(call: Call, sent: NewPrinter) -> Created[shapes.Printer]:
    """Set up a printer; it shows as offline until it was reached for the first time."""
    add = AddPrinter(sent.as_printer())
    added = await call.change(Printer, lambda by: call.desk.fleet.ask(add, by=by))
    (shown,) = await _with_status(call, [added])
    return Created(shown, {"Location": f"/v1/printers/{added.id}"})


async def import_printers(call: Call, sent: PrinterList) -> ImportResult:
    """Set up a whole list of printers: all of them, or none where something is wrong with one."""
    listed = await trio.to_thread.run_sync(read_list, sent.list, sent.form)
    wish = ImportPrinters(tuple(listed))
    looked_at = await call.change(list[Imported], lambda by: call.desk.fleet.ask(wish, by=by))
    is_good = not any(each.problem for each in looked_at)
    items = [
        ListedPrinter(each.where, each.id or None, each.name, each.problem or None) for each in looked_at
    ]
    return ImportResult(is_good, items)


async def change_printer(call: Call, printer: str, sent: PrinterChange) -> Versioned[shapes.Printer]:
    """Set a printer up otherwise; a print that runs on it goes on, and is followed again."""
    change = ChangePrinter(printer, sent.given())
    changed = await call.change(Printer, lambda by: call.desk.fleet.ask(change, by=by))
    (shown,) = await _with_status(call, [changed])
    return Versioned.of(shown, changed.version)


async def remove_printer(call: Call, printer: str, query: Removal) -> None:
    """Take a printer out of the farm; refused while a print is active on it, unless forced."""
    remove = RemovePrinter(printer, query.force)
    await call.change(type(None), lambda by: call.desk.fleet.ask(remove, by=by))


async def list_models(call: Call) -> Models:
    """The models of printers that the farm knows, by name; `profile.model` takes any of them."""
    return Models([Model(each.name, shapes.of_profile(each.profile), each.source) for each in models.known()])


async def probe_printer(call: Call, sent: Probe) -> Found:
    """Who answers at an address. Nothing is added, and nobody answering is no error."""
    wish = ProbePrinter(
        sent.url, sent.api_key or "", sent.tls or TRUST, sent.username or "", sent.password or ""
    )
    found = await call.desk.fleet.ask(wish, by=call.asker, timeout=PROBED_WITHIN_S)
    return _probed(found)


def _probed(found: Probed) -> Found:
    identity = None if found.kind is None else Identity(found.version, found.name)
    return Found(found.kind, identity, found.problem)


def may_read(asker: Principal, printer: Printer) -> bool:
    """Whether `asker` may look at this printer."""
    return allowed(asker, Action.READ, target(printer))


def target(printer: Printer) -> Target:
    """The printer as rights are asked about it."""
    return Target(printer.id, printer.tags)


async def find(call: Call, printer: str) -> Printer:
    """One printer, whoever asks. Raises NotFound."""
    for known in await everyone(call):
        if known.id == printer:
            return known
    raise NotFound(f"there is no printer {printer} in this farm")


async def targets(call: Call) -> dict[str, Target]:
    """Every printer as rights are asked about it, by its id, whoever asks."""
    return {printer.id: target(printer) for printer in await everyone(call)}


async def readable_ids(call: Call) -> frozenset[str]:
    """The printers the asker may look at."""
    return frozenset(printer.id for printer in await everyone(call) if may_read(call.asker, printer))


async def readable(call: Call, printer: str) -> Printer:
    """One printer that the asker may look at. Raises NotFound."""
    found = await find(call, printer)
    if not may_read(call.asker, found):
        raise NotFound(f"there is no printer {printer} in this farm")
    return found


async def everyone(call: Call) -> list[Printer]:
    """Every printer, whoever asks."""
    return [printer for printer, _ in await call.desk.database.read(printers.everything)]


async def _with_status(call: Call, shown: list[Printer]) -> list[shapes.Printer]:
    statuses = await call.desk.events.ask(ReportStatuses(), by=call.asker)
    at = call.desk.clock()
    return [shapes.of_printer(printer, statuses.get(printer.id, PrinterStatus()), at) for printer in shown]


ROUTES = (
    Route("GET", "/v1/printers", list_printers, Action.READ),
    Route("POST", "/v1/printers", add_printer, Action.SET_UP),
    Route("POST", "/v1/printers/probe", probe_printer, Action.SET_UP, untried="it changes nothing anyway"),
    Route("GET", "/v1/printer-models", list_models, Action.READ),
    Route("POST", "/v1/printers/import", import_printers, Action.SET_UP),
    Route("GET", "/v1/printers/<printer>", show_printer, Action.READ),
    Route("PATCH", "/v1/printers/<printer>", change_printer, Entry.KNOWN),
    Route("DELETE", "/v1/printers/<printer>", remove_printer, Entry.KNOWN),
)
