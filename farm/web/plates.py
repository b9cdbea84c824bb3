"""What lies on the plates: what a person needs to know who goes round and clears them."""

from __future__ import annotations

from sqlite3 import Connection

from msgspec import Struct, field

from farm.access.rights import Action
from farm.domain.job import PrintState
from farm.domain.printer import Plate
from farm.live.shapes import Moment, moment
from farm.store import printers, prints
from farm.store.printers import PlateRow
from farm.store.prints import OnPlate
from farm.web.contract import Page
from farm.web.printers import readable_ids
from farm.web.routes import Call, Route


class LyingPrint(Struct, frozen=True):
    """A print whose parts are still to be taken off.

    yield: the good parts to expect of it, which is what a clearing counts that names no number.
    """

    id: str
    job: str
    name: str
    state: PrintState
    ended_at: Moment | None
    reason: str
    yield_: int = field(name="yield")


class PrinterPlate(Struct, frozen=True):
    """A printer's plate, and what of ours lies on it."""

    printer: str
    plate: Plate
    print: LyingPrint | None


async def list_plates(call: Call) -> Page[PrinterPlate]:
    """Every plate the asker may look at, by printer."""
    readable = await readable_ids(call)
    plates, lying = await call.desk.database.read(_plates)
    shown = [
        PrinterPlate(printer, row.plate, _shown(lying.get(printer)))
        for printer, row in plates.items()
        if printer in readable
    ]
    return Page(shown)


def _plates(db: Connection) -> tuple[dict[str, PlateRow], dict[str, OnPlate]]:
    return printers.plates(db), {lying.printer: lying for lying in prints.on_plates(db)}


def _shown(lying: OnPlate | None) -> LyingPrint | None:
    if lying is None:
        return None
    return LyingPrint(
        id=lying.print,
        job=lying.job,
        name=lying.name,
        state=lying.state,
        ended_at=moment(lying.ended_at),
        reason=lying.reason,
        yield_=lying.yield_per_plate,
    )


ROUTES = (Route("GET", "/v1/plates", list_plates, Action.READ),)
