"""What is wrong with printers, told to everybody, and what was done about it. None commits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from sqlite3 import Connection

import msgspec

from farm.detect.values import Change
from farm.domain.anomaly import Anomaly
from farm.store.events import record


def note(db: Connection, printer: str, changes: Sequence[tuple[datetime, Change]]) -> None:
    """Tell what began, grew worse or is over, each with the moment at which it was seen."""
    rooms = (f"printer:{printer}", "printers", "alerts")
    for at, change in changes:
        found, evidence = change.anomaly, change.anomaly.evidence
        data = {
            "printer": printer,
            "kind": found.kind,
            "severity": found.severity,
            "sentence": found.sentence,
            "evidence": {
                "channel": evidence.channel,
                "window_s": evidence.window_s,
                "values": dict(evidence.values),
                "limit": evidence.limit,
            },
        }
        record(db, "anomalies.over" if change.over else "anomalies.detected", rooms, at, data)


def override(db: Connection, print_id: str, causes: Collection[tuple[str, str]]) -> None:
    """Somebody went on with a print in spite of these: causes, and the channels they were seen on."""
    db.executemany(
        "INSERT OR IGNORE INTO anomaly_overrides (print, cause, channel) VALUES (?, ?, ?)",
        [(print_id, *cause) for cause in causes],
    )


def overridden(db: Connection, print_id: str) -> frozenset[tuple[str, str]]:
    """What somebody went on with this print in spite of."""
    rows = db.execute("SELECT cause, channel FROM anomaly_overrides WHERE print = ?", (print_id,))
    return frozenset((row["cause"], row["channel"]) for row in rows)


def keep_cooled(db: Connection, print_id: str, heaters: Mapping[str, float]) -> None:
    """These heaters, no others, are off while the print is paused, with the targets they had in degC."""
    db.execute("DELETE FROM cooled_heaters WHERE print = ?", (print_id,))
    db.executemany(
        "INSERT INTO cooled_heaters (print, heater, degc) VALUES (?, ?, ?)",
        [(print_id, heater, degc) for heater, degc in heaters.items()],
    )


def cooled(db: Connection, print_id: str) -> dict[str, float]:
    """Heaters that have to get their heat back before the print goes on, with their targets in degC."""
    rows = db.execute("SELECT heater, degc FROM cooled_heaters WHERE print = ?", (print_id,))
    return {row["heater"]: row["degc"] for row in rows}


def keep_current(db: Connection, printer: str, wrong: Sequence[Anomaly]) -> None:
    """This is wrong with a printer now, and nothing else."""
    forget_printer(db, printer)
    db.executemany(
        "INSERT INTO current_anomalies (printer, kind, channel, value) VALUES (?, ?, ?, ?)",
        [(printer, each.kind, each.evidence.channel, _text(each)) for each in wrong],
    )


def current(db: Connection, printer: str) -> list[Anomaly]:
    """What was wrong with a printer when it was seen last."""
    rows = db.execute("SELECT value FROM current_anomalies WHERE printer = ?", (printer,))
    return [msgspec.json.decode(row["value"], type=Anomaly) for row in rows]


def forget_printer(db: Connection, printer: str) -> None:
    """Nothing is wrong with it, or it was taken out of the farm."""
    db.execute("DELETE FROM current_anomalies WHERE printer = ?", (printer,))


def _text(found: Anomaly) -> str:
    return msgspec.json.encode(found, order="deterministic").decode()
