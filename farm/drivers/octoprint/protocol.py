"""OctoPrint's REST API as values: requests to send, and what its answers mean. No I/O, no clock.

Recorded from OctoPrint 1.11.8. Two rules for what a peer may get wrong: a missing or odd *reading* is
no reading, a wrong *structure* is a ProtocolError. Fields we do not know are not looked at.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from farm.domain.printer import Operation, Temperature
from farm.drivers.base import AnswerLost, Identity, LoadedFile, Outcome, OutcomeKind, Reading
from farm.drivers.exchange import Answer, Request, json_object, json_request, one_line, path_segment
from farm.errors import Forbidden, NotFound, ProtocolError, Refused, TooLarge, WrongFileType

PEER = "OctoPrint"
KIND = "octoprint"

MAX_HEATERS = 32  # 16 tools, bed, chamber and what plugins add; more is a peer gone mad
MAX_HEATER_NAME = 32
MAX_NAME = 1024  # characters of a file's path; no file system takes more
_JOB = "/api/job"
_AWAY_TEXTS = ("Offline", "Error", "Closed")  # as in "Offline after error"
_WRONG_KEY = (
    "OctoPrint does not take the API key, or the key's user may not do this: make an application key in "
    "OctoPrint's settings for a user who may print, and enter it for this printer."
)

# What the flags mean, first match first: while it pauses, `printing` is set as well.
_OPERATIONS = (
    ("cancelling", Operation.CANCELLING),
    ("pausing", Operation.PAUSING),
    ("paused", Operation.PAUSED),
    ("resuming", Operation.RESUMING),
    ("finishing", Operation.PRINTING),
    ("printing", Operation.PRINTING),
    ("ready", Operation.IDLE),
)


@dataclass(frozen=True, slots=True)
class Machine:
    """What /api/printer says. connected False: the print host runs, its printer is away."""

    connected: bool
    operation: Operation
    text: str = ""
    temperatures: Mapping[str, Temperature] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Job:
    """What /api/job says: state text, error text, and the selected file."""

    text: str
    error: str
    file: LoadedFile | None


@dataclass(frozen=True, slots=True)
class FileRecord:
    """What OctoPrint keeps about an uploaded file.

    size: bytes. sha1: None where it gives none. successes, failures: prints of it that ended;
    OctoPrint counts a cancelled print as a failure, and one cut off by its own end not at all.
    printed_s: seconds the last good print took.
    """

    size: int | None
    sha1: str | None
    successes: int
    failures: int
    printed_s: float | None


# -- requests ------------------------------------------------------------------------------------


def version() -> Request:
    return Request("GET", "/api/version")


def printer() -> Request:
    return Request("GET", "/api/printer?exclude=sd")


def job() -> Request:
    return Request("GET", _JOB)


def upload() -> Request:
    return Request("POST", "/api/files/local")


def file(remote_name: str) -> Request:
    return Request("GET", _file_path(remote_name))


def delete(remote_name: str) -> Request:
    return Request("DELETE", _file_path(remote_name))


def start(remote_name: str) -> Request:
    return json_request("POST", _file_path(remote_name), {"command": "select", "print": True})


def pause() -> Request:
    return json_request("POST", _JOB, {"command": "pause", "action": "pause"})


def resume() -> Request:
    return json_request("POST", _JOB, {"command": "pause", "action": "resume"})


def cancel() -> Request:
    return json_request("POST", _JOB, {"command": "cancel"})


def _file_path(remote_name: str) -> str:
    return f"/api/files/local/{path_segment(remote_name)}"


# -- answers -------------------------------------------------------------------------------------


def identity(answer: Answer) -> Identity:
    """Who answers /api/version. Raises ProtocolError for servers that only imitate OctoPrint's API."""
    body = _good(answer)
    text, server = body.get("text"), body.get("server")
    # Moonraker says "OctoPrint (Moonraker 0.11.0)", PrusaLink "PrusaLink 0.8.1".
    if not isinstance(text, str) or not re.match(r"OctoPrint \d", text):
        raise ProtocolError(f"This is no OctoPrint; it calls itself {_shown(text)}.")
    return Identity(KIND, _text(server) or _text(text.removeprefix("OctoPrint ")))


def machine(answer: Answer) -> Machine:
    """What /api/printer says; 409 is how OctoPrint tells that its printer is away."""
    if answer.status == 409:
        return Machine(connected=False, operation=Operation.UNKNOWN)
    body = _good(answer)
    state = _part(body, "state")
    flags = _part(state, "flags")
    text = _text(state.get("text"))
    return Machine(
        connected=flags.get("operational") is True,
        operation=_operation(flags, text),
        text=text,
        temperatures=_temperatures(body.get("temperature")),
    )


def current_job(answer: Answer) -> Job:
    """What /api/job says; it answers while the printer is away, too."""
    body = _good(answer)
    return Job(_text(body.get("state")), _text(body.get("error")), _loaded_file(body))


def reading(machine: Machine, job: Job) -> Reading:
    """One picture out of two answers, the job's the later one."""
    if not machine.connected or job.text.startswith(_AWAY_TEXTS):
        return Reading(False, Operation.UNKNOWN, job.text, job.error, {}, job.file)
    return Reading(True, machine.operation, machine.text, job.error, machine.temperatures, job.file)


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
    body = _good(answer, 201)
    path = _part(_part(body, "files"), "local").get("path")
    if path != remote_name:
        raise ProtocolError(f"OctoPrint stored {remote_name} under another name: {_shown(path)}.")
    if body.get("effectivePrint") is True:  # never asked for: the start is a command of its own
        raise ProtocolError(
            f"OctoPrint started {remote_name} by itself: switch off what prints uploads there."
        )


def file_record(answer: Answer) -> FileRecord | None:
    """What OctoPrint keeps about a file; None when it has no such file."""
    if answer.status == 404 and _is_json(answer):
        return None
    body = _good(answer)
    prints = body.get("prints")
    history = prints if isinstance(prints, dict) else {}  # absent until a print of it ended
    last = history.get("last")
    return FileRecord(
        size=_count(body.get("size")),
        sha1=sha1 if isinstance(sha1 := body.get("hash"), str) else None,  # absent while it is analysed
        successes=_count(history.get("success")) or 0,
        failures=_count(history.get("failure")) or 0,
        printed_s=_seconds(last.get("printTime")) if isinstance(last, dict) else None,
    )


def verify(record: FileRecord | None, remote_name: str, size: int, sha1: str) -> None:
    """Raises ProtocolError unless the stored file is the one sent, as far as OctoPrint says."""
    if record is None or record.size is None:
        raise ProtocolError(f"OctoPrint took {remote_name}, but does not show it.")
    if record.size != size:
        raise ProtocolError(f"OctoPrint stored {record.size} of the {size} bytes of {remote_name}.")
    if record.sha1 is not None and record.sha1.lower() != sha1:
        raise ProtocolError(f"OctoPrint stored {remote_name} with other content than was sent.")


def accepted(answer: Answer, remote_name: str = "") -> None:
    """Whether a command was accepted; it is not done yet.

    Raises Forbidden, NotFound, and Refused with OctoPrint's reason: then nothing was done. Raises
    AnswerLost for any answer that leaves open whether the command is carried out.
    """
    match answer.status:
        case 204:
            return
        case _ if _key_refused(answer):
            raise Forbidden(_WRONG_KEY)
        case 404 if remote_name and _is_json(answer):
            raise NotFound(_no_such_file(remote_name))
        case 409 if remote_name:  # its own text speaks of printing even when the printer is away
            raise Refused(f"OctoPrint does not start {remote_name}: it is busy, or its printer is away.")
        case status if 400 <= status < 500:
            raise Refused(f"OctoPrint refused: {_reason(answer)}")
        case status:
            raise AnswerLost(f"OctoPrint answered {status}: whether it does what was asked is unknown.")


def deleted(answer: Answer, remote_name: str) -> None:
    """Whether the file is gone. Raises Refused while it is printing."""
    match answer.status:
        case 204:
            return
        case 404 if _is_json(answer):
            return
        case 409:
            raise Refused(f"OctoPrint keeps {remote_name} while it is in use.")
    _good(answer, 204)


def outcome(reading: Reading, record: FileRecord | None, remote_name: str) -> Outcome:
    """How the print of a file ended, by a look at the printer and, after it, at the file's history."""
    loaded = reading.file is not None and reading.file.remote_name == remote_name
    if loaded and reading.machine_connected and reading.operation not in (Operation.IDLE, Operation.UNKNOWN):
        return Outcome(OutcomeKind.RUNNING, f"OctoPrint is printing {remote_name}.")
    if record is None:  # the history goes with the file
        return Outcome(OutcomeKind.UNKNOWN, _no_such_file(remote_name))
    match (record.successes > 0, record.failures > 0):
        case (True, False):
            return Outcome(OutcomeKind.FINISHED, "OctoPrint printed it to its end.", record.printed_s)
        case (False, True):
            return Outcome(OutcomeKind.FAILED, "OctoPrint counts it as cancelled or failed.")
        case (True, True):  # somebody printed our file again at the host: which one was ours?
            return Outcome(
                OutcomeKind.UNKNOWN, "It was printed several times on OctoPrint, with different ends."
            )
    if loaded:  # the history is written a moment after the state has changed
        return Outcome(OutcomeKind.UNKNOWN, "OctoPrint has it loaded, but has not noted how it ended.")
    return Outcome(
        OutcomeKind.NO_RECORD,
        "OctoPrint has no record of printing it: it never started, or OctoPrint itself stopped meanwhile.",
    )


# -- pieces --------------------------------------------------------------------------------------


def _good(answer: Answer, status: int = 200) -> dict[str, object]:
    """The body of an answer with the status it should have; every other status as an error."""
    if answer.status == status:
        return {} if status == 204 else json_object(answer, PEER)
    if _key_refused(answer):
        raise Forbidden(_WRONG_KEY)
    if answer.status in (502, 503, 504) or (answer.status == 404 and not _is_json(answer)):
        # Its stand-in while it starts knows no route, and answers 404 in plain text.
        raise AnswerLost("OctoPrint is starting, or stopped behind its web server; wait a moment.")
    if 300 <= answer.status < 400:
        raise ProtocolError("The address leads on to another one: enter the one OctoPrint itself has.")
    if answer.status >= 500:
        raise ProtocolError(f"OctoPrint has an error of its own ({answer.status}): see its log.")
    raise ProtocolError(f"OctoPrint answers {answer.status} out of turn: {_reason(answer)}")


def _key_refused(answer: Answer) -> bool:
    # A POST with a wrong key is not a key's request to OctoPrint but a browser's: "CSRF validation failed".
    return answer.status in (401, 403) or (answer.status == 400 and b"CSRF" in answer.body)


def _is_json(answer: Answer) -> bool:
    return answer.headers.get("content-type", "").startswith("application/json")


def _reason(answer: Answer) -> str:
    try:
        words = json_object(answer, PEER).get("error")
    except ProtocolError:
        words = None
    return one_line(words) if isinstance(words, str) else "it gives no reason."


def _no_such_file(remote_name: str) -> str:
    return f"OctoPrint does not have the file {remote_name} (any more)."


def _operation(flags: Mapping[str, object], text: str) -> Operation:
    for flag, operation in _OPERATIONS:
        if flags.get(flag) is True:
            return Operation.PREPARING if text.startswith("Starting") else operation
    return Operation.UNKNOWN  # connecting, or sending a file to the printer's own card


def _temperatures(value: object) -> dict[str, Temperature]:
    """By heater; those without any value are left out: OctoPrint has none just after connecting."""
    if not isinstance(value, dict):
        return {}
    found: dict[str, Temperature] = {}
    for heater, given in value.items():
        if not isinstance(given, dict) or len(found) == MAX_HEATERS or len(heater) > MAX_HEATER_NAME:
            continue
        temperature = Temperature(_number(given.get("actual")), _number(given.get("target")))
        if temperature != Temperature(None, None):
            found[one_line(heater)] = temperature
    return found


def _loaded_file(body: Mapping[str, object]) -> LoadedFile | None:
    chosen = _part(_part(body, "job"), "file")
    path, origin = chosen.get("path"), chosen.get("origin")
    if not isinstance(path, str):
        return None  # nothing selected, or the printer is away
    name = path[:MAX_NAME].encode("utf-8", "replace").decode()  # a lone surrogate could not be stored
    progress = body.get("progress")
    told = progress if isinstance(progress, dict) else {}
    percent = _number(told.get("completion"))
    return LoadedFile(
        # A file on the printer's own card is none of ours, whatever its name.
        remote_name=name if origin == "local" else f"{_text(origin)}:{name}",
        progress=None if percent is None else min(max(percent / 100, 0.0), 1.0),
        elapsed_s=_seconds(told.get("printTime")),
        remaining_s=_seconds(told.get("printTimeLeft")),
    )


def _part(body: Mapping[str, object], name: str) -> dict[str, object]:
    value = body.get(name)
    if not isinstance(value, dict):
        raise ProtocolError(f'OctoPrint sent an answer without "{name}".')
    return value


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _seconds(value: object) -> float | None:
    number = _number(value)
    return number if number is not None and number >= 0 else None


def _count(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value < 2**63 else None


def _text(value: object) -> str:
    return one_line(value) if isinstance(value, str) else ""


def _shown(value: object) -> str:
    return repr(one_line(value)) if isinstance(value, str) else "nothing at all"
