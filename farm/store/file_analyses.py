"""What is in files: which of them waits to be read, and what came of it, as JSON and as columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Connection, Row
from typing import Any

import msgspec

from farm.domain.analysis import Analysis, Box, MeshAnalysis
from farm.domain.file import FILES, FileAnalysis, FileState, StoredFile
from farm.store import audit
from farm.store.audit import Stamp
from farm.store.events import record
from farm.store.files import by_id, here, of_row


@dataclass(frozen=True, slots=True)
class Claim:
    """A file that is about to be read. deaths: processes it has felled. again: an older farm has read it."""

    file: StoredFile
    deaths: int
    again: bool


_UNREAD = "state IN ('queued', 'processing') AND removed_at IS NULL"
"""As the index of them says it, letter by letter, or it would not be used, and all of them read."""


def unread(db: Connection) -> int:
    """How many files wait to be read, or are read at the moment."""
    row = db.execute(f"SELECT count(*) FROM files WHERE {_UNREAD}").fetchone()
    return int(row[0])


def waiting(db: Connection, version: int) -> bool:
    """Whether `claim` would find one."""
    return _next(db, version) is not None


def claim(db: Connection, version: int) -> Claim | None:
    """The next file to read: what was sent comes first, then what an analysis before `version` has read.

    Among the first those that have felled no process go before those that have.
    """
    row = _next(db, version)
    if row is None:
        return None
    db.execute("UPDATE files SET state = ? WHERE id = ?", (FileState.PROCESSING, row["id"]))
    return Claim(of_row(row), row["worker_deaths"], again=row["state"] != FileState.QUEUED)


def _next(db: Connection, version: int) -> Row | None:
    row: Row | None = db.execute(
        f"""SELECT * FROM files WHERE {_UNREAD} AND state = 'queued'
            ORDER BY worker_deaths, uploaded_at, id LIMIT 1"""
    ).fetchone()
    if row is None:
        row = db.execute(
            """SELECT * FROM files WHERE analysis_version < ? AND removed_at IS NULL
               AND state NOT IN ('queued', 'processing') LIMIT 1""",
            (version,),
        ).fetchone()
    return row


def put_back(db: Connection, file_id: str, *, felled: bool) -> None:
    """The file is to be read by somebody else. felled: whether its process has died over it."""
    db.execute(
        """UPDATE files SET state = 'queued', worker_deaths = worker_deaths + ?
           WHERE id = ? AND state = 'processing'""",
        (int(felled), file_id),
    )


def put_all_back(db: Connection) -> None:
    """Nobody reads any file any more."""
    db.execute("UPDATE files SET state = 'queued' WHERE state = 'processing'")


def unglanced(db: Connection, limit: int) -> list[StoredFile]:
    """Files with G-code that wait, and of which not even their slicers' word is known."""
    rows = db.execute(
        f"""SELECT * FROM files WHERE {_UNREAD} AND state = 'queued'
            AND result IS NULL AND kind NOT IN ('stl', 'obj', '3mf')
            ORDER BY worker_deaths, uploaded_at, id LIMIT ?""",
        (limit,),
    ).fetchall()
    return [of_row(row) for row in rows]


def note_glance(db: Connection, file_id: str, result: Analysis) -> None:
    """Keep the slicer's word for as long as nothing better is known of a file."""
    _keep_result(db, file_id, result, "AND result IS NULL")


def note_analysis(
    db: Connection, file: StoredFile, analysis: FileAnalysis, at: datetime, *, tell: bool = True
) -> None:
    """Keep what became of a file's analysis, and tell it.

    Nothing for a file that was removed meanwhile, or was removed, sent again and read by another.
    """
    now = by_id(db, file.id)
    if now is None or analysis.state not in FILES[now.analysis.state]:
        return
    db.execute(
        "UPDATE files SET state = ?, reason = ?, analysis_version = ?, worker_deaths = 0 WHERE id = ?",
        (analysis.state, analysis.reason, analysis.version, file.id),
    )
    _keep_result(db, file.id, analysis.result)
    if tell:
        data = {"file": file.id, "name": file.name, "state": analysis.state, "reason": analysis.reason}
        record(db, "file.processed", ("files",), at, data)


def note_picture(db: Connection, file: StoredFile, result: Analysis, at: datetime) -> None:
    """Keep and tell that a picture was drawn, with which all else was found. Nothing if it was read anew."""
    now = by_id(db, file.id)
    if now is None or now.analysis.state is not FileState.READY or now.uploaded_at != file.uploaded_at:
        return
    _keep_result(db, file.id, result)
    record(db, "file.drawn", ("files",), at, {"file": file.id, "name": file.name})


def analyse_again(db: Connection, file_id: str, stamp: Stamp) -> FileState:
    """Let a file be read once more, whatever came of it before. Returns where it stands. Raises NotFound."""
    file = here(db, file_id)
    db.execute("UPDATE files SET state = ?, worker_deaths = 0 WHERE id = ?", (FileState.QUEUED, file_id))
    audit.append(db, stamp, "file.queued", f"file:{file_id}", {"name": file.name})
    record(db, "file.queued", ("files",), stamp.at, {"file": file_id, "name": file.name})
    return FileState.QUEUED


def _keep_result(db: Connection, file_id: str, result: Analysis | None, unless: str = "") -> None:
    columns = {"result": None if result is None else msgspec.json.encode(result).decode(), **_told(result)}
    fields = ", ".join(f"{name} = :{name}" for name in columns)
    db.execute(f"UPDATE files SET {fields} WHERE id = :id {unless}", {**columns, "id": file_id})


_UNKNOWN = dict.fromkeys(
    (
        "time_s",
        "filament_g",
        "material",
        "printer_model",
        "nozzle_mm",
        "layers",
        *(f"size_{a}_mm" for a in "xyz"),
    )
)


def _told(result: Analysis | None) -> Mapping[str, Any]:
    """What the list of files is searched and sorted by."""
    if result is None:
        return _UNKNOWN
    box = _size(result.bounding_box.printed or result.bounding_box.model)
    if isinstance(result, MeshAnalysis):
        return {**_UNKNOWN, **box}
    used = [tool for tool in result.filament or () if tool.g or tool.mm or tool.cm3]
    weights = [tool.g for tool in used if tool.g is not None]
    return {
        "time_s": result.time_s.motion if result.time_s.motion is not None else result.time_s.slicer,
        "filament_g": sum(weights) if used and len(weights) == len(used) else None,
        "material": next((tool.material for tool in used or result.filament or ()), None),
        "printer_model": result.printer_model,
        "nozzle_mm": result.nozzle_mm,
        "layers": result.layers.count,
        **box,
    }


def _size(box: Box | None) -> Mapping[str, float | None]:
    if box is None:
        return {}
    return {f"size_{axis}_mm": to - at for axis, (at, to) in zip("xyz", (box.x, box.y, box.z), strict=True)}
