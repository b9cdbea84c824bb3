"""What is wrong with printers, told to everybody; and what people went on in spite of. None commits."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from sqlite3 import Connection

from farm.detect.values import Change
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
