"""What printers commit: each function is one transaction's worth, whole or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from sqlite3 import Connection
from typing import Any

import msgspec

from farm.detect.baseline import Baseline
from farm.domain.anomaly import Anomaly
from farm.domain.command import NAMES, Command
from farm.domain.ejecting import EjectionState, Ejector
from farm.domain.job import PrintState
from farm.domain.printer import SURE, Doubt, LeftHot, Mode, Plate, Printer
from farm.domain.user import SYSTEM, Principal
from farm.errors import Invalid, Refused
from farm.printers.messages import Imported
from farm.store import anomalies, audit, baselines, ejections, printers, prints, shop, spools
from farm.store.audit import Stamp
from farm.store.commands import tell_end
from farm.store.events import record
from farm.store.orders import OpenOrder, open_order


def add_printer(db: Connection, printer: Printer, sealed_key: bytes, stamp: Stamp) -> Printer:
    """Keep a new printer and tell that it is there. Raises Invalid when its id is taken.

    Returns it without its secret.
    """
    try:
        printers.add(db, printer, sealed_key, stamp.at, str(stamp.who))
    except sqlite3.IntegrityError as error:
        raise Invalid(f"there is a printer {printer.id} already; choose another id", "id") from error
    record(db, "printer.added", ("printers",), stamp.at, {"printer": printer.id, "name": printer.name})
    detail = {"name": printer.name, "kind": printer.address.kind, "url": printer.address.url}
    audit.append(db, stamp, "printer.added", f"printer:{printer.id}", detail)
    return _open(printer)


def add_printers(
    db: Connection, found: Iterable[tuple[Printer, bytes]], looked_at: list[Imported], stamp: Stamp
) -> list[Imported]:
    """Keep all printers of a list, each with its sealed key. Returns `looked_at`: what became of each."""
    for printer, sealed_key in found:
        add_printer(db, printer, sealed_key, stamp)
    return looked_at


def change_printer(
    db: Connection, before: Printer, after: Printer, sealed_key: bytes, stamp: Stamp
) -> Printer:
    """Keep what became of a printer, and tell everybody. Returns it without its secret. Raises Refused.

    A print that is just being started would be lost from sight by another address.
    """
    moved = (before.address, before.enabled) != (after.address, after.enabled)
    active = prints.active_on(db, after.id)
    if moved and active is not None and active.state is PrintState.STARTING:
        raise Refused(f"{before.name} is just beginning a print; change its connection in a minute")
    pushing = ejections.open_on(db, after.id)
    if moved and pushing is not None and pushing.state is not EjectionState.COOLING:
        raise Refused(f"{before.name} is just pushing a print off; change its connection in a minute")
    printers.change(db, after, sealed_key)
    spools.keep_only(db, after.id, [each.spool for each in after.profile.loaded if each.spool])
    data = {"printer": after.id, "name": after.name, "by": str(stamp.who)}
    record(db, "printer.changed", ("printers", f"printer:{after.id}"), stamp.at, data)
    was, is_now = _settings(before), _settings(after)
    changed = [name for name in was if was[name] != is_now[name]]
    for secret in ("api_key", "password"):
        if getattr(before.address, secret) != getattr(after.address, secret):
            was[secret], is_now[secret] = "another", "hidden"
            changed.append(secret)
    detail = {name: {"was": was[name], "is": is_now[name]} for name in changed}
    audit.append(db, stamp, "printer.changed", f"printer:{after.id}", detail)
    return _open(after)


def _open(printer: Printer) -> Printer:
    """The printer without its secret."""
    return replace(printer, address=printer.address.with_secret(""))


def _settings(printer: Printer) -> dict[str, Any]:
    """What the audit may know of a printer: all but its secrets."""
    told: dict[str, Any] = msgspec.to_builtins(printer, order="deterministic")
    address = told.pop("address")
    del address["api_key"], address["password"]
    return {**told, **address}


def remove_printer(db: Connection, printer: str, force: bool, stamp: Stamp) -> None:
    """Take a printer out. Raises Refused while a print holds it, unless it is forced."""
    active = prints.active_on(db, printer)
    if active is not None and not force:
        raise Refused(f"{printer} has a print under way; wait for its end before you take the printer out")
    pushing = ejections.open_on(db, printer)
    if pushing is not None:
        if pushing.state is not EjectionState.COOLING and not force:
            raise Refused(f"{printer} is just pushing a print off; take it out in a minute")
        gone = "the printer was taken out of the farm"
        ejections.enter(db, pushing, EjectionState.LEFT, stamp.at, str(stamp.who), gone)
    printers.remove(db, printer)
    spools.keep_only(db, printer, [])
    shop.forget_printer(db, printer, stamp)
    baselines.forget_printer(db, printer)
    anomalies.forget_printer(db, printer)
    data = {"printer": printer, "by": str(stamp.who)}
    record(db, "printer.removed", ("printers", f"printer:{printer}"), stamp.at, data)
    detail = {"active_print": None if active is None else active.id}
    audit.append(db, stamp, "printer.removed", f"printer:{printer}", detail)


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a printer while nobody can see it. plate: None for a printer that is not here.

    usual: by material. overridden: causes of trouble that somebody went on with its print in spite of.
    cooled: heaters that were switched off while its print is paused, with the targets they had. anomalies:
    what was wrong with it when it was seen last. left_hot: since when nobody had seen to its heat, then.
    """

    plate: Plate | None
    mode: Mode
    why: str
    order: OpenOrder | None
    ejector: Ejector | None = None
    usual: Mapping[str, Baseline] = field(default_factory=dict)
    overridden: frozenset[tuple[str, str]] = frozenset()
    cooled: Mapping[str, float] = field(default_factory=dict)
    anomalies: Sequence[Anomaly] = ()
    doubt: Doubt = SURE
    left_hot: LeftHot | None = None


def kept(db: Connection, printer: Printer) -> Kept:
    """All that a printer's actor has to know when it begins."""
    plate = printers.plate(db, printer.id)
    mode, why = printers.mode(db, printer.id)
    order = open_order(db, printer.id) or ejections.open_order(db, printer.id)
    return Kept(
        plate=None if plate is None else plate.plate,
        mode=mode,
        why=why,
        order=order,
        ejector=ejections.ejector(db, printer),
        usual=baselines.of_printer(db, printer.id),
        overridden=frozenset() if order is None else anomalies.overridden(db, order.print),
        cooled={} if order is None else anomalies.cooled(db, order.print),
        anomalies=anomalies.current(db, printer.id),
        doubt=printers.doubt(db, printer.id),
        left_hot=printers.left_hot(db, printer.id),
    )


def everybody(db: Connection) -> list[tuple[Printer, bytes, Kept]]:
    """Every printer with its sealed key, and what its actor has to know when it begins."""
    return [(printer, sealed, kept(db, printer)) for printer, sealed in printers.everything(db)]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A command that a printer has taken on, and owes an end. by: who wanted it."""

    id: str
    command: Command
    by: Principal


def finish_command(db: Connection, printer: str, accepted: Accepted, problem: str, stamp: Stamp) -> None:
    """Tell how a command went, and keep who gave it. problem: "" when it went well."""
    name = NAMES[type(accepted.command)]
    tell_end(db, printer, accepted.id, name, problem, stamp)
    detail = {"command": name, **asdict(accepted.command), "problem": problem or None}
    audit.append(db, stamp, "printer.commanded", f"printer:{printer}", detail)


def decide(
    db: Connection, printer: str, mode: Mode, why: str, accepted: Accepted | None, stamp: Stamp
) -> None:
    """Store what a person, an emergency stop or the farm itself decided about a printer.

    accepted: the command by which it was decided, if its end is still to be told.
    """
    old, _ = printers.mode(db, printer)
    printers.set_mode(db, printer, mode, stamp.at, str(stamp.who), why)
    if accepted is not None:
        finish_command(db, printer, accepted, "", stamp)
    elif stamp.who != SYSTEM and old is not mode:
        audit.append(db, stamp, "printer.modeChanged", f"printer:{printer}", {"was": old, "is": mode})
