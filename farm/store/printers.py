"""Printers as the shop set them up, and their plates."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from sqlite3 import Connection, Row

import msgspec

from farm.domain.clock import iso, parse_iso
from farm.domain.printer import (
    MODES,
    SURE,
    Address,
    Doubt,
    LeftHot,
    Mode,
    Plate,
    Printer,
    Profile,
    Simulation,
)
from farm.domain.statistics import Power
from farm.domain.transitions import require
from farm.store import maintenance
from farm.store.changes import record_change
from farm.store.events import record


@dataclass(frozen=True, slots=True)
class PlateRow:
    """A plate as stored. Until `settles_at` a clear one can be taken back to `before`."""

    plate: Plate
    before: Plate | None = None
    settles_at: datetime | None = None


def add(db: Connection, printer: Printer, sealed_key: bytes, at: datetime, who: str) -> None:
    """Keep a new printer; its plate is unknown until somebody looks. sqlite3.IntegrityError: id taken."""
    db.execute(
        """INSERT INTO printers (id, name, kind, url, tls, sealed_key, tags, enabled,
               health_check_interval_s, max_retries, simulation, endpoints, profile, username, created_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            printer.id,
            printer.name,
            printer.address.kind,
            printer.address.url,
            printer.address.tls,
            sealed_key,
            json.dumps(sorted(printer.tags)),
            int(printer.enabled),
            printer.health_check_interval_s,
            printer.max_retries,
            _simulation_text(printer.address.simulation),
            json.dumps(dict(printer.address.endpoints)),
            _profile_text(printer.profile),
            printer.address.username,
            iso(at),
        ),
    )
    record_change(db, "plate", printer.id, None, Plate.UNKNOWN, at, who, "first contact")


def change(db: Connection, printer: Printer, sealed_key: bytes) -> None:
    """Store a printer that is here as it is now."""
    db.execute(
        """UPDATE printers SET name = ?, url = ?, tls = ?, sealed_key = ?, tags = ?, enabled = ?,
               health_check_interval_s = ?, max_retries = ?, simulation = ?, endpoints = ?, profile = ?,
               username = ?
           WHERE id = ?""",
        (
            printer.name,
            printer.address.url,
            printer.address.tls,
            sealed_key,
            json.dumps(sorted(printer.tags)),
            int(printer.enabled),
            printer.health_check_interval_s,
            printer.max_retries,
            _simulation_text(printer.address.simulation),
            json.dumps(dict(printer.address.endpoints)),
            _profile_text(printer.profile),
            printer.address.username,
            printer.id,
        ),
    )


def remove(db: Connection, printer: str) -> bool:
    """Forget a printer; what it printed stays. Returns whether it was there."""
    maintenance.forget_printer(db, printer)
    return db.execute("DELETE FROM printers WHERE id = ?", (printer,)).rowcount > 0


def everything(db: Connection) -> list[tuple[Printer, bytes]]:
    """Every printer, without its secret, and its sealed key, by id."""
    rows = db.execute("SELECT * FROM printers ORDER BY id").fetchall()
    return [(_printer(row), row["sealed_key"]) for row in rows]


def powers(db: Connection) -> dict[str, tuple[str, Power]]:
    """The name of every printer, and what it takes of the mains, by its id."""
    rows = db.execute(
        """SELECT id, name, json_extract(profile, '$.printing_w'), json_extract(profile, '$.heat_up_w'),
               json_extract(profile, '$.heat_up_s') FROM printers"""
    ).fetchall()
    return {id: (name, Power(*power)) for id, name, *power in rows}


def exists(db: Connection, printer: str) -> bool:
    """Whether a printer of this id is in the farm."""
    return db.execute("SELECT 1 FROM printers WHERE id = ?", (printer,)).fetchone() is not None


def plates(db: Connection) -> dict[str, PlateRow]:
    """The plate of every printer, by its id."""
    rows = db.execute("SELECT id, plate, plate_before, plate_settles_at FROM printers").fetchall()
    return {row["id"]: _plate(row) for row in rows}


def plate(db: Connection, printer: str) -> PlateRow | None:
    """One printer's plate, None for an unknown printer."""
    row = db.execute(
        "SELECT plate, plate_before, plate_settles_at FROM printers WHERE id = ?", (printer,)
    ).fetchone()
    return _plate(row) if row is not None else None


def set_plate(db: Connection, printer: str, new: PlateRow, at: datetime, who: str, why: str) -> None:
    """Store a plate and note who changed it and why."""
    old = plate(db, printer)
    db.execute(
        "UPDATE printers SET plate = ?, plate_before = ?, plate_settles_at = ? WHERE id = ?",
        (new.plate, new.before, iso(new.settles_at) if new.settles_at else None, printer),
    )
    if old is not None and old.plate != new.plate:
        record_change(db, "plate", printer, old.plate, new.plate, at, who, why)


def mode(db: Connection, printer: str) -> tuple[Mode, str]:
    """What was decided about a printer, and why; normal for one that is not here."""
    row = db.execute("SELECT mode, mode_why FROM printers WHERE id = ?", (printer,)).fetchone()
    return (Mode(row["mode"]), row["mode_why"]) if row is not None else (Mode.NORMAL, "")


def set_mode(db: Connection, printer: str, new: Mode, at: datetime, who: str, why: str) -> None:
    """Store a decision about a printer, note it and tell everybody, unless it stands already."""
    old, _ = mode(db, printer)
    if old is new:
        return
    require(MODES, old, new)
    db.execute("UPDATE printers SET mode = ?, mode_why = ? WHERE id = ?", (new, why, printer))
    record_change(db, "printer", printer, old, new, at, who, why)
    data = {"printer": printer, "from": old, "to": new, "why": why, "who": who}
    record(db, "printer.modeChanged", ("printers", f"printer:{printer}"), at, data)


def doubt(db: Connection, printer: str) -> Doubt:
    """What was wrong with a printer that has not printed well since."""
    row = db.execute("SELECT doubt, doubt_since FROM printers WHERE id = ?", (printer,)).fetchone()
    if row is None or not row["doubt"]:
        return SURE
    return Doubt(row["doubt"], parse_iso(row["doubt_since"]))


def keep_doubt(db: Connection, printer: str, new: Doubt) -> None:
    """Something was wrong with a printer, or it has printed well since."""
    since = None if new.since is None else iso(new.since)
    db.execute("UPDATE printers SET doubt = ?, doubt_since = ? WHERE id = ?", (new.why, since, printer))


def left_hot(db: Connection, printer: str) -> LeftHot | None:
    """Heat that nobody has seen to, when a printer was seen last; None where there was none."""
    row = db.execute("SELECT left_hot FROM printers WHERE id = ?", (printer,)).fetchone()
    text = None if row is None else row["left_hot"]
    return None if text is None else msgspec.json.decode(text, type=LeftHot)


def keep_left_hot(db: Connection, printer: str, left: LeftHot | None) -> None:
    """So much heat is left to itself at a printer now."""
    text = None if left is None else msgspec.json.encode(left, order="deterministic").decode()
    db.execute("UPDATE printers SET left_hot = ? WHERE id = ?", (text, printer))


def _plate(row: Row) -> PlateRow:
    before, settles_at = row["plate_before"], row["plate_settles_at"]
    return PlateRow(
        plate=Plate(row["plate"]),
        before=Plate(before) if before else None,
        settles_at=parse_iso(settles_at) if settles_at else None,
    )


def _printer(row: Row) -> Printer:
    return Printer(
        id=row["id"],
        name=row["name"],
        address=Address(
            row["kind"],
            row["url"],
            tls=row["tls"],
            simulation=_simulation(row["simulation"]),
            endpoints=json.loads(row["endpoints"]),
            username=row["username"],
        ),
        tags=frozenset(json.loads(row["tags"])),
        enabled=bool(row["enabled"]),
        health_check_interval_s=row["health_check_interval_s"],
        max_retries=row["max_retries"],
        profile=msgspec.json.decode(row["profile"], type=Profile),
    )


def _profile_text(profile: Profile) -> str:
    """Sets come in any order, and rows are compared."""
    return msgspec.json.encode(profile, order="deterministic").decode()


def _simulation_text(simulation: Simulation | None) -> str | None:
    return None if simulation is None else json.dumps(asdict(simulation))


def _simulation(text: str | None) -> Simulation | None:
    return None if text is None else Simulation(**json.loads(text))
