"""How printers, jobs, prints and files look as JSON, the same over HTTP and on the live socket.

Pure: values in, JSON-ready dictionaries out. Secrets are never among them. What the farm does not know
is null, never invented.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from farm.domain.clock import iso
from farm.domain.file import FileState, StoredFile
from farm.domain.job import Job, Print
from farm.domain.printer import Address, Printer, PrinterStatus, PrintProgress, Temperature
from farm.store.changes import Change

Shape: TypeAlias = dict[str, Any]


def of_printer(printer: Printer, status: PrinterStatus, at: datetime) -> Shape:
    """A printer as the shop set it up, and how it stands. at: when the status was told."""
    return {
        "id": printer.id,
        "name": printer.name,
        "tags": sorted(printer.tags),
        "enabled": printer.enabled,
        "connection": _connection(printer.address),
        "health_check_interval_s": printer.health_check_interval_s,
        "max_retries": printer.max_retries,
        "status": of_status(status, at),
    }


def _connection(address: Address) -> Shape:
    """An address without its secret; whom it trusts where that is not what everybody's does."""
    trust = {} if address.tls == "system" else {"tls": address.tls}
    return {"kind": address.kind, "url": address.url, **trust}


def of_status(status: PrinterStatus, at: datetime) -> Shape:
    """How a printer stands. at: when it was told, from which the print's end is reckoned."""
    position = status.position
    return {
        "connection": status.connection,
        "operation": status.operation,
        "plate": status.plate,
        "breaker": status.breaker,
        "next_try_at": _time(status.next_try_at),
        "message": status.message,
        "since": _time(status.since),
        "temperatures": {heater: _temperature(read) for heater, read in status.temperatures.items()},
        "position": None if position is None else {"x": position.x, "y": position.y, "z": position.z},
        "foreign": status.foreign,
        "print": None if status.print is None else _progress(status.print, at),
    }


def of_job(job: Job, prints: Iterable[Print]) -> Shape:
    """A job with its attempts, oldest first. Nothing is planned yet, so `planned` is null."""
    return {
        "id": job.id,
        "state": job.state,
        "file": job.file,
        "name": job.name,
        "copies": job.copies,
        "yield": job.yield_per_plate,
        "priority": job.priority,
        "due_at": _time(job.due_at),
        "required_printers": sorted(job.required_printers),
        "required_tags": sorted(job.required_tags),
        "created_by": job.created_by,
        "created_at": iso(job.created_at),
        "done": job.done,
        "failed": job.failed,
        "prints": [of_print(attempt) for attempt in prints],
        "planned": None,
        "why_not": [],
    }


def of_print(attempt: Print, log: Iterable[Change] | None = None) -> Shape:
    """One attempt; with its history where `log` is given, otherwise without the word `log`."""
    shape: Shape = {
        "id": attempt.id,
        "job": attempt.job,
        "printer": attempt.printer,
        "attempt": attempt.attempt,
        "state": attempt.state,
        "progress": attempt.progress,
        "reserved_at": iso(attempt.reserved_at),
        "started_at": _time(attempt.started_at),
        "ended_at": _time(attempt.ended_at),
        "reason": attempt.reason,
        "filament_g": None,
    }
    if log is not None:
        shape["log"] = [of_change(change) for change in log]
    return shape


def of_change(change: Change) -> Shape:
    """One line of a thing's history."""
    return {
        "at": iso(change.at),
        "from": change.old,
        "to": change.new,
        "who": change.who,
        "why": change.why,
    }


def of_file(
    file: StoredFile,
    state: FileState = FileState.QUEUED,
    reason: str | None = None,
    result: Mapping[str, Any] | None = None,
) -> Shape:
    """A file and where its analysis stands: `reason` when it failed, `result` when it is ready."""
    return {
        "id": file.id,
        "name": file.name,
        "kind": file.kind,
        "size": file.size,
        "sha256": file.sha256,
        "uploaded_by": file.uploaded_by,
        "uploaded_at": iso(file.uploaded_at),
        "analysis": {"state": state, "reason": reason, "result": result},
    }


def _progress(print_: PrintProgress, at: datetime) -> Shape:
    remaining_s = print_.remaining_s
    ends_at = None if remaining_s is None else at + timedelta(seconds=remaining_s)
    return {
        "id": print_.id,
        "job": print_.job,
        "file": print_.file,
        "name": print_.name,
        "state": print_.state,
        "progress": print_.progress,
        "elapsed_s": print_.elapsed_s,
        "remaining_s": remaining_s,
        "ends_at": _time(ends_at),
        "layer": None,
        "layers": None,
    }


def _temperature(read: Temperature) -> Shape:
    return {"actual": read.actual, "target": read.target}


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)
