"""How long prints took, phase by phase. Plain functions of a connection; none commits.

What is learned of a printer is worked out anew from its newest prints whenever it is taught, and kept: a look
at the farm reads one row for each printer and phase, however much was ever printed.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from sqlite3 import Connection

from farm.domain.clock import iso
from farm.domain.durations import PRIORS, Durations, Fit, Own, Phase, fit, is_sound, learn

KEPT = 100  # of one printer and phase: what was longer ago tells less of how it is now


def teach(db: Connection, print_id: str, printer: str, phase: Phase, value: float, at: datetime) -> None:
    """A print has shown how long a phase takes on its printer, in seconds or as a factor; see `Phase`.

    What cannot have been measured teaches nothing.
    """
    if not is_sound(value):
        return
    db.execute(
        """INSERT INTO durations (print, phase, printer, at, value) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET value = excluded.value, at = excluded.at""",
        (print_id, phase, printer, iso(at), value),
    )
    db.execute(
        """DELETE FROM durations WHERE printer = ?1 AND phase = ?2 AND (at, print) <= (
               SELECT at, print FROM durations WHERE printer = ?1 AND phase = ?2
               ORDER BY at DESC, print DESC LIMIT 1 OFFSET ?3)""",
        (printer, phase, KEPT),
    )
    _fit_anew(db, printer, phase)


def unteach(db: Connection, print_id: str, phase: Phase) -> None:
    """It was no such thing after all."""
    for row in db.execute(
        "DELETE FROM durations WHERE print = ? AND phase = ? RETURNING printer", (print_id, phase)
    ).fetchall():
        _fit_anew(db, row["printer"], phase)


def known(db: Connection) -> Durations:
    """All that was learned, for every printer that is in the farm, with what those that left have taught."""
    rows = db.execute(
        """SELECT learned.printer, learned.phase, learned.count, learned.centre, learned.spread,
               CASE WHEN printers.id IS NULL THEN learned.model
                   ELSE json_extract(printers.profile, '$.model') END AS model
           FROM learned LEFT JOIN printers ON printers.id = learned.printer
           ORDER BY learned.printer"""
    ).fetchall()
    if not rows:
        return Durations()
    here = db.execute("SELECT id, json_extract(profile, '$.model') AS model FROM printers").fetchall()
    nothing = {row["id"]: Own(row["id"], row["model"]) for row in here}
    measured: dict[Phase, dict[str, Own]] = defaultdict(lambda: dict(nothing))
    for row in rows:
        own = Own(row["printer"], row["model"], Fit(row["count"], row["centre"], row["spread"]))
        measured[Phase(row["phase"])][own.printer] = own
    return Durations({phase: learn(list(owns.values()), PRIORS[phase]) for phase, owns in measured.items()})


def _fit_anew(db: Connection, printer: str, phase: Phase) -> None:
    rows = db.execute(
        "SELECT value FROM durations WHERE printer = ? AND phase = ? ORDER BY at, print", (printer, phase)
    ).fetchall()
    found = fit([row["value"] for row in rows], PRIORS[phase].spread)
    db.execute(
        """INSERT INTO learned (printer, phase, model, count, centre, spread)
           VALUES (?1, ?2, (SELECT json_extract(profile, '$.model') FROM printers WHERE id = ?1), ?3, ?4, ?5)
           ON CONFLICT DO UPDATE SET model = coalesce(excluded.model, model), count = excluded.count,
               centre = excluded.centre, spread = excluded.spread""",
        (printer, phase, found.count, found.centre, found.spread),
    )
