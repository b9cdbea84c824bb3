"""What slicers and apps ask an OctoPrint: its version, its files, its job and its printer."""

from __future__ import annotations

from collections.abc import Mapping
from sqlite3 import Connection

from quart import Response

from farm.access.rights import Action, require
from farm.domain.file import StoredFile
from farm.domain.printer import Printer, PrinterStatus
from farm.errors import NotFound, Refused
from farm.live.messages import ReportStatuses
from farm.store import files, jobs
from farm.web.answers import answer
from farm.web.octoprint import shapes
from farm.web.octoprint.places import PREFIXES, Place, may_look, place_of, require_look
from farm.web.octoprint.shapes import Seen
from farm.web.printers import everyone
from farm.web.routes import Call, Entry, Route

NEWEST = 1000  # files shown; OctoPrint has no pages


async def version(call: Call, printer: str | None = None, tag: str | None = None) -> Response:
    """The first thing every client asks: is this an OctoPrint, and may I?"""
    await place_of(call, printer, tag)
    return answer(shapes.version(call.desk.version))


async def server(call: Call, printer: str | None = None, tag: str | None = None) -> Response:
    """The version again, for apps."""
    await place_of(call, printer, tag)
    return answer(shapes.server())


async def show_printer(call: Call, printer: str | None = None, tag: str | None = None) -> Response:
    """The printer of this place; 409 while it is away, as every client expects."""
    query = call.query("exclude", "history", "limit")
    place = await _looked_at(call, printer, tag)
    seen = await _seen(call, place)
    if seen.away:
        raise Refused("Printer is not operational")
    return answer(shapes.printer(seen, frozenset(query.get("exclude", "").split(","))))


async def show_job(call: Call, printer: str | None = None, tag: str | None = None) -> Response:
    """The print that runs here; with several printers, the one that began first."""
    call.query()
    place = await _looked_at(call, printer, tag)
    return answer(shapes.job(await _seen(call, place)))


async def show_connection(call: Call, printer: str | None = None, tag: str | None = None) -> Response:
    """Whether the printer is connected, as apps ask it."""
    call.query()
    place = await _looked_at(call, printer, tag)
    name = next(iter(place.printers | place.tags), "printer farm")
    return answer(shapes.connection(await _seen(call, place), name))


async def list_files(call: Call, printer: str | None = None, tag: str | None = None) -> Response:
    """The newest files of the farm: it has one store for all printers."""
    call.query("recursive", "force")
    place = await place_of(call, printer, tag)
    require(call.asker, Action.READ, place.about)
    found = await call.desk.database.read(files.newest, NEWEST)
    space = await call.desk.storage.space()
    return answer(shapes.files(found, place.prefix, space.free, space.total))


async def show_file(call: Call, name: str, printer: str | None = None, tag: str | None = None) -> Response:
    """One file by its name, the newest of that name. Raises NotFound."""
    call.query("recursive", "force")
    place = await _looked_at(call, printer, tag)
    found = await call.desk.database.read(files.newest_named, name)
    if found is None:
        raise NotFound(f"there is no file {name}")
    return answer(shapes.file(found, place.prefix))


async def _looked_at(call: Call, printer: str | None, tag: str | None) -> Place:
    place = await place_of(call, printer, tag)
    require_look(call.asker, place)
    return place


async def _seen(call: Call, place: Place) -> Seen:
    """How the one printer here stands; of several, the one with the oldest print."""
    here = [
        printer for printer in await everyone(call) if place.holds(printer) and may_look(call.asker, printer)
    ]
    statuses = await call.desk.events.ask(ReportStatuses(), by=call.asker)
    status = _to_show(place, here, statuses)
    file = None
    if status is not None and status.print is not None:
        file = await call.desk.database.read(_file_of_job, status.print.job)
    return Seen(status, file)


def _to_show(
    place: Place, here: list[Printer], statuses: Mapping[str, PrinterStatus]
) -> PrinterStatus | None:
    known = [statuses.get(printer.id, PrinterStatus()) for printer in here]
    if place.printers:
        return known[0]
    printing = [status for status in known if status.print is not None]
    return max(printing, key=lambda status: _elapsed_s(status)) if printing else None


def _elapsed_s(status: PrinterStatus) -> float:
    return (status.print.elapsed_s or 0.0) if status.print is not None else 0.0


def _file_of_job(db: Connection, job: str) -> StoredFile | None:
    found = jobs.by_id(db, job)
    return None if found is None else files.by_id(db, found.file)


ROUTES = tuple(
    Route("GET", prefix + rule, ask, Entry.KNOWN)
    for prefix in PREFIXES
    for rule, ask in (
        ("/api/version", version),
        ("/api/server", server),
        ("/api/printer", show_printer),
        ("/api/job", show_job),
        ("/api/connection", show_connection),
        ("/api/files", list_files),
        ("/api/files/local", list_files),
        ("/api/files/local/<path:name>", show_file),
    )
)
