"""Moonraker's history of prints as values: how the one print that is ours ended. No I/O, no clock.

Every print has a number there that only grows. It stays when its file goes, and it tells nothing of a print
during which Moonraker itself was away: that is still "interrupted" when Klipper has long finished it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from farm.domain.printer import BUSY
from farm.drivers.base import Outcome, OutcomeKind, Reading
from farm.drivers.exchange import Answer, Request
from farm.drivers.moonraker.protocol.api import no_such_file, result
from farm.drivers.values import seconds, text_of
from farm.errors import ProtocolError

PAGE = 20  # prints asked for at once; the one we look for is mostly among the last few
MOST_PAGES = 25

_NUMBER = re.compile(r"[0-9A-Fa-f]{1,16}")
_OVERTAKEN = frozenset({"interrupted", "server_exit", "klippy_disconnect"})
"""Ends of Moonraker's watching, not of the print: what became of it then is for Klipper to say."""
_BY_PERSON = "It was cancelled at the printer."


@dataclass(frozen=True, slots=True)
class Job:
    """One print, as Moonraker remembers it. printed_s: seconds, None where it does not say."""

    number: int
    filename: str
    status: str
    printed_s: float | None = None


def page(start: int) -> Request:
    """Asks for PAGE prints, the latest first, after the first `start`."""
    return Request("GET", f"/server/history/list?limit={PAGE}&start={start}&order=desc")


def newest() -> Request:
    """Asks for the latest print, for a mark."""
    return Request("GET", "/server/history/list?limit=1&order=desc")


def jobs(answer: Answer) -> list[Job] | None:
    """The prints of a page, the latest first; None where Moonraker keeps no history."""
    if answer.status == 404:
        return None
    found = result(answer).get("jobs")
    if not isinstance(found, list):
        raise ProtocolError("Moonraker does not list its prints.")
    return [_job(each) for each in found]


def _job(given: object) -> Job:
    number = given.get("job_id") if isinstance(given, dict) else None
    if not isinstance(given, dict) or not isinstance(number, str) or not _NUMBER.fullmatch(number):
        raise ProtocolError("Moonraker lists a print without its number.")
    filename = given.get("filename")
    return Job(
        number=int(number, 16),
        filename=filename if isinstance(filename, str) else "",
        status=text_of(given.get("status")),
        printed_s=seconds(given.get("total_duration")),
    )


def mark(latest: Sequence[Job] | None) -> str:
    """What is remembered so far, for `outcome`; "" where nothing ever is."""
    if latest is None:
        return ""
    return f"{latest[0].number if latest else 0:X}"


def is_after(job: Job, mark: str) -> bool:
    """Whether this print began after the mark was made."""
    return job.number > (int(mark, 16) if _NUMBER.fullmatch(mark) else -1)


def ours(latest: Sequence[Job], remote_name: str, mark: str) -> list[Job]:
    """The prints of this file after `mark`, the first of them first: that one is ours."""
    return [job for job in reversed(latest) if job.filename == remote_name and is_after(job, mark)]


def outcome(reading: Reading, prints: Sequence[Job] | None, is_there: bool, remote_name: str) -> Outcome:
    """How our print of a file ended, by a look at the printer and, after it, at the history.

    prints: of this file since ours was to begin, the first first; None where no history is kept.
    is_there: whether the file is. What runs after the end of the first was started at the machine.
    """
    running = _is_at_work(reading, remote_name)
    if not prints:
        return _without_record(running, prints, is_there, reading, remote_name)
    first, alone = prints[0], len(prints) == 1
    if first.status == "in_progress" or (first.status in _OVERTAKEN and alone and running):
        return _still(running, remote_name)
    shown = _shown(reading, remote_name) if first.status in _OVERTAKEN and alone else None
    return shown or _ended(first, running)


def behind_something_else(remote_name: str) -> Outcome:
    """Of a print without a record, while Klipper is at work on what is no print: it may wait behind that."""
    words = f"Klipper is at work on something else, and may begin {remote_name} after it."
    return Outcome(OutcomeKind.RUNNING, words)


def _without_record(
    running: bool, prints: Sequence[Job] | None, is_there: bool, reading: Reading, remote_name: str
) -> Outcome:
    if running:
        return _still(True, remote_name)
    if shown := _shown(reading, remote_name):  # Moonraker was away when it began, or notes it in a moment
        return shown
    if prints is None:
        words = "Moonraker keeps no history: add [history] to its moonraker.conf."
        return Outcome(OutcomeKind.UNKNOWN, words)
    if not is_there:
        return Outcome(OutcomeKind.UNKNOWN, no_such_file(remote_name))
    return Outcome(OutcomeKind.NO_RECORD, "Moonraker has no record of printing it: it never started.")


def _still(running: bool, remote_name: str) -> Outcome:
    if running:
        return Outcome(OutcomeKind.RUNNING, f"Klipper is printing {remote_name}.")
    return Outcome(OutcomeKind.UNKNOWN, "Moonraker has not noted yet how it ended.")


def _shown(reading: Reading, remote_name: str) -> Outcome | None:
    """The end of a print that Moonraker did not see, as long as Klipper still shows it."""
    if reading.machine_connected and _is_loaded(reading, remote_name):
        match reading.text:
            case "complete":
                return Outcome(OutcomeKind.FINISHED, _GOOD)
            case "cancelled" | "error":
                return Outcome(OutcomeKind.FAILED, reading.error or "Klipper did not print it to its end.")
    return None


_GOOD = "Klipper printed it to its end."


def _ended(job: Job, running: bool) -> Outcome:
    match job.status:
        case "completed":
            return Outcome(OutcomeKind.FINISHED, _GOOD, job.printed_s, running)
        case "interrupted" | "server_exit":
            words = "Moonraker itself stopped in the middle of it, and nobody noted how it went on."
            return Outcome(OutcomeKind.NO_RECORD, words, still_runs=running)
        case "cancelled":
            return Outcome(OutcomeKind.FAILED, _BY_PERSON, job.printed_s, running)
        case "klippy_shutdown" | "klippy_disconnect":
            words = "Klipper stopped in the middle of it."
            return Outcome(OutcomeKind.FAILED, words, job.printed_s, running)
        case "error":
            words = "Klipper met an error in the middle of it: its console says which."
            return Outcome(OutcomeKind.FAILED, words, job.printed_s, running)
        case _:
            return Outcome(OutcomeKind.UNKNOWN, f"Moonraker notes its end as {job.status!r}.")


def _is_loaded(reading: Reading, remote_name: str) -> bool:
    return reading.file is not None and reading.file.remote_name == remote_name


def _is_at_work(reading: Reading, remote_name: str) -> bool:
    return reading.machine_connected and reading.operation in BUSY and _is_loaded(reading, remote_name)
