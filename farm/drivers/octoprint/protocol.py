"""OctoPrint's REST API as values: requests to send, and what its answers mean. No I/O, no clock.

Recorded from OctoPrint 1.11.8. Two rules for what a peer may get wrong: a missing or odd *reading* is
no reading, a wrong *structure* is a ProtocolError. Fields we do not know are not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct, structs

from farm.domain.printer import BUSY, Operation, Temperature
from farm.drivers.base import (
    AnswerLost,
    Identity,
    LoadedFile,
    Loss,
    Reading,
    command_line,
    plain_number,
)
from farm.drivers.exchange import Answer, Request, json_object, json_request, one_line
from farm.drivers.values import count, number, seconds, shown, text_of
from farm.errors import Forbidden, Invalid, NotFound, ProtocolError, Refused

PEER = "OctoPrint"
KIND = "octoprint"
SIMULATED_HEADER = "x-simulated-by"  # in the answer of a host that exists only in a computer, and admits it

MAX_HEATERS = 32  # 16 tools, bed, chamber and what plugins add; more is a peer gone mad
MAX_HEATER_NAME = 32
MAX_NAME = 1024  # characters of a file's path; no file system takes more
AXES = ("x", "y", "z")
API = "/api"  # what every path below begins with
_JOB = "/api/job"
_COMMAND = "/api/printer/command"
_AWAY_TEXTS = ("Offline", "Error", "Closed")  # as in "Offline after error"
# Python's own words for a broken serial line, and OctoPrint's for one that answers nothing. What is not
# among them counts as the firmware's: then nothing is taken up again without a person.
_LINK_ERROR = re.compile(
    r"[A-Z]\w+(Exception|Error|Timeout):|Too many consecutive|Could not write|No more cand"
)
_MOVING = BUSY - {Operation.PAUSED}
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


class Machine(Struct, frozen=True):
    """What /api/printer says. connected False: the print host runs, its printer is away.

    sampled: the host's mark of the newest temperatures; only useful for seeing whether it moves.
    """

    connected: bool
    operation: Operation
    text: str = ""
    temperatures: Mapping[str, Temperature] = {}
    sampled: float | None = None


@dataclass(frozen=True, slots=True)
class State:
    """How OctoPrint stands with its printer: whether it may be used, and OctoPrint's own words for it."""

    operational: bool
    operation: Operation
    text: str
    error: str


class Job(Struct, frozen=True):
    """What /api/job says: state text, error text, the selected file, and how far into it bytes were sent."""

    text: str
    error: str
    file: LoadedFile | None
    file_position: int | None = None


@dataclass(frozen=True, slots=True)
class Login:
    """A session that our key opened, for the push socket. `session` is a secret."""

    name: str
    session: str = field(repr=False)


# -- requests ------------------------------------------------------------------------------------


def version() -> Request:
    return Request("GET", "/api/version")


def log_in() -> Request:
    return json_request("POST", "/api/login", {"passive": True})


def printer() -> Request:
    return Request("GET", "/api/printer?exclude=sd&history=true&limit=1")


def job() -> Request:
    return Request("GET", _JOB)


def pause() -> Request:
    return json_request("POST", _JOB, {"command": "pause", "action": "pause"})


def resume() -> Request:
    return json_request("POST", _JOB, {"command": "pause", "action": "resume"})


def cancel() -> Request:
    return json_request("POST", _JOB, {"command": "cancel"})


def emergency_stop() -> Request:
    return json_request("POST", _COMMAND, {"command": "M112"})


def gcode(lines: Sequence[str]) -> Request:
    """Raises Invalid when nothing is left of the lines."""
    commands = [line for line in map(command_line, lines) if line]
    if not commands:
        raise Invalid("There is no command in these lines.", "lines")
    return json_request("POST", _COMMAND, {"commands": commands})


def target(heater: str, target_degc: float, machine: Machine) -> Request:
    """Raises Refused for a heater that `machine` does not show, and Invalid for no temperature.

    OctoPrint itself must not be asked: a target for tool7 heats the only tool of a printer with one.
    """
    degc = plain_number(target_degc, "target_degc", decimals=1)
    if not machine.connected:
        raise Refused("OctoPrint sets no temperature while its printer is away.")
    if heater not in machine.temperatures:
        raise Refused(f"OctoPrint shows no heater {one_line(heater, 40)!r} at this printer.")
    if heater.startswith("tool"):
        return json_request("POST", "/api/printer/tool", {"command": "target", "targets": {heater: degc}})
    if heater in ("bed", "chamber"):
        return json_request("POST", f"/api/printer/{heater}", {"command": "target", "target": degc})
    raise Refused(f"OctoPrint shows {one_line(heater, 40)!r}, but does not set it.")


def home(axes: Sequence[str]) -> Request:
    """Raises Invalid for other axes than x, y and z."""
    if not axes or any(axis not in AXES for axis in axes):
        raise Invalid("Axes are x, y and z.", "axes")
    return json_request("POST", "/api/printer/printhead", {"command": "home", "axes": list(axes)})


def jog(x: float, y: float, z: float) -> Request:
    """Raises Invalid when it moves nothing, or by no number."""
    wanted = {axis: plain_number(by, axis) for axis, by in zip(AXES, (x, y, z), strict=True)}
    moves = {axis: by for axis, by in wanted.items() if by}
    if not moves:
        raise Invalid("A jog needs a distance for x, y or z.")
    return json_request("POST", "/api/printer/printhead", {"command": "jog", "absolute": False, **moves})


def connect_machine() -> Request:
    return json_request("POST", "/api/connection", {"command": "connect"})


def disconnect_machine() -> Request:
    return json_request("POST", "/api/connection", {"command": "disconnect"})


# -- answers -------------------------------------------------------------------------------------


def identity(answer: Answer) -> Identity:
    """Who answers /api/version. Raises ProtocolError for servers that only imitate OctoPrint's API."""
    body = good(answer)
    text, server = body.get("text"), body.get("server")
    # Moonraker says "OctoPrint (Moonraker 0.11.0)", PrusaLink "PrusaLink 0.8.1".
    if not isinstance(text, str) or not re.match(r"OctoPrint \d", text):
        raise ProtocolError(f"This is no OctoPrint; it calls itself {shown(text)}.")
    name = "simulated printer" if SIMULATED_HEADER in answer.headers else ""
    return Identity(KIND, text_of(server) or text_of(text.removeprefix("OctoPrint ")), name)


def login(answer: Answer) -> Login:
    """The session that /api/login opened. Raises Forbidden when the key is not taken."""
    body = good(answer)
    name, session = body.get("name"), body.get("session")
    if not isinstance(name, str) or not isinstance(session, str):
        raise ProtocolError("OctoPrint opened no session for the key.")
    return Login(name, session)


def machine(answer: Answer) -> Machine:
    """What /api/printer says; 409 is how OctoPrint tells that its printer is away."""
    if answer.status == 409:
        return Machine(connected=False, operation=Operation.UNKNOWN)
    body = good(answer)
    given = body.get("temperature")
    samples = given.get("history") if isinstance(given, dict) else None
    newest = samples[-1] if isinstance(samples, list) and samples else None
    sampled = number(newest.get("time")) if isinstance(newest, dict) else None
    return machine_in(state_in(part(body, "state")), temperatures(given), sampled)


def state_in(state: Mapping[str, object]) -> State:
    """What a "state" part says, as REST and the push socket both have it."""
    flags, text = part(state, "flags"), text_of(state.get("text"))
    is_operational = flags.get("operational") is True
    return State(is_operational, _operation(flags, text), text, text_of(state.get("error")))


def machine_in(state: State, heaters: Mapping[str, Temperature], sampled: float | None) -> Machine:
    """The machine in this state."""
    return Machine(state.operational, state.operation, state.text, heaters, sampled)


def current_job(answer: Answer) -> Job:
    """What /api/job says; it answers while the printer is away, too."""
    body = good(answer)
    name = name_in(part(body, "job"))
    return job_in(name, body.get("progress"), text_of(body.get("state")), text_of(body.get("error")))


def name_in(job: Mapping[str, object]) -> str | None:
    """Of the selected file in a "job" part, as REST and the push socket both have it."""
    return remote_name_in(part(job, "file"))


def job_in(name: str | None, progress: object, text: str, error: str) -> Job:
    """The job with this file, as far as the "progress" part says."""
    told = progress if isinstance(progress, dict) else {}
    return Job(text, error, _loaded_file(name, told), count(told.get("filepos")))


def is_away(machine: Machine, job: Job) -> bool:
    """Whether the print host has no printer on the line."""
    return not machine.connected or job.text.startswith(_AWAY_TEXTS)


def reading(machine: Machine, job: Job, **more: Any) -> Reading:
    """One picture out of two answers, the job's the later one. more: what else the reading has."""
    if is_away(machine, job):
        loss = _loss(job.text, job.error)
        return Reading(False, Operation.UNKNOWN, job.text, job.error, {}, job.file, loss, **more)
    return Reading(True, machine.operation, machine.text, job.error, machine.temperatures, job.file, **more)


class Freshness:
    """Sees values that stand still behind an OctoPrint that goes on telling them: its printer is hung.

    OctoPrint itself gives up a silent printer only after minutes. stale_s: how long they may stand.
    """

    def __init__(self, stale_s: float) -> None:
        self._stale_s = stale_s
        self._marks: tuple[object, ...] = ()
        self._moved_at = 0.0

    def judge(self, reading: Reading, machine: Machine, job: Job, now: float) -> Reading:
        """`reading`, marked stale where it is. now: seconds of a monotonic clock."""
        marks = (reading.operation, job.file_position, machine.sampled)
        if marks != self._marks or reading.operation not in _MOVING:
            self._marks, self._moved_at = marks, now
        stood_s = now - self._moved_at
        if stood_s < self._stale_s:
            return reading
        words = (
            f"OctoPrint has had nothing new from its printer for {stood_s:.0f} s: it hangs, or is busy with "
            "one long command. Look at it."
        )
        return structs.replace(reading, stale=True, attention=words)


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
        case 404 if remote_name and is_json(answer):
            raise NotFound(no_such_file(remote_name))
        case 409 if remote_name:  # its own text speaks of printing even when the printer is away
            raise Refused(f"OctoPrint does not start {remote_name}: it is busy, or its printer is away.")
        case status if 400 <= status < 500:
            raise Refused(f"OctoPrint refused: {reason(answer)}")
        case status:
            raise AnswerLost(f"OctoPrint answered {status}: whether it does what was asked is unknown.")


# -- pieces --------------------------------------------------------------------------------------


def good(answer: Answer, status: int = 200) -> dict[str, object]:
    """The body of an answer with the status it should have; every other status as an error."""
    if answer.status == status:
        return {} if status == 204 else json_object(answer, PEER)
    if _key_refused(answer):
        raise Forbidden(_WRONG_KEY)
    if answer.status in (502, 503, 504) or (answer.status == 404 and not is_json(answer)):
        # Its stand-in while it starts knows no route, and answers 404 in plain text.
        raise AnswerLost("OctoPrint is starting, or stopped behind its web server; wait a moment.")
    if 300 <= answer.status < 400:
        raise ProtocolError("The address leads on to another one: enter the one OctoPrint itself has.")
    if answer.status >= 500:
        raise ProtocolError(f"OctoPrint has an error of its own ({answer.status}): see its log.")
    raise ProtocolError(f"OctoPrint answers {answer.status} out of turn: {reason(answer)}")


def _key_refused(answer: Answer) -> bool:
    # A POST with a wrong key is not a key's request to OctoPrint but a browser's: "CSRF validation failed".
    return answer.status in (401, 403) or (answer.status == 400 and b"CSRF" in answer.body)


def is_json(answer: Answer) -> bool:
    """Whether OctoPrint itself answers: what stands in for it while it starts speaks plain text."""
    return answer.headers.get("content-type", "").startswith("application/json")


def reason(answer: Answer) -> str:
    """OctoPrint's own words for what it refuses."""
    try:
        words = json_object(answer, PEER).get("error")
    except ProtocolError:
        words = None
    return one_line(words) if isinstance(words, str) else "it gives no reason."


def no_such_file(remote_name: str) -> str:
    return f"OctoPrint does not have the file {remote_name} (any more)."


def _operation(flags: Mapping[str, object], text: str) -> Operation:
    for flag, operation in _OPERATIONS:
        if flags.get(flag) is True:
            return Operation.PREPARING if text.startswith("Starting") else operation
    return Operation.UNKNOWN  # connecting, or sending a file to the printer's own card


def temperatures(value: object) -> dict[str, Temperature]:
    """By heater; those without any value are left out: OctoPrint has none just after connecting."""
    if not isinstance(value, dict):
        return {}
    found: dict[str, Temperature] = {}
    for heater, given in value.items():
        if not isinstance(given, dict) or len(found) == MAX_HEATERS or len(heater) > MAX_HEATER_NAME:
            continue
        actual, target = number(given.get("actual")), number(given.get("target"))
        if actual is not None or target is not None:
            found[one_line(heater)] = Temperature(actual, target)
    return found


def _loaded_file(name: str | None, progress: Mapping[str, object]) -> LoadedFile | None:
    if name is None:
        return None  # nothing selected, or the printer is away
    percent = number(progress.get("completion"))
    return LoadedFile(
        remote_name=name,
        progress=None if percent is None else min(max(percent / 100, 0.0), 1.0),
        elapsed_s=seconds(progress.get("printTime")),
        remaining_s=seconds(progress.get("printTimeLeft")),
    )


def remote_name_in(file: Mapping[str, object]) -> str | None:
    """The name of a file that OctoPrint speaks of by "path" and "origin"."""
    path, origin = file.get("path"), file.get("origin")
    if not isinstance(path, str):
        return None
    name = path[:MAX_NAME].encode("utf-8", "replace").decode()  # a lone surrogate could not be stored
    # A file on the printer's own card is none of ours, whatever its name.
    return name if origin == "local" else f"{text_of(origin)}:{name}"


def _loss(text: str, error: str) -> Loss | None:
    """Why the printer is away, by the words of OctoPrint: it has no code for it."""
    if not text.startswith(_AWAY_TEXTS):
        return None  # just connecting
    if not error and "error" not in text.lower():
        return Loss.CLOSED
    if "M112" in error:
        return Loss.EMERGENCY_STOP
    return Loss.LINK_LOST if _LINK_ERROR.match(error) else Loss.FIRMWARE_ERROR


def part(body: Mapping[str, object], name: str) -> dict[str, object]:
    """An object that has to be in a peer's message. Raises ProtocolError when it is not."""
    value = body.get(name)
    if not isinstance(value, dict):
        raise ProtocolError(f'OctoPrint sent an answer without "{name}".')
    return value
