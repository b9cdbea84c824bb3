"""The shop's printers: sets them up, takes them out, and supervises one actor for each."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import assert_never
from urllib.parse import urlsplit

import trio

from farm.access.rights import Action, Target, require
from farm.access.secrets import Seal
from farm.actors import ChildSpec, Exhausted, Later, Mailbox, RestartPolicy, Supervisor, serve
from farm.actors.supervisor import Runtime
from farm.domain.printer import DIALECTS, FASTEST, SIMULATED, SLOWEST, Address, Printer, Simulation
from farm.domain.user import Principal
from farm.drivers.base import Driver
from farm.errors import FarmError, Invalid, NotFound, Overloaded, Refused
from farm.live.messages import StatusGone
from farm.printers import records
from farm.printers.actor import PrinterActor, PrinterParts
from farm.printers.messages import (
    AddPrinter,
    FleetMessage,
    PrinterGone,
    PrinterMessage,
    Probed,
    ProbePrinter,
    RemovePrinter,
)
from farm.store import printers
from farm.store.audit import Stamp

PRINTER_POLICY = RestartPolicy(exhausted=Exhausted.FAULTED)
"""A printer's actor that keeps crashing is `faulted` and tried again every 5 minutes, for ever."""

KINDS = frozenset({"octoprint", SIMULATED})
MAX_PRINTERS = 1000
MOST_PROBES = 8  # at the same time
PROBE_WITHIN_S = 9.0  # the asker is promised an answer within 10
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


@dataclass(frozen=True, slots=True)
class FleetParts:
    """What the fleet needs of the farm beside what it hands to each printer.

    removed: told of a printer that was taken out; it must not wait.
    """

    runtime: Runtime
    seal: Seal
    printer: PrinterParts
    removed: Callable[[Printer], None] = lambda printer: None


class Fleet:
    """Owns which printers there are."""

    def __init__(self, parts: FleetParts) -> None:
        self._parts = parts
        self._printers: dict[str, Printer] = {}
        self._probing = 0

    async def run(self, mailbox: Mailbox[FleetMessage]) -> None:
        """Start every printer's actor, none waiting for its printer to connect, and then serve."""
        supervisor = Supervisor(self._parts.runtime, independent=True)
        async with trio.open_nursery() as self._nursery, supervisor.running() as self._supervisor:
            for printer, sealed in await self._parts.printer.database.read(printers.everything):
                self._start(_with_key(printer, self._parts.seal.open(sealed)))
            await serve(mailbox, self._handle)
            self._nursery.cancel_scope.cancel()

    async def _handle(self, message: FleetMessage, by: Principal) -> Printer | Later[Probed] | None:
        match message:
            case AddPrinter(printer):
                return await self._add(printer, by)
            case RemovePrinter(printer_id):
                await self._remove(printer_id, by)
                return None
            case ProbePrinter():
                return self._probe_soon(message, by)
            case _:
                assert_never(message)

    async def _add(self, printer: Printer, by: Principal) -> Printer:
        require(by, Action.SET_UP)
        checked = checked_printer(printer)
        if len(self._printers) >= MAX_PRINTERS:
            raise Refused(f"the farm has {MAX_PRINTERS} printers already, more than one server should run")
        with trio.move_on_after(1, shield=True):  # raises Invalid for what no driver could send
            await self._parts.printer.driver(checked).aclose()
        sealed = self._parts.seal.seal(checked.address.api_key)
        await self._parts.printer.database.write(records.add_printer, checked, sealed, self._stamp(by))
        self._start(checked)
        return checked

    def _start(self, printer: Printer) -> None:
        async def run(mailbox: Mailbox[PrinterMessage]) -> None:
            # A fresh actor each time: nothing half-broken outlives a crash.
            await PrinterActor(printer, self._parts.printer).run(mailbox)

        self._printers[printer.id] = printer
        self._supervisor.start_soon(ChildSpec(name=f"printer:{printer.id}", run=run, policy=PRINTER_POLICY))

    async def _remove(self, printer_id: str, by: Principal) -> None:
        printer = self._printers.get(printer_id)
        if printer is None:
            raise NotFound(f"there is no printer {printer_id}")
        require(by, Action.SET_UP, Target(printer.id, printer.tags))
        await self._parts.printer.database.write(records.remove_printer, printer_id, self._stamp(by))
        await self._supervisor.stop(f"printer:{printer_id}")
        del self._printers[printer_id]
        self._parts.printer.queue().tell_nowait(PrinterGone(printer_id))
        self._parts.printer.events().tell_nowait(StatusGone(printer_id))
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

    async def _probe(self, wish: ProbePrinter, later: Later[Probed]) -> None:
        try:
            later.give(await probe(wish, self._parts.printer.driver))
        finally:
            self._probing -= 1


async def probe(wish: ProbePrinter, driver_of: Callable[[Printer], Driver]) -> Probed:
    """Who answers at an address, or why nobody does, within PROBE_WITHIN_S."""
    try:
        address = Address("octoprint", checked_url(wish.url), wish.api_key, wish.tls)
        driver = driver_of(Printer("probe", "the address", address))
    except Invalid as problem:
        return Probed(None, problem=str(problem))
    try:
        with trio.fail_after(PROBE_WITHIN_S):
            identity = await driver.connect()
    except FarmError as problem:
        return Probed(None, problem=str(problem))
    except trio.TooSlowError:
        return Probed(None, problem=f"nobody answered at {address.url} within {PROBE_WITHIN_S:.0f} s")
    finally:
        with trio.move_on_after(1, shield=True):
            await driver.aclose()
    return Probed(identity.kind, identity.version, identity.name or None)


def checked_printer(printer: Printer) -> Printer:
    """The printer with its address in one form. Raises Invalid with the field and what to do."""
    if not _ID.fullmatch(printer.id):
        raise Invalid(
            "an id has 1 to 40 characters of a-z, 0-9, - and _, and starts with a letter or digit", "id"
        )
    if not printer.name.strip() or len(printer.name) > 100:
        raise Invalid("give the printer a name of 1 to 100 characters", "name")
    if printer.address.kind not in KINDS:
        raise Invalid(
            f"the farm drives {', '.join(sorted(KINDS))}, not {printer.address.kind}", "connection.kind"
        )
    if not 1 <= printer.health_check_interval_s <= 3600:
        raise Invalid("between 1 and 3600 seconds", "health_check_interval_s")
    if not 0 <= printer.max_retries <= 20:
        raise Invalid("between 0 and 20 retries", "max_retries")
    return replace(printer, address=checked_address(printer.address))


def checked_address(address: Address) -> Address:
    """The address in one form. Raises Invalid with the field and what to do."""
    if address.kind == SIMULATED:
        return _checked_simulated(address)
    if address.simulation is not None:
        raise Invalid("only a simulated printer has dialect, speed and faults; leave them out", "connection")
    return replace(address, url=checked_url(address.url))


def _checked_simulated(address: Address) -> Address:
    for name, given in {"url": address.url, "api_key": address.api_key, "tls": address.tls}.items():
        if given not in ("", "system"):
            raise Invalid("the farm starts a simulated printer itself; leave this out", f"connection.{name}")
    simulation = address.simulation or Simulation()
    if simulation.dialect not in DIALECTS:
        known = ", ".join(sorted(DIALECTS))
        raise Invalid(f"the farm simulates {known}, not {simulation.dialect} yet", "connection.dialect")
    if not SLOWEST <= simulation.speed <= FASTEST:
        raise Invalid(f"between {SLOWEST:g} and {FASTEST:g} times as fast as real time", "connection.speed")
    return replace(address, simulation=simulation)


def checked_url(url: str) -> str:
    """A print host's address as scheme://host[:port][/path]. Raises Invalid."""
    field = "connection.url"
    try:
        parts = urlsplit(url.strip())
        port = f":{parts.port}" if parts.port else ""
    except ValueError as error:
        raise Invalid(f"{url!r} is no address; write it like http://192.168.1.20", field) from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Invalid(f"{url!r} is no address; write it like http://192.168.1.20", field)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise Invalid(
            "leave user, password, ? and # out of the address; the key has a field of its own", field
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"


def _with_key(printer: Printer, api_key: str) -> Printer:
    return replace(printer, address=replace(printer.address, api_key=api_key))
