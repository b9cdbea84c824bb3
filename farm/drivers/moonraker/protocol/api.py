"""Moonraker's HTTP API as values: requests to send, and what its answers mean. No I/O, no clock.

Recorded from Moonraker 0.11.0. It passes most requests on to Klipper, which does one thing after the other:
their answer comes when it is done. Klipper's words often have several lines, and an HTTP status line can hold
only one; then Moonraker says "Unknown", and the words stand in its traceback.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from farm.drivers.base import AnswerLost, Identity, command_line, plain_number
from farm.drivers.exchange import Answer, Request, json_object, json_request, one_line
from farm.drivers.moonraker.protocol.klipper import AXES, Klipper, heater_object, homed, told
from farm.drivers.values import text_of
from farm.errors import Forbidden, Invalid, NotFound, ProtocolError, Refused

PEER = "Moonraker"
KIND = "moonraker"

AWAY = "Klipper is not running beside Moonraker, so nothing was done: look at the computer of this printer."
_JOG_MM_S = {"x": 50, "y": 50, "z": 10}  # gentle; an axis that can do less is held back by Klipper itself
_FARM_STATE = "printer_farm"  # under this name G-code modes are kept while the toolhead is jogged
_WORDS = (  # in a traceback: of the first error, or in brackets of the last
    re.compile(r"\n\S*ServerError: (.*?)\n\n\n(?:The above|During handling)", re.DOTALL),
    re.compile(r"HTTPError: HTTP \d+: [^\n(]*\((.*)\)\s*\Z", re.DOTALL),
)
WRONG_KEY = (
    "Moonraker does not take the API key: copy it from the printer's own page (in Mainsail or Fluidd: "
    "Settings), and enter it for this printer."
)


# -- requests ------------------------------------------------------------------------------------


def server_info() -> Request:
    return Request("GET", "/server/info")


def printer_info() -> Request:
    return Request("GET", "/printer/info")


def objects() -> Request:
    return Request("GET", "/printer/objects/list")


def query(wanted: Mapping[str, Sequence[str]]) -> Request:
    """Asks for the fields of Klipper's objects, by the objects' names."""
    return json_request("POST", "/printer/objects/query", {"objects": wanted})


def start(remote_name: str) -> Request:
    return json_request("POST", "/printer/print/start", {"filename": remote_name})


def pause() -> Request:
    return Request("POST", "/printer/print/pause")


def resume() -> Request:
    return Request("POST", "/printer/print/resume")


def cancel() -> Request:
    return Request("POST", "/printer/print/cancel")


def emergency_stop() -> Request:
    return Request("POST", "/printer/emergency_stop")


def firmware_restart() -> Request:
    return Request("POST", "/printer/firmware_restart")


def gcode(lines: Sequence[str]) -> Request:
    """Raises Invalid when nothing is left of the lines."""
    commands = [line for line in map(command_line, lines) if line]
    if not commands:
        raise Invalid("There is no command in these lines.", "lines")
    return json_request("POST", "/printer/gcode/script", {"script": "\n".join(commands)})


def target(heater: str, target_degc: float, klipper: Klipper) -> Request:
    """Raises Refused for a heater that `klipper` does not show, and Invalid for no temperature."""
    degc = plain_number(target_degc, "target_degc", decimals=1)
    require_there(klipper)
    name = heater_object(heater, klipper)
    if name is None:
        raise Refused(f"Klipper shows no heater {one_line(heater, 40)!r} at this printer.")
    return gcode([f"SET_HEATER_TEMPERATURE HEATER={name.split()[-1]} TARGET={degc:g}"])


def home(axes: Sequence[str]) -> Request:
    """Raises Invalid for other axes than x, y and z."""
    if not axes or any(axis not in AXES for axis in axes):
        raise Invalid("Axes are x, y and z.", "axes")
    return gcode([f"G28 {' '.join(axes).upper()}"])


def jog(x: float, y: float, z: float, klipper: Klipper) -> Request:
    """Raises Invalid when it moves nothing, or by no number, and Refused for an axis that is not homed.

    Klipper would refuse that too, but only half-way, in relative moves.
    """
    wanted = {axis: plain_number(by, axis) for axis, by in zip(AXES, (x, y, z), strict=True)}
    moves = {axis: by for axis, by in wanted.items() if by}
    if not moves:
        raise Invalid("A jog needs a distance for x, y or z.")
    if unhomed := set(moves) - homed(klipper):
        raise Refused(f"Home {' and '.join(sorted(unhomed))} first: Klipper does not know where it is.")
    lines = [f"G1 {axis.upper()}{by:g} F{60 * _JOG_MM_S[axis]}" for axis, by in moves.items()]
    keep, take = f"SAVE_GCODE_STATE NAME={_FARM_STATE}", f"RESTORE_GCODE_STATE NAME={_FARM_STATE}"
    return gcode([keep, "G91", *lines, take])


def remote_path(remote_name: str) -> str:
    """A file's path for a URL. Raises ValueError for a name that would leave its folder."""
    return f"gcodes/{quote(plain_name(remote_name), safe='')}"


def plain_name(remote_name: str) -> str:
    """Raises ValueError for a name that would leave its folder."""
    if remote_name in ("", ".", "..") or "/" in remote_name or "\\" in remote_name:
        raise ValueError(f"not a plain file name: {remote_name!r}")
    return remote_name


# -- answers -------------------------------------------------------------------------------------


def identity(answer: Answer) -> Identity:
    """Who answers /server/info. Raises Forbidden, and ProtocolError for what is no Moonraker."""
    version = text_of(result(answer).get("moonraker_version"))
    if not version:
        raise ProtocolError("This is no Moonraker: it does not tell its version.")
    return Identity(KIND, version)


def klipper_state(answer: Answer) -> Klipper:
    """How Klipper is, by Moonraker's own account of itself: it answers whatever became of Klipper."""
    return Klipper(text_of(result(answer).get("klippy_state")))


def klipper_info(answer: Answer) -> Klipper | None:
    """How Klipper is, in its own words; None where it is away."""
    found = klipper_result(answer)
    return None if found is None else Klipper(text_of(found.get("state")), told(found.get("state_message")))


def klipper_result(answer: Answer) -> dict[str, object] | None:
    """What Klipper answered to a question; None where it is away, or knows nothing yet."""
    if answer.status in (400, 404, 503) and _is_ours(answer):
        return None
    return result(answer)


def accepted(answer: Answer, remote_name: str = "") -> None:
    """Whether Klipper did a command, or has begun to.

    Raises Forbidden, NotFound, and Refused with Klipper's words: then nothing was done. Raises AnswerLost
    for any answer that leaves open whether the command is carried out.
    """
    if answer.status == 200:
        try:
            result(answer)
        except ProtocolError as error:
            raise AnswerLost(f"{error} Whether it does what was asked is unknown.") from error
        return
    if answer.status == 401:
        raise Forbidden(WRONG_KEY)
    words = reason(answer)
    if answer.status == 404 or (answer.status == 503 and "not connected" in words):
        raise Refused(AWAY)
    if not 400 <= answer.status < 500:
        raise AnswerLost(f"Moonraker answers {answer.status}: whether it does what was asked is unknown.")
    if remote_name and "Unable to open file" in words:
        raise NotFound(no_such_file(remote_name))
    if remote_name:
        raise Refused(f"Klipper does not start {remote_name}: {words}")
    raise Refused(f"Klipper refused: {words}")


def require_there(klipper: Klipper) -> None:
    """Raises Refused where Klipper is away, or has stopped the machine."""
    if klipper.state == "disconnected":
        raise Refused(AWAY)
    if klipper.state != "ready":
        raise Refused(f"Klipper is not ready: {klipper.message or klipper.state}")


def no_such_file(remote_name: str) -> str:
    return f"Moonraker does not have the file {remote_name} (any more)."


# -- pieces --------------------------------------------------------------------------------------


def result(answer: Answer, status: int = 200) -> dict[str, object]:
    """The object that an answer with the right status is about; every other status as an error.

    Results that are no objects, such as "ok", are empty.
    """
    body = good(answer, status)
    if "result" not in body:
        raise ProtocolError("This is no Moonraker: it answers in another form.")
    found = body["result"]
    return found if isinstance(found, dict) else {}


def good(answer: Answer, status: int = 200) -> dict[str, object]:
    """The body of an answer with the status it should have; every other status as an error."""
    if answer.status == status:
        return json_object(answer, PEER)
    if answer.status == 401 and _is_ours(answer):
        raise Forbidden(WRONG_KEY)
    if answer.status in (502, 503, 504):
        raise AnswerLost("Moonraker is starting, or stopped behind its web server; wait a moment.")
    if 300 <= answer.status < 400:
        raise ProtocolError("The address leads on to another one: enter the one Moonraker itself has.")
    if not _is_ours(answer):
        raise ProtocolError(f"This is no Moonraker: it answers {answer.status} to what each Moonraker knows.")
    if answer.status >= 500:
        raise ProtocolError(f"Moonraker has an error of its own ({answer.status}): {reason(answer)}")
    raise ProtocolError(f"Moonraker answers {answer.status} out of turn: {reason(answer)}")


def reason(answer: Answer) -> str:
    """Why something was refused, in the words of Klipper or Moonraker."""
    error = _error(answer)
    trace = error.get("traceback")
    for words in _WORDS:
        if isinstance(trace, str) and (in_full := words.search(trace)):
            return told(in_full[1])
    return told(error.get("message")) or "it gives no reason."


def _error(answer: Answer) -> dict[str, object]:
    try:
        error = json_object(answer, PEER).get("error")
    except ProtocolError:
        error = None
    return error if isinstance(error, dict) else {}


def _is_ours(answer: Answer) -> bool:
    """Whether an error is told as Moonraker tells it."""
    return _error(answer).get("code") == answer.status
