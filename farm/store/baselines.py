"""What is usual for each printer, by material, as its good prints have shown. None commits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from sqlite3 import Connection

import msgspec

from farm.detect.baseline import Baseline
from farm.domain.clock import iso


def of_printer(db: Connection, printer: str) -> Mapping[str, Baseline]:
    """By material; "" for prints of which nobody knows the material."""
    rows = db.execute("SELECT material, value FROM baselines WHERE printer = ?", (printer,))
    return {row["material"]: msgspec.json.decode(row["value"], type=Baseline) for row in rows}


def keep(db: Connection, printer: str, material: str, usual: Baseline, at: datetime) -> None:
    """This is usual from now on."""
    value = msgspec.json.encode(usual, order="deterministic").decode()
    db.execute(
        "INSERT INTO baselines (printer, material, prints, value, changed_at) VALUES (?1, ?2, ?3, ?4, ?5) "
        "ON CONFLICT (printer, material) DO UPDATE SET prints = ?3, value = ?4, changed_at = ?5",
        (printer, material, usual.prints, value, iso(at)),
    )


def forget_printer(db: Connection, printer: str) -> None:
    """The printer was taken out of the farm."""
    db.execute("DELETE FROM baselines WHERE printer = ?", (printer,))
