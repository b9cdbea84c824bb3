"""Spools of filament: what there is, how much of it is left, and where it is loaded."""

from __future__ import annotations

from sqlite3 import Connection

import msgspec
from msgspec import UNSET, UnsetType

from farm.access.rights import Action
from farm.domain.clock import iso
from farm.domain.spool import Spool
from farm.errors import NotFound
from farm.live.shapes import Moment
from farm.printers.messages import AddSpool, ChangeSpool, LoadSpool, RemoveSpool, UnloadSpool
from farm.store import spools
from farm.web.contract import Created, Page, Paging, Versioned, following
from farm.web.printers import readable_ids
from farm.web.printers_sent import given
from farm.web.routes import Call, Entry, Route


class NewSpool(msgspec.Struct, forbid_unknown_fields=True):
    """full_g: grams of filament on a new one. left_g: on it now; null where nobody knows, full by default."""

    material: str
    colour: str | None = None
    name: str = ""
    note: str = ""
    full_g: float = 1000.0
    left_g: float | UnsetType | None = UNSET


class SpoolChange(msgspec.Struct, forbid_unknown_fields=True):
    """Only what is given changes. material and colour stay while it is loaded."""

    material: str | UnsetType = UNSET
    colour: str | UnsetType | None = UNSET
    name: str | UnsetType = UNSET
    note: str | UnsetType = UNSET
    full_g: float | UnsetType = UNSET
    left_g: float | UnsetType | None = UNSET


class Place(msgspec.Struct, forbid_unknown_fields=True):
    """Into which tool of a printer, from 0."""

    printer: str
    tool: int = 0


class ShownSpool(msgspec.Struct):
    """left_g: grams that are left, null where nobody can tell. printer, tool: where it is loaded.

    reserved_g: what prints under way there, and jobs for this printer alone, still take of it, as far as
    their files say.
    """

    id: str
    material: str
    colour: str | None
    name: str
    note: str
    full_g: float
    left_g: float | None
    reserved_g: float
    printer: str | None
    tool: int | None
    created_at: Moment


async def list_spools(call: Call, query: Paging) -> Page[ShownSpool]:
    """Spools by id; of those that are loaded, the ones on printers that the asker may look at."""
    found, reserved = await call.desk.database.read(_page, query)
    readable = await readable_ids(call)
    shown = [_shown(each, reserved) for each in found[: query.limit] if _may_see(each, readable)]
    return Page(shown, following(found, query.limit, lambda each: each.id))


async def show_spool(call: Call, spool: str) -> Versioned[ShownSpool]:
    """One spool."""
    found = await _visible(call, spool)
    return Versioned.of(await _with_reserved(call, found), found.version)


async def add_spool(call: Call, sent: NewSpool) -> Created[ShownSpool]:
    """A spool that lies on a shelf."""
    left_g = sent.full_g if isinstance(sent.left_g, UnsetType) else sent.left_g
    wish = AddSpool(sent.material, sent.colour, sent.name, sent.note, sent.full_g, left_g)
    added = await call.change(Spool, lambda by: call.desk.fleet.ask(wish, by=by))
    return Created(_shown(added, {}), {"Location": f"/v1/spools/{added.id}"})


async def change_spool(call: Call, spool: str, sent: SpoolChange) -> Versioned[ShownSpool]:
    """Make something else of a spool, as after weighing it."""
    await _visible(call, spool)
    wish = ChangeSpool(spool, given(sent))
    changed = await call.change(Spool, lambda by: call.desk.fleet.ask(wish, by=by))
    return Versioned.of(await _with_reserved(call, changed), changed.version)


async def remove_spool(call: Call, spool: str) -> None:
    """Forget a spool that lies on a shelf."""
    await _visible(call, spool)
    wish = RemoveSpool(spool)
    await call.change(type(None), lambda by: call.desk.fleet.ask(wish, by=by))


async def load_spool(call: Call, spool: str, sent: Place) -> ShownSpool:
    """Say that somebody has put it into a printer; what was in that tool lies on the shelf from now on."""
    await _visible(call, spool)
    wish = LoadSpool(spool, sent.printer, sent.tool)
    loaded = await call.change(Spool, lambda by: call.desk.fleet.ask(wish, by=by))
    return await _with_reserved(call, loaded)


async def unload_spool(call: Call, spool: str) -> ShownSpool:
    """Say that somebody has taken it out of its printer."""
    await _visible(call, spool)
    wish = UnloadSpool(spool)
    return _shown(await call.change(Spool, lambda by: call.desk.fleet.ask(wish, by=by)), {})


async def _visible(call: Call, spool: str) -> Spool:
    """One spool that the asker may look at. Raises NotFound."""
    found = await call.desk.database.read(spools.existing, spool)
    if not _may_see(found, await readable_ids(call)):
        raise NotFound(f"there is no spool {spool}")
    return found


def _may_see(spool: Spool, readable: frozenset[str]) -> bool:
    return spool.printer is None or spool.printer in readable


def _page(db: Connection, query: Paging) -> tuple[list[Spool], dict[tuple[str, int], float]]:
    return spools.page(db, query.cursor, query.limit + 1), spools.reserved(db)


async def _with_reserved(call: Call, spool: Spool) -> ShownSpool:
    return _shown(spool, await call.desk.database.read(spools.reserved))


def _shown(spool: Spool, reserved: dict[tuple[str, int], float]) -> ShownSpool:
    return ShownSpool(
        id=spool.id,
        material=spool.material,
        colour=spool.colour,
        name=spool.name,
        note=spool.note,
        full_g=spool.full_g,
        left_g=None if spool.left_g is None else round(spool.left_g, 2),
        reserved_g=round(reserved.get((spool.printer or "", spool.tool or 0), 0.0), 2),
        printer=spool.printer,
        tool=spool.tool,
        created_at=iso(spool.created_at),
    )


ROUTES = (
    Route("GET", "/v1/spools", list_spools, Action.READ),
    Route("POST", "/v1/spools", add_spool, Entry.KNOWN),
    Route("GET", "/v1/spools/<spool>", show_spool, Action.READ),
    Route("PATCH", "/v1/spools/<spool>", change_spool, Entry.KNOWN),
    Route("DELETE", "/v1/spools/<spool>", remove_spool, Entry.KNOWN),
    Route("POST", "/v1/spools/<spool>/load", load_spool, Entry.KNOWN),
    Route("POST", "/v1/spools/<spool>/unload", unload_spool, Entry.KNOWN),
)
