"""What many printers are told at once: to stop in an emergency, and that their plates are clear."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Annotated, TypeAlias

import msgspec
import structlog
import trio
from msgspec import UNSET, UnsetType

from farm.access.rights import Action, Target, allowed, require
from farm.domain.printer import Connection, Plate, Printer
from farm.domain.user import EVERYTHING, Principal
from farm.drivers.base import Capability
from farm.drivers.kinds import capabilities_at
from farm.errors import FarmError, NotFound, Refused
from farm.live.messages import ReportStatuses
from farm.printers.messages import EmergencyStop, Halted
from farm.queue.messages import ClearPlate, UndoPlate
from farm.store.printers import PlateRow
from farm.web.contract import Accepted
from farm.web.printers import everyone, targets
from farm.web.routes import Call, Entry, Route

log = structlog.get_logger(__name__)

STOP_WITHIN_S = 2.5  # for the slowest printer, so that the asker knows within 3 s where to run
ANSWERED_WITHIN_S = 2.8

_ACTOR = "printer:"

Names: TypeAlias = Annotated[list[str], msgspec.Meta(min_length=1, max_length=1000)]


class Stop(msgspec.Struct, forbid_unknown_fields=True):
    """printers: None is every printer the asker may stop."""

    printers: Names | None = None


class Stopped(msgspec.Struct):
    """The printers that took it, and those somebody has to run to.

    by_hand: of those that took it, where there are any, the ones of a kind that can only be told to cancel
    its print: their heaters may stay on, until somebody switches them off at the plug.
    """

    reached: list[str]
    unreached: list[str]
    by_hand: list[str] | UnsetType = UNSET


class Plates(msgspec.Struct, forbid_unknown_fields=True):
    printers: Names


class PlateResult(msgspec.Struct):
    """plate: as it is now; null where it could not be changed, and problem says why."""

    printer: str
    plate: Plate | None
    problem: str | None


class PlateResults(msgspec.Struct):
    """One result for each printer."""

    results: list[PlateResult]


async def stop_printers(call: Call, sent: Stop) -> Accepted[Stopped]:
    """Stop printers, each without waiting for another, and say within 3 s which of them took it.

    It goes on when the asker leaves meanwhile.
    """
    wanted = _to_stop(call.asker, await _stoppable(call), sent.printers)
    if call.asker.terms.dry:
        return Accepted(await _would_stop(call, wanted))
    reached: dict[str, Halted] = {}
    with trio.move_on_after(ANSWERED_WITHIN_S, shield=True):
        async with trio.open_nursery() as nursery:
            for printer in wanted:
                nursery.start_soon(_stop, call, printer, reached)
    unreached = [printer for printer in wanted if printer not in reached]
    by_hand = [printer for printer in wanted if reached.get(printer) is Halted.ONLY_CANCELLED]
    log.warning(
        "emergency stop", by=str(call.asker), reached=len(reached), unreached=unreached, by_hand=by_hand
    )
    return Accepted(
        Stopped([printer for printer in wanted if printer in reached], unreached, by_hand or UNSET)
    )


async def _would_stop(call: Call, wanted: list[str]) -> Stopped:
    """Of these printers, those that the farm has a line to at the moment."""
    statuses = await call.desk.events.ask(ReportStatuses(), by=call.asker)
    online = {id for id, status in statuses.items() if status.connection is Connection.ONLINE}
    reached = [printer for printer in wanted if printer in online]
    limited = {printer.id for printer in await everyone(call) if not stops(printer)}
    by_hand = [printer for printer in reached if printer in limited]
    return Stopped(reached, [printer for printer in wanted if printer not in online], by_hand or UNSET)


def stops(printer: Printer) -> bool:
    """Whether an emergency stop stops all of it, heaters too."""
    return Capability.EMERGENCY_STOP in capabilities_at(printer.address)


async def _stop(call: Call, printer: str, reached: dict[str, Halted]) -> None:
    try:
        mailbox = call.desk.printer(printer)
        reached[printer] = await mailbox.ask(EmergencyStop(), by=call.asker, timeout=STOP_WITHIN_S)
    except FarmError as problem:
        log.warning("printer not reached by an emergency stop", printer=printer, problem=str(problem))


async def _stoppable(call: Call) -> Mapping[str, Target]:
    """The printers there are. Who may stop all of them need not wait for the disk to say so."""
    if call.asker.grant != EVERYTHING:
        return await targets(call)
    await trio.lowlevel.checkpoint()
    actors = (report.name for report in call.desk.reports())
    ids = (name.removeprefix(_ACTOR) for name in actors if name.startswith(_ACTOR))
    return {id: Target(id) for id in ids}


def _to_stop(asker: Principal, known: Mapping[str, Target], names: list[str] | None) -> list[str]:
    """Raises Forbidden, NotFound, before anything is stopped."""
    if names is not None:
        return checked(asker, Action.EMERGENCY_STOP, known, names)
    mine = [id for id, target in known.items() if allowed(asker, Action.EMERGENCY_STOP, target)]
    if not mine:
        require(asker, Action.EMERGENCY_STOP)
    return mine


def checked(asker: Principal, action: Action, known: Mapping[str, Target], names: Iterable[str]) -> list[str]:
    """The printers named, each once. Raises NotFound, and Forbidden where `asker` may not do it to one."""
    once = list(dict.fromkeys(names))
    for name in once:
        if name not in known:
            raise NotFound(f"there is no printer {name} in this farm; nothing was done")
        require(asker, action, known[name])
    return once


async def clear_plates(call: Call, sent: Plates) -> PlateResults:
    """Somebody looked: these plates are clear. A plate that cannot be said so of does not hold up others."""

    async def clear(printer: str) -> PlateRow:
        wish = ClearPlate(printer)
        return await call.change(PlateRow, lambda by: call.desk.queue.ask(wish, by=by))

    return await _each_plate(call, sent, clear)


async def undo_plates(call: Call, sent: Plates) -> PlateResults:
    """Take back that plates are clear, as long as nothing may have started on them."""

    async def undo(printer: str) -> PlateRow:
        wish = UndoPlate(printer)
        return await call.change(PlateRow, lambda by: call.desk.queue.ask(wish, by=by))

    return await _each_plate(call, sent, undo)


async def _each_plate(call: Call, sent: Plates, tell: Callable[[str], Awaitable[PlateRow]]) -> PlateResults:
    named = checked(call.asker, Action.CLEAR_PLATE, await targets(call), sent.printers)
    return PlateResults([await _result(printer, tell) for printer in named])


async def _result(printer: str, tell: Callable[[str], Awaitable[PlateRow]]) -> PlateResult:
    try:
        return PlateResult(printer, (await tell(printer)).plate, None)
    except (Refused, NotFound) as problem:
        return PlateResult(printer, None, str(problem))


ROUTES = (
    Route("POST", "/v1/emergency-stop", stop_printers, Entry.KNOWN, also=(404,), repeats=True),
    Route("POST", "/v1/plates/clear", clear_plates, Entry.KNOWN, also=(404,)),
    Route("POST", "/v1/plates/undo", undo_plates, Entry.KNOWN, also=(404,)),
)
