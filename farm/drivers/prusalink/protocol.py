"""PrusaLink's API as values: requests to send, and what its answers mean. No I/O, no clock.

Recorded from PrusaLink 0.8.1 on an MK3; what printers that speak it themselves do otherwise is taken from
its public description. Any reading may be missing, and is then none; a wrong *structure* is a ProtocolError.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from farm.domain.printer import Operation, Position, Temperature
from farm.drivers.base import AnswerLost, Fan, Identity, Loss
from farm.drivers.exchange import Answer, Request, json_object, one_line
from farm.drivers.values import amount, count, number, seconds, shown, text_of
from farm.errors import Forbidden, NotFound, ProtocolError, Refused

PEER = "PrusaLink"
KIND = "prusalink"
API = "/api"  # what every path below begins with
MAX_NAME = 1024  # characters of a file's name; no file system takes more

FINISHED, STOPPED, ERROR, ATTENTION, BUSY = "FINISHED", "STOPPED", "ERROR", "ATTENTION", "BUSY"
_OPERATIONS = {
    "IDLE": Operation.IDLE,
    "READY": Operation.IDLE,  # somebody said so at its screen
    FINISHED: Operation.IDLE,
    STOPPED: Operation.IDLE,
    "PRINTING": Operation.PRINTING,
    "PAUSED": Operation.PAUSED,
    ATTENTION: Operation.PAUSED,  # for as long as it has a print; see `Status.operation`
    BUSY: Operation.PRINTING,
}
_ONLY_WITH_A_PRINT = frozenset({ATTENTION, BUSY})
_LINE_WORDS = ("Serial device", "RPi port")  # how PrusaLink speaks of the line to its printer
_WRONG_KEY = (
    "PrusaLink does not take the API key, or the user and password: they stand in the printer's menu under "
    "Settings, Network, PrusaLink, or were chosen when PrusaLink was set up. Enter them for this printer."
)


@dataclass(frozen=True, slots=True)
class Job:
    """The print that is on, as the status has it. id: None where PrusaLink has not read it yet."""

    id: int | None
    progress: float | None = None
    elapsed_s: float | None = None
    remaining_s: float | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """What /api/v1/status says. state: its own word. problem: what is wrong there, "" for nothing."""

    state: str
    problem: str = ""
    temperatures: Mapping[str, Temperature] = field(default_factory=dict)
    position: Position | None = None
    z_mm: float | None = None
    job: Job | None = None
    fans: Mapping[str, Fan] = field(default_factory=dict)

    @property
    def operation(self) -> Operation:
        """What the printer does; of states that may or may not have a print, as the job tells."""
        if self.state in _ONLY_WITH_A_PRINT and self.job is None:
            return Operation.UNKNOWN
        return _OPERATIONS.get(self.state, Operation.UNKNOWN)

    @property
    def loss(self) -> Loss | None:
        """Why the printer cannot be used, None while it can."""
        if self.state != ERROR:
            return None
        return Loss.LINK_LOST if self.problem.startswith(_LINE_WORDS) else Loss.FIRMWARE_ERROR


# -- requests ------------------------------------------------------------------------------------


def version() -> Request:
    return Request("GET", "/api/version")


def info() -> Request:
    return Request("GET", "/api/v1/info")


def status() -> Request:
    return Request("GET", "/api/v1/status")


def job() -> Request:
    return Request("GET", "/api/v1/job")


def pause(job: int) -> Request:
    return Request("PUT", f"/api/v1/job/{job}/pause")


def resume(job: int) -> Request:
    return Request("PUT", f"/api/v1/job/{job}/resume")


def cancel(job: int) -> Request:
    return Request("DELETE", f"/api/v1/job/{job}")


# -- answers -------------------------------------------------------------------------------------


def version_in(answer: Answer) -> str:
    """The version of whoever answers /api/version. Raises ProtocolError for other servers."""
    body = _sure(answer)
    text = body.get("text")
    # "PrusaLink 0.8.1" on a Raspberry Pi, "PrusaLink" from the printers themselves.
    if not isinstance(text, str) or text.split()[:1] != [PEER]:
        raise ProtocolError(f"This is no PrusaLink; it calls itself {shown(text)}.")
    abilities = body.get("capabilities")
    if not isinstance(abilities, dict) or abilities.get("upload-by-put") is not True:
        raise ProtocolError("This PrusaLink is too old for the farm: update it, or the printer's firmware.")
    return text_of(body.get("server")) or text_of(text.removeprefix(PEER))


def identity(version: str, answer: Answer) -> Identity:
    """Who it is. answer: of /api/v1/info, where it says the name it was given."""
    return Identity(KIND, version, text_of(good(answer).get("name")))


def status_in(answer: Answer) -> Status:
    """What /api/v1/status says."""
    body = good(answer)
    printer = body.get("printer")
    if not isinstance(printer, dict) or not isinstance(printer.get("state"), str):
        raise ProtocolError("PrusaLink sent a status without the printer's state.")
    place = [number(printer.get(f"axis_{axis}")) for axis in "xyz"]
    x, y, z = place
    return Status(
        state=one_line(printer["state"], 40),
        problem=_problem(printer.get("status_printer")),
        temperatures=_temperatures(printer),
        position=None if x is None or y is None or z is None else Position(x, y, z),
        z_mm=z,
        job=_job(body.get("job")),
        fans=_fans(printer),
    )


def job_file(answer: Answer) -> tuple[int | None, str] | None:
    """The id and the file's name of the print that is on; None where there is none."""
    if answer.status == 204:
        return None
    body = good(answer)
    file = body.get("file")
    if not isinstance(file, dict):
        raise ProtocolError("PrusaLink sent a job without its file.")
    # Printers with short names on their drives show the long one apart.
    name = next((file[key] for key in ("display_name", "name") if isinstance(file.get(key), str)), None)
    if name is None:
        raise ProtocolError("PrusaLink sent a job without its file's name.")
    return count(body.get("id")), name[:MAX_NAME].encode("utf-8", "replace").decode()


def accepted(answer: Answer) -> None:
    """Whether a command was accepted; it is not done yet.

    Raises Forbidden, NotFound, and Refused with PrusaLink's reason: then nothing was done. Raises AnswerLost
    for any answer that leaves open whether the command is carried out.
    """
    match answer.status:
        case 200 | 202 | 204:
            return
        case 401 | 403:
            raise Forbidden(_WRONG_KEY)
        case 404:
            raise NotFound("PrusaLink does not have that print or file (any more).")
        case status if 400 <= status < 500:
            raise Refused(f"PrusaLink refused: {reason(answer)}")
        case status:
            raise AnswerLost(f"PrusaLink answered {status}: whether it does what was asked is unknown.")


# -- pieces --------------------------------------------------------------------------------------


def good(answer: Answer, status: int = 200) -> dict[str, object]:
    """The body of an answer with the status it should have; every other status as an error."""
    if answer.status == status:
        return json_object(answer, PEER) if answer.body else {}
    if answer.status in (401, 403):
        raise Forbidden(_WRONG_KEY)
    if answer.status in (502, 503, 504):
        raise AnswerLost("PrusaLink is starting, or looks for its printer; wait a moment.")
    if 300 <= answer.status < 400:
        raise ProtocolError("The address leads on to another one: enter the one PrusaLink itself has.")
    if answer.status >= 500:
        raise ProtocolError(f"PrusaLink has an error of its own ({answer.status}): see its log.")
    raise ProtocolError(f"PrusaLink answers {answer.status} out of turn: {reason(answer)}")


def reason(answer: Answer) -> str:
    """PrusaLink's own words for what it refuses."""
    try:
        body = json_object(answer, PEER)
    except ProtocolError:
        body = {}
    return text_of(body.get("message")) or text_of(body.get("title")) or "it gives no reason."


def _sure(answer: Answer) -> dict[str, object]:
    """As `good`; but who refuses us counts as a PrusaLink only when it does so in its own way."""
    if answer.status in (401, 403):
        digest = answer.headers.get("www-authenticate", "").lower().startswith("digest ")
        if not digest and b"X-Api-Key" not in answer.body:
            raise ProtocolError("This is no PrusaLink: it refuses us in another way.")
    return good(answer)


def _problem(told: object) -> str:
    if not isinstance(told, dict) or told.get("ok") is not False:
        return ""
    return text_of(told.get("message")) or "it does not say what is wrong"


def _temperatures(printer: Mapping[str, object]) -> dict[str, Temperature]:
    """Those without any value are left out: at the beginning there may be none at all."""
    found = {}
    for heater, name in (("tool0", "nozzle"), ("bed", "bed")):
        actual, target = number(printer.get(f"temp_{name}")), number(printer.get(f"target_{name}"))
        if actual is not None or target is not None:
            found[heater] = Temperature(actual, target)
    return found


def _fans(printer: Mapping[str, object]) -> dict[str, Fan]:
    """What they turn; those that are not told are left out."""
    turns = {name: amount(printer.get(f"fan_{name}")) for name in ("hotend", "print")}
    return {name: Fan(rpm=rpm) for name, rpm in turns.items() if rpm is not None}


def _job(told: object) -> Job | None:
    if not isinstance(told, dict):
        return None
    percent = number(told.get("progress"))
    return Job(
        id=count(told.get("id")),
        progress=None if percent is None else min(max(percent / 100, 0.0), 1.0),
        elapsed_s=seconds(told.get("time_printing")),
        remaining_s=seconds(told.get("time_remaining")),
    )
