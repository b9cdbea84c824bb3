"""Takes what people wish of chores: who may, what it becomes, and that it is committed."""

from __future__ import annotations

from collections.abc import Mapping
from sqlite3 import Connection
from typing import assert_never

from farm.access.rights import Action, Target, require
from farm.domain.clock import Randomness, WallClock, new_id
from farm.domain.maintenance import Chore, Standing
from farm.domain.printer import Printer
from farm.domain.terms import require_version
from farm.domain.user import Principal
from farm.errors import Invalid, Refused
from farm.printers.messages import AddChore, ChangeChore, ChoreIsDone, ChoreWish, RemoveChore
from farm.store import audit, maintenance
from farm.store.audit import Stamp
from farm.store.database import Database
from farm.store.events import record

LEAST_H, MOST_H = 0.1, 100_000.0
MOST_CHORES = 500  # in the farm
LONGEST_WORDS, LONGEST_NOTE = 200, 1000


class Maintenance:
    """Keeps nothing itself: everything is in the database."""

    def __init__(self, database: Database, clock: WallClock, chance: Randomness) -> None:
        self._database = database
        self._clock = clock
        self._chance = chance

    async def take(self, wish: ChoreWish, printer: Printer, by: Principal) -> Standing | None:
        """Commit a wish about this printer. Raises Forbidden, and what its message says."""
        match wish:
            case AddChore():
                _require_set_up(by, printer, wish.tag)
                chore = self._wished(wish, printer, by)
                return await self._database.change(
                    by, add_chore, chore, printer.id, wish.since_h, self._stamp(by)
                )
            case ChangeChore():
                _require_set_up(by, printer, (await self._of(printer, wish.chore)).tag)
                return await self._database.change(by, change_chore, wish, self._stamp(by))
            case RemoveChore():
                _require_set_up(by, printer, (await self._of(printer, wish.chore)).tag)
                await self._database.change(by, remove_chore, wish, self._stamp(by))
                return None
            case ChoreIsDone():
                require(by, Action.CONTROL, Target(printer.id, printer.tags))
                _check_words(wish.note, "note", LONGEST_NOTE, least=0)
                return await self._database.change(by, chore_is_done, wish, self._stamp(by))
            case _:
                assert_never(wish)

    def _wished(self, wish: AddChore, printer: Printer, by: Principal) -> Chore:
        """Raises Invalid."""
        _check({"what": wish.what, "every_h": wish.every_h})
        if not 0 <= wish.since_h <= MOST_H:
            raise Invalid(f"between 0 and {MOST_H:g} hours", "since_h")
        if wish.tag is not None and wish.tag not in printer.tags:
            raise Invalid(f"{printer.name} has no tag {wish.tag}", "tag")
        return Chore(
            id=new_id(self._chance),
            what=wish.what,
            every_h=wish.every_h,
            created_by=str(by),
            created_at=self._clock(),
            printer=printer.id if wish.tag is None else None,
            tag=wish.tag,
            blocks=wish.blocks,
        )

    async def _of(self, printer: Printer, chore: str) -> Chore:
        return (await self._database.read(maintenance.standing, printer.id, chore)).chore

    def _stamp(self, by: Principal) -> Stamp:
        return Stamp.of(by, self._clock())


def _require_set_up(by: Principal, printer: Printer, tag: str | None) -> None:
    """What holds for a tag is asked about for all that have it."""
    require(
        by, Action.SET_UP, Target(printer.id, printer.tags) if tag is None else Target("", frozenset({tag}))
    )


# -- each is one transaction's worth, whole or not at all ---------------------------------------------


def add_chore(db: Connection, chore: Chore, printer: str, since_h: float, stamp: Stamp) -> Standing:
    """Keep a new chore, and tell everybody. Returns how it stands on `printer`. Raises Refused."""
    if maintenance.how_many(db) >= MOST_CHORES:
        raise Refused(f"the farm has {MOST_CHORES} chores already; take some out, or share them by a tag")
    maintenance.add(db, chore, since_h)
    _tell(db, "added", chore, printer, stamp, what=chore.what, every_h=chore.every_h)
    return maintenance.standing(db, printer, chore.id)


def change_chore(db: Connection, wish: ChangeChore, stamp: Stamp) -> Standing:
    """Make something else of a chore. Raises NotFound, Invalid, Outdated."""
    before = maintenance.standing(db, wish.printer, wish.chore).chore
    require_version(stamp.who.terms, before.version)
    _check(wish.changes)
    if wish.changes:
        after = maintenance.change(db, wish.chore, wish.changes)
        _tell(db, "changed", after, wish.printer, stamp, what=after.what, every_h=after.every_h)
    return maintenance.standing(db, wish.printer, wish.chore)


def remove_chore(db: Connection, wish: RemoveChore, stamp: Stamp) -> None:
    """Take a chore out, on all printers that have it. Raises NotFound."""
    chore = maintenance.standing(db, wish.printer, wish.chore).chore
    maintenance.remove(db, chore.id)
    _tell(db, "removed", chore, wish.printer, stamp, what=chore.what)


def chore_is_done(db: Connection, wish: ChoreIsDone, stamp: Stamp) -> Standing:
    """Somebody has done it on this printer. Raises NotFound."""
    before = maintenance.standing(db, wish.printer, wish.chore)
    maintenance.note_done(db, wish.chore, wish.printer, wish.note, stamp.at, str(stamp.who))
    data: dict[str, str | float] = {
        "what": before.chore.what,
        "note": wish.note,
        "after_h": round(before.since_h, 2),
    }
    _tell(db, "done", before.chore, wish.printer, stamp, **data)
    return maintenance.standing(db, wish.printer, wish.chore)


def _tell(
    db: Connection, happened: str, chore: Chore, printer: str, stamp: Stamp, **data: str | float
) -> None:
    """Tell everybody, and keep who did it."""
    told = {"printer": printer, "chore": chore.id, "tag": chore.tag, **data, "by": str(stamp.who)}
    record(db, f"maintenance.{happened}", ("printers", f"printer:{printer}"), stamp.at, told)
    audit.append(db, stamp, f"maintenance.{happened}", f"printer:{printer}", {"chore": chore.id, **data})


def _check(fields: Mapping[str, object]) -> None:
    """Raise Invalid for a value of a chore that cannot be."""
    match fields.get("what", "-"):
        case str() as what:
            _check_words(what, "what", LONGEST_WORDS)
    match fields.get("every_h", LEAST_H):
        case int() | float() as every_h if not LEAST_H <= every_h <= MOST_H:
            raise Invalid(f"between {LEAST_H:g} and {MOST_H:g} hours of printing", "every_h")


def _check_words(text: str, field: str, longest: int, least: int = 1) -> None:
    if not least <= len(text.strip()) <= longest or not text.isprintable():
        raise Invalid(f"{max(least, 1)} to {longest} characters on one line", field)
