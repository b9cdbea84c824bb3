"""What people do with spools: each function is one transaction's worth, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from sqlite3 import Connection
from typing import Any

from farm.domain.printer import Loaded, Printer
from farm.domain.spool import Spool
from farm.domain.terms import require_version
from farm.errors import Invalid, Refused
from farm.printers.messages import ChangeSpool
from farm.printers.settings import MOST_TOOLS, check_words
from farm.store import audit, printers, spools
from farm.store.audit import Stamp
from farm.store.events import record

MOST_SPOOLS = 5000
HEAVIEST_G = 50_000.0
LONGEST_NAME, LONGEST_NOTE = 100, 1000
_AS_LOADED = frozenset({"material", "colour"})


def add_spool(db: Connection, spool: Spool, stamp: Stamp) -> Spool:
    """Keep a new spool. Raises Invalid, Refused."""
    _check(spool)
    if spools.how_many(db) >= MOST_SPOOLS:
        raise Refused(f"the farm keeps {MOST_SPOOLS} spools already; take out those that are empty")
    spools.add(db, spool)
    _tell(db, "added", spool, stamp)
    return spool


def change_spool(db: Connection, wish: ChangeSpool, stamp: Stamp) -> Spool:
    """Make something else of a spool. Raises NotFound, Invalid, Refused, Outdated."""
    before = spools.existing(db, wish.spool)
    require_version(stamp.who.terms, before.version)
    if before.printer is not None and _AS_LOADED & wish.changes.keys():
        raise Refused(f"it is loaded on {before.printer}; unload it before you say that it is another")
    changes: Mapping[str, Any] = wish.changes
    _check(replace(before, **changes))
    if not changes:
        return before
    after = spools.change(db, wish.spool, changes)
    _tell(db, "changed", after, stamp, left_g=after.left_g)
    return after


def remove_spool(db: Connection, spool: str, stamp: Stamp) -> None:
    """Forget a spool. Raises NotFound, and Refused while it is loaded."""
    found = spools.existing(db, spool)
    if found.printer is not None:
        raise Refused(f"it is loaded on {found.printer}; unload it first")
    spools.remove(db, spool)
    _tell(db, "removed", found, stamp)


def load_spool(db: Connection, spool: str, after: Printer, tool: int, sealed: bytes, stamp: Stamp) -> Spool:
    """A person has put it into this tool. after: the printer with it. Raises NotFound, Refused."""
    before = spools.existing(db, spool)
    if before.printer not in (None, after.id):
        raise Refused(f"it is loaded on {before.printer}; unload it there first")
    spools.load(db, spool, after.id, tool)
    printers.change(db, after, sealed)
    found = spools.existing(db, spool)
    _tell(db, "loaded", found, stamp)
    return found


def unload_spool(db: Connection, spool: str, after: Printer, sealed: bytes, stamp: Stamp) -> Spool:
    """A person has taken it out. after: the printer without it. Raises NotFound."""
    before = spools.existing(db, spool)
    spools.keep_only(db, after.id, [each.spool for each in after.profile.loaded if each.spool])
    printers.change(db, after, sealed)
    _tell(db, "unloaded", before, stamp)
    return spools.existing(db, spool)


def with_spool(printer: Printer, spool: Spool, tool: int) -> Printer:
    """The printer with this spool in a tool, and in none of its others. Raises Invalid."""
    if not 0 <= tool < MOST_TOOLS:
        raise Invalid(f"tools are numbered from 0 to {MOST_TOOLS - 1}", "tool")
    others = [each for each in printer.profile.loaded if each.tool != tool and each.spool != spool.id]
    loaded = [*others, Loaded(tool, spool.material, spool.colour, spool.id)]
    return _with_loaded(printer, loaded)


def without_spool(printer: Printer, spool: str) -> Printer:
    """The printer with nothing where this spool was."""
    return _with_loaded(printer, [each for each in printer.profile.loaded if each.spool != spool])


def require_same_spools(before: Iterable[Loaded], after: Iterable[Loaded]) -> None:
    """Raise Invalid for a spool that is loaded by nothing but settings; it may be taken out by them."""
    known = {(each.tool, each.spool) for each in before}
    for each in after:
        if each.spool is not None and (each.tool, each.spool) not in known:
            raise Invalid("load a spool with POST /v1/spools/<id>/load", "profile.loaded")


def _with_loaded(printer: Printer, loaded: list[Loaded]) -> Printer:
    in_order = tuple(sorted(loaded, key=lambda each: each.tool))
    return replace(printer, profile=replace(printer.profile, loaded=in_order))


def _check(spool: Spool) -> None:
    """Raises Invalid."""
    check_words({spool.material}, "material")
    check_words({spool.colour} if spool.colour is not None else set(), "colour")
    for field, longest in (("name", LONGEST_NAME), ("note", LONGEST_NOTE)):
        text: str = getattr(spool, field)
        if len(text) > longest or not text.isprintable():
            raise Invalid(f"at most {longest} characters on one line", field)
    if not 1 <= spool.full_g <= HEAVIEST_G:
        raise Invalid(f"between 1 and {HEAVIEST_G:g} grams", "full_g")
    if spool.left_g is not None and not 0 <= spool.left_g <= HEAVIEST_G:
        raise Invalid(f"between 0 and {HEAVIEST_G:g} grams, or null where nobody knows", "left_g")


def _tell(db: Connection, happened: str, spool: Spool, stamp: Stamp, **data: Any) -> None:
    """Tell everybody, and keep who did it."""
    about = {"spool": spool.id, "printer": spool.printer, "tool": spool.tool, **data}
    rooms = ("printers", *((f"printer:{spool.printer}",) if spool.printer else ()))
    record(db, f"spool.{happened}", rooms, stamp.at, {**about, "by": str(stamp.who)})
    audit.append(db, stamp, f"spool.{happened}", f"spool:{spool.id}", {**about, "material": spool.material})
