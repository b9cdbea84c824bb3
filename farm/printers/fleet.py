"""The shop's printers: sets them up, takes them out, and supervises one actor for each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import assert_never

import trio

from farm.access.rights import Action, Target, require
from farm.access.secrets import Seal
from farm.actors import ChildSpec, Exhausted, Later, Mailbox, RestartPolicy, Supervisor, serve
from farm.actors.supervisor import Runtime
from farm.domain.clock import new_id
from farm.domain.maintenance import Standing
from farm.domain.printer import Printer
from farm.domain.spool import Spool
from farm.domain.terms import require_version
from farm.domain.user import Principal
from farm.drivers.flight import FlightRecorder
from farm.errors import FarmError, NotFound, Overloaded, Refused
from farm.history.messages import PrinterLeft
from farm.live.messages import StatusGone
from farm.printers import records, spools
from farm.printers.actor import PrinterActor, PrinterParts
from farm.printers.console import Console
from farm.printers.discovery import Announced, listen, neighbours
from farm.printers.flights import room_among
from farm.printers.importing import Entrance
from farm.printers.maintenance import Maintenance
from farm.printers.messages import (
    AddChore,
    AddPrinter,
    AddSpool,
    ChangeChore,
    ChangePrinter,
    ChangeSpool,
    ChoreIsDone,
    Discover,
    Discovered,
    FleetMessage,
    Imported,
    ImportPrinters,
    Listed,
    LoadSpool,
    LookAnew,
    ObstacleGone,
    PrinterGone,
    PrinterMessage,
    Probed,
    ProbePrinter,
    RemoveChore,
    RemovePrinter,
    RemoveSpool,
    SettingsAre,
    SpoolWish,
    UnloadSpool,
    WatchOtherwise,
)
from farm.printers.probe import probe
from farm.printers.records import Kept
from farm.printers.settings import changed_printer, checked_printer
from farm.printers.spools import require_same_spools
from farm.store import shop
from farm.store import spools as stored_spools
from farm.store.audit import Stamp
from farm.telemetry.messages import PrinterForgotten

PRINTER_POLICY = RestartPolicy(exhausted=Exhausted.FAULTED)
"""A printer's actor that keeps crashing is `faulted` and tried again every 5 minutes, for ever."""

MAX_PRINTERS = 1000
MOST_PROBES = 8  # at the same time
MOST_LOOKING = 50  # who wait for the same search of the network
MOST_BEGINNING = 25  # actors that are made in one turn of the loop: each takes a fraction of a millisecond


@dataclass(frozen=True, slots=True)
class FleetParts:
    """What the fleet needs of the farm beside what it hands to each printer.

    removed: told of a printer that was taken out; it must not wait. listen: see `discovery.listen`.
    """

    runtime: Runtime
    seal: Seal
    printer: PrinterParts
    removed: Callable[[Printer], None] = lambda printer: None
    listen: Callable[[float], Awaitable[list[Announced]]] = listen


class Fleet:
    """Owns which printers there are."""

    def __init__(self, parts: FleetParts) -> None:
        self._parts = parts
        self._maintenance = Maintenance(parts.printer.database, parts.printer.clock, parts.printer.chance)
        self._printers: dict[str, Printer] = {}
        self._probing = 0
        self._looking_around: list[Later[Discovered]] = []
        self._beginning = trio.Semaphore(MOST_BEGINNING)

    async def run(self, mailbox: Mailbox[FleetMessage]) -> None:
        """Start every printer's actor, none waiting for its printer to connect, and then serve."""
        supervisor = Supervisor(self._parts.runtime, independent=True)
        await self._watch_otherwise()
        async with trio.open_nursery() as self._nursery, supervisor.running() as self._supervisor:
            for printer, sealed, kept in await self._parts.printer.database.read(records.everybody):
                self._start(_with_secret(printer, self._parts.seal.open(sealed)), kept)
            await serve(mailbox, self._handle)
            self._nursery.cancel_scope.cancel()

    async def _handle(
        self, message: FleetMessage, by: Principal
    ) -> Printer | list[Imported] | Later[Probed] | Later[Discovered] | Standing | Spool | None:
        match message:
            case AddPrinter(printer):
                return await self._add(printer, by)
            case ImportPrinters(listed):
                return await self._import(listed, by)
            case ChangePrinter():
                return await self._change(message, by)
            case RemovePrinter():
                await self._remove(message, by)
                return None
            case ProbePrinter():
                return self._probe_soon(message, by)
            case Discover(seconds):
                return self._discover_soon(seconds, by)
            case AddChore() | ChangeChore() | RemoveChore() | ChoreIsDone():
                taken = await self._maintenance.take(message, self._known(message.printer), by)
                self._parts.printer.queue().tell_nowait(ObstacleGone())
                return taken
            case WatchOtherwise():
                await self._watch_otherwise()
                return None
            case LookAnew():
                await trio.lowlevel.checkpoint()
                self._look_anew(message)
                return None
            case AddSpool() | ChangeSpool() | RemoveSpool() | LoadSpool() | UnloadSpool():
                return await self._take_spool_wish(message, by)
            case _:
                assert_never(message)

    async def _watch_otherwise(self) -> None:
        settings = await self._parts.printer.database.read(shop.settings)
        self._parts.printer.watching.now = settings.watching

    async def _add(self, printer: Printer, by: Principal) -> Printer:
        require(by, Action.SET_UP)
        checked = checked_printer(printer)
        require_same_spools((), checked.profile.loaded)
        if len(self._printers) >= MAX_PRINTERS:
            raise Refused(f"the farm has {MAX_PRINTERS} printers already, more than one server should run")
        await self._try_driver(checked)
        sealed = self._parts.seal.seal(checked.address.secret)
        await self._parts.printer.database.change(by, records.add_printer, checked, sealed, self._stamp(by))
        self._start(checked)
        return checked

    async def _import(self, listed: Iterable[Listed], by: Principal) -> list[Imported]:
        require(by, Action.SET_UP)
        entrance = Entrance(self._printers.values())
        looked_at: list[Imported] = []
        found: list[tuple[Printer, bytes]] = []
        for each in listed:
            try:
                printer = entrance.admit(each)
                require_same_spools((), printer.profile.loaded)
                await self._try_driver(printer)
            except FarmError as problem:
                looked_at.append(Imported(each.where, "", each.name, str(problem)))
            else:
                looked_at.append(Imported(each.where, printer.id, printer.name))
                found.append((printer, self._parts.seal.seal(printer.address.secret)))
        if len(self._printers) + len(found) > MAX_PRINTERS:
            raise Refused(f"with these the farm would have more than {MAX_PRINTERS} printers")
        if len(found) == len(looked_at):
            await self._parts.printer.database.change(
                by, records.add_printers, found, looked_at, self._stamp(by)
            )
            for printer, _ in found:
                self._start(printer)
        return looked_at

    async def _try_driver(self, printer: Printer) -> None:
        """Raises Invalid for what no driver could send."""
        with trio.move_on_after(1, shield=True):
            await self._parts.printer.driver(printer).aclose()

    def _start(self, printer: Printer, kept: Kept | None = None) -> None:
        """kept: what its actor has to know when it begins, where that was just read."""
        console = Console()
        flight = FlightRecorder(lambda: room_among(len(self._printers)))

        async def run(mailbox: Mailbox[PrinterMessage]) -> None:
            # A fresh actor each time: nothing half-broken outlives a crash, nor an address that is no longer.
            nonlocal kept
            while not mailbox.closed:
                async with self._beginning:
                    await trio.lowlevel.checkpoint()  # the others' turn, between each few of a thousand
                    actor = PrinterActor(
                        self._printers[printer.id], self._parts.printer, console, kept, flight
                    )
                    kept = None  # the next one has to look for itself
                await actor.run(mailbox)

        self._printers[printer.id] = printer
        self._supervisor.start_soon(ChildSpec(name=f"printer:{printer.id}", run=run, policy=PRINTER_POLICY))

    async def _change(self, wish: ChangePrinter, by: Principal) -> Printer:
        before = self._owned(wish.printer, by)
        require_version(by.terms, before.version)
        after = changed_printer(before, wish.changes)
        require(by, Action.SET_UP, Target(after.id, after.tags))  # nobody locks themselves out
        if after == before:
            return before
        require_same_spools(before.profile.loaded, after.profile.loaded)
        if after.address != before.address:
            await self._try_driver(after)
        sealed = self._parts.seal.seal(after.address.secret)
        await self._parts.printer.database.change(
            by, records.change_printer, before, after, sealed, self._stamp(by)
        )
        self._is_changed(after)
        return after

    async def _take_spool_wish(self, wish: SpoolWish, by: Principal) -> Spool | None:
        database, stamp = self._parts.printer.database, self._stamp(by)
        match wish:
            case AddSpool():
                require(by, Action.CONTROL)
                spool = Spool(id=new_id(self._parts.printer.chance), created_at=stamp.at, **asdict(wish))
                return await database.change(by, spools.add_spool, spool, stamp)
            case ChangeSpool():
                self._require_at(await database.read(stored_spools.existing, wish.spool), by)
                changed = await database.change(by, spools.change_spool, wish, stamp)
                self._parts.printer.queue().tell_nowait(ObstacleGone())  # there may be enough on it now
                return changed
            case RemoveSpool(spool_id):
                self._require_at(await database.read(stored_spools.existing, spool_id), by)
                await database.change(by, spools.remove_spool, spool_id, stamp)
                return None
            case LoadSpool(spool_id, printer_id, tool):
                before = self._known(printer_id)
                require(by, Action.CONTROL, Target(before.id, before.tags))
                spool = await database.read(stored_spools.existing, spool_id)
                after = spools.with_spool(before, spool, tool)
                sealed = self._parts.seal.seal(after.address.secret)
                found = await database.change(by, spools.load_spool, spool_id, after, tool, sealed, stamp)
            case UnloadSpool(spool_id):
                spool = await database.read(stored_spools.existing, spool_id)
                if spool.printer is None:
                    raise Refused("it is loaded nowhere")
                self._require_at(spool, by)
                after = spools.without_spool(self._known(spool.printer), spool_id)
                sealed = self._parts.seal.seal(after.address.secret)
                found = await database.change(by, spools.unload_spool, spool_id, after, sealed, stamp)
            case _:
                assert_never(wish)
        self._is_changed(after)
        return found

    def _require_at(self, spool: Spool, by: Principal) -> None:
        """Raise Forbidden where they may not use the printer that a spool is in, or spools at all."""
        printer = self._printers.get(spool.printer or "")
        require(by, Action.CONTROL, Target(printer.id, printer.tags) if printer is not None else None)

    def _is_changed(self, printer: Printer) -> None:
        self._printers[printer.id] = printer
        self._parts.runtime.address(f"printer:{printer.id}").tell_nowait(SettingsAre(printer))

    def _look_anew(self, message: LookAnew) -> None:
        """All at once: the turnstile sees to it that not too many connect at the same time."""
        for printer in self._printers:
            with suppress(NotFound):  # it is being begun, and looks anyway
                self._parts.runtime.address(f"printer:{printer}").tell_nowait(message)

    def _owned(self, printer_id: str, by: Principal) -> Printer:
        """A printer that `by` may set up. Raises NotFound, Forbidden."""
        printer = self._known(printer_id)
        require(by, Action.SET_UP, Target(printer.id, printer.tags))
        return printer

    def _known(self, printer_id: str) -> Printer:
        """Raises NotFound."""
        printer = self._printers.get(printer_id)
        if printer is None:
            raise NotFound(f"there is no printer {printer_id}")
        return printer

    async def _remove(self, wish: RemovePrinter, by: Principal) -> None:
        printer = self._owned(wish.printer, by)
        printer_id = printer.id
        await self._parts.printer.database.change(
            by, records.remove_printer, printer_id, wish.force, self._stamp(by)
        )
        await self._supervisor.stop(f"printer:{printer_id}")
        del self._printers[printer_id]
        self._parts.printer.queue().tell_nowait(PrinterGone(printer_id))
        self._parts.printer.events().tell_nowait(StatusGone(printer_id))
        self._parts.printer.telemetry().tell_nowait(PrinterForgotten(printer_id))
        self._parts.printer.history().tell_nowait(PrinterLeft(printer_id))
        self._parts.removed(printer)

    def _stamp(self, by: Principal) -> Stamp:
        return Stamp.of(by, self._parts.printer.clock())

    def _probe_soon(self, wish: ProbePrinter, by: Principal) -> Later[Probed]:
        require(by, Action.SET_UP)
        if self._probing >= MOST_PROBES:
            raise Overloaded(f"{MOST_PROBES} addresses are being looked at already; try again in a moment")
        later: Later[Probed] = Later()
        self._probing += 1
        self._nursery.start_soon(self._probe, wish, later)
        return later

    def _discover_soon(self, seconds: float, by: Principal) -> Later[Discovered]:
        """Whoever asks while somebody is looking is told what is found then."""
        require(by, Action.SET_UP)
        if len(self._looking_around) >= MOST_LOOKING:
            raise Overloaded(f"{MOST_LOOKING} others are looking already; try again in a moment")
        later: Later[Discovered] = Later()
        self._looking_around.append(later)
        if len(self._looking_around) == 1:
            self._nursery.start_soon(self._discover, seconds)
        return later

    async def _discover(self, seconds: float) -> None:
        try:
            heard = await self._parts.listen(seconds)
            discovered = Discovered(tuple(neighbours(heard, self._printers.values())))
        except FarmError as problem:
            discovered = Discovered((), str(problem))
        finally:
            asking, self._looking_around = self._looking_around, []
        for later in asking:
            later.give(discovered)

    async def _probe(self, wish: ProbePrinter, later: Later[Probed]) -> None:
        try:
            later.give(await probe(wish, self._parts.printer.driver))
        finally:
            self._probing -= 1


def _with_secret(printer: Printer, secret: str) -> Printer:
    return replace(printer, address=printer.address.with_secret(secret))
