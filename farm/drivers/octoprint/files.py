"""The files beside an OctoPrint as values: how they come there and go, and what it remembers of their prints.

No I/O, no clock. Recorded from OctoPrint 1.11.8, where a copy takes along what is remembered of its original:
only what came after a file's `mark` tells of our own print.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from farm.domain.file import RemoteFile
from farm.domain.printer import BUSY
from farm.drivers.base import Outcome, OutcomeKind, Reading
from farm.drivers.exchange import Answer, Request, json_request, path_segment
from farm.drivers.octoprint.protocol import good, is_json, no_such_file, part, reason
from farm.drivers.values import count, seconds, shown
from farm.errors import NotFound, ProtocolError, Refused, TooLarge, WrongFileType

_MARK = re.compile(r"(\d{1,19})/(\d{1,19})")


@dataclass(frozen=True, slots=True)
class FileRecord:
    """What OctoPrint keeps about an uploaded file.

    size: bytes. sha1: None where it gives none. successes, failures: prints of it that ended;
    OctoPrint counts a cancelled print as a failure, and one cut off by its own end not at all.
    last_was_good: how the last of them ended. printed_s: seconds it took, if it was good. Both None where
    it does not say.
    """

    size: int | None
    sha1: str | None
    successes: int = 0
    failures: int = 0
    last_was_good: bool | None = None
    printed_s: float | None = None

    @property
    def mark(self) -> str:
        """What is remembered so far, for `outcome`."""
        return f"{self.successes}/{self.failures}"

    def since(self, mark: str) -> tuple[int, int]:
        """Prints that ended after `mark`: well, and badly. Below zero when all before was forgotten."""
        before = _MARK.fullmatch(mark)
        successes, failures = (int(number) for number in before.groups()) if before else (0, 0)
        return self.successes - successes, self.failures - failures

    def holds(self, size: int, sha1: str) -> bool:
        """Whether it is a file of this size and content. OctoPrint hashes what it finds, half a file too."""
        return self.size == size and self.sha1 == sha1


# -- requests ------------------------------------------------------------------------------------


def upload() -> Request:
    return Request("POST", "/api/files/local")


def file(remote_name: str) -> Request:
    return Request("GET", _path(remote_name))


def copy(source: str, remote_name: str) -> Request:
    """Raises ValueError for a name that would leave its folder."""
    path_segment(remote_name)
    return json_request("POST", _path(source), {"command": "copy", "destination": remote_name})


def delete(remote_name: str) -> Request:
    return Request("DELETE", _path(remote_name))


def start(remote_name: str) -> Request:
    return json_request("POST", _path(remote_name), {"command": "select", "print": True})


def _path(remote_name: str) -> str:
    return f"/api/files/local/{path_segment(remote_name)}"


# -- answers -------------------------------------------------------------------------------------


def uploaded(answer: Answer, remote_name: str) -> None:
    """Whether an upload was taken, under the name asked for.

    Raises Refused, WrongFileType, TooLarge when it was not.
    """
    match answer.status:
        case 409:
            raise Refused(f"OctoPrint did not take {remote_name}: a file of that name is printing.")
        case 415:
            raise WrongFileType(f"OctoPrint does not take {remote_name}: it knows no such kind of file.")
        case 413:
            raise TooLarge(f"OctoPrint does not take {remote_name}: it is larger than its settings allow.")
    body = good(answer, 201)
    _require_name(part(part(body, "files"), "local").get("path"), remote_name)
    if body.get("effectivePrint") is True:  # never asked for: the start is a command of its own
        raise ProtocolError(
            f"OctoPrint started {remote_name} by itself: switch off what prints uploads there."
        )


def copied(answer: Answer, source: str, remote_name: str) -> bool:
    """Whether the copy is made. False when it may be: there is a file of that name, or nobody can tell.

    Raises NotFound for a source that is not there, Refused when nothing is copied, and ProtocolError when it
    went elsewhere.
    """
    match answer.status:
        case 201:
            _require_name(good(answer, 201).get("path"), remote_name)
            return True
        case 404 if is_json(answer):
            raise NotFound(no_such_file(source))
        case status if 400 <= status < 500 and status != 409:
            raise Refused(f"OctoPrint does not copy {source}: {reason(answer)}")
        case _:  # 500 also when its disk is full, with half a file on it
            return False


def _require_name(path: object, remote_name: str) -> None:
    if path != remote_name:
        raise ProtocolError(f"OctoPrint stored {remote_name} under another name: {shown(path)}.")


def file_record(answer: Answer) -> FileRecord | None:
    """What OctoPrint keeps about a file; None when it has no such file."""
    if answer.status == 404 and is_json(answer):
        return None
    body = good(answer)
    prints = body.get("prints")
    history = prints if isinstance(prints, dict) else {}  # absent until a print of it ended
    last = history.get("last")
    return FileRecord(
        size=count(body.get("size")),
        sha1=sha1.lower() if isinstance(sha1 := body.get("hash"), str) else None,
        successes=count(history.get("success")) or 0,
        failures=count(history.get("failure")) or 0,
        last_was_good=last.get("success") is True if isinstance(last, dict) else None,
        printed_s=seconds(last.get("printTime")) if isinstance(last, dict) else None,
    )


def stored(record: FileRecord | None, remote_name: str, size: int, sha1: str) -> RemoteFile:
    """The file as it lies there. Raises ProtocolError unless it is the one sent, as far as OctoPrint says."""
    if record is None or record.size is None:
        raise ProtocolError(f"OctoPrint took {remote_name}, but does not show it.")
    if record.size != size:
        raise ProtocolError(f"OctoPrint stored {record.size} of the {size} bytes of {remote_name}.")
    if record.sha1 is not None and record.sha1 != sha1:
        raise ProtocolError(f"OctoPrint stored {remote_name} with other content than was sent.")
    return RemoteFile(sha1, record.mark)


def original(record: FileRecord | None, source: str, size: int, sha1: str) -> None:
    """Raises NotFound or Refused unless the file to be copied is as the farm put it there."""
    if record is None:
        raise NotFound(no_such_file(source))
    if not record.holds(size, sha1):  # people edit files on OctoPrint
        raise Refused(f"{source} has other content on OctoPrint than the farm put there.")


def deleted(answer: Answer, remote_name: str) -> None:
    """Whether the file is gone. Raises Refused while it is printing."""
    match answer.status:
        case 204:
            return
        case 404 if is_json(answer):
            return
        case 409:
            raise Refused(f"OctoPrint keeps {remote_name} while it is in use.")
    good(answer, 204)


def outcome(reading: Reading, record: FileRecord | None, remote_name: str, mark: str = "") -> Outcome:
    """How our print of a file ended, by a look at the printer and, after it, at the file's history.

    It is the first one after `mark`; what runs after its end was started at the machine.
    """
    loaded = reading.file is not None and reading.file.remote_name == remote_name
    running = loaded and reading.machine_connected and reading.operation in BUSY
    found = _ended(record, mark) if record is not None else None  # the history goes with the file
    if found is not None and found.kind is not OutcomeKind.NO_RECORD:
        return replace(found, still_runs=running)
    if running:
        return Outcome(OutcomeKind.RUNNING, f"OctoPrint is printing {remote_name}.")
    if found is None:
        return Outcome(OutcomeKind.UNKNOWN, no_such_file(remote_name))
    if loaded:  # the history comes a moment after the state
        return Outcome(OutcomeKind.UNKNOWN, "OctoPrint has it loaded, but has not noted how it ended.")
    return found


def _ended(record: FileRecord, mark: str) -> Outcome:
    match record.since(mark):
        case (0, 0):
            return Outcome(OutcomeKind.NO_RECORD, _NO_RECORD)
        case (1, 0):
            return Outcome(OutcomeKind.FINISHED, _GOOD, record.printed_s)
        case (good, 0) if good > 0:
            return Outcome(OutcomeKind.FINISHED, _GOOD)
        case (0, bad) if bad > 0:
            return Outcome(OutcomeKind.FAILED, _BAD)
        case (1, 1) if record.last_was_good is True:  # somebody printed it once more: the last is theirs
            return Outcome(OutcomeKind.FAILED, _BAD)
        case (1, 1) if record.last_was_good is False:
            return Outcome(OutcomeKind.FINISHED, _GOOD)
        case _:  # or its history was begun anew, with other content
            return Outcome(OutcomeKind.UNKNOWN, "OctoPrint remembers prints of it with different ends.")


_NO_RECORD = (
    "OctoPrint has no record of printing it: it never started, or OctoPrint itself stopped meanwhile."
)
_GOOD = "OctoPrint printed it to its end."
_BAD = "OctoPrint counts it as cancelled or failed."
