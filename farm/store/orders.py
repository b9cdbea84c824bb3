"""An active print together with its file, as its printer needs it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from sqlite3 import Connection, Row

from farm.domain.job import PrintState
from farm.store.prints import ACTIVE


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """print, job, file: ids. estimate_s: how long it takes, as its slicer says. targets: of its heaters, in
    degrees Celsius, as far as its slicer says.

    sha256, size: of what is sent to the printer, the file or a smaller copy of it; bytes.
    mark: see `domain.file.RemoteFile`.
    """

    print: str
    printer: str
    job: str
    file: str
    name: str
    remote_name: str
    sha256: str
    size: int
    state: PrintState
    estimate_s: float | None
    mark: str
    targets: Mapping[str, frozenset[float]] = field(default_factory=dict)


_ORDER = """SELECT prints.id, prints.printer, prints.job, prints.state,
        prints.remote_name, prints.remote_mark,
        files.id AS file, files.name,
        coalesce(prints.optimised, files.sha256) AS sha256,
        coalesce(prints.optimised_size, files.size) AS size,
        json_extract(files.result, '$.time_s.slicer') AS estimate_s,
        json_extract(files.result, '$.temperatures') AS temperatures
    FROM prints
    JOIN print_jobs ON print_jobs.id = prints.job
    JOIN files ON files.id = print_jobs.file"""


def open_order(db: Connection, printer: str) -> OpenOrder | None:
    """The print that holds this printer, None when nothing does."""
    row = db.execute(
        f"{_ORDER} WHERE prints.printer = ? AND prints.state IN ({ACTIVE})", (printer,)
    ).fetchone()
    return _order(row) if row is not None else None


def order_of(db: Connection, print_id: str) -> OpenOrder | None:
    """One print with its file."""
    row = db.execute(f"{_ORDER} WHERE prints.id = ?", (print_id,)).fetchone()
    return _order(row) if row is not None else None


def _order(row: Row) -> OpenOrder:
    return OpenOrder(
        print=row["id"],
        printer=row["printer"],
        job=row["job"],
        file=row["file"],
        name=row["name"],
        remote_name=row["remote_name"],
        sha256=row["sha256"],
        size=row["size"],
        state=PrintState(row["state"]),
        estimate_s=row["estimate_s"],
        mark=row["remote_mark"],
        targets=_targets(row["temperatures"]),
    )


def _targets(told: str | None) -> dict[str, frozenset[float]]:
    """By heater. Of other tools than the first nobody knows; 0, for what is not heated, is none."""
    found = json.loads(told) if told else {}
    nozzle, bed = (
        frozenset(found[name] for name in (f"{part}_first", part) if found.get(name))
        for part in ("nozzle", "bed")
    )
    return {heater: targets for heater, targets in (("tool0", nozzle), ("bed", bed)) if targets}
