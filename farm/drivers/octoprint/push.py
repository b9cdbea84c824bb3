"""OctoPrint's push socket as values: its messages in, readings and our answers out. No I/O, no clock.

Recorded from OctoPrint 1.11.8. It greets, stays silent until it knows who we are, and then sends the whole
state, with only the new temperatures, and events in between: twice a second while anything comes from its
printer, and nothing at all while nothing does. Silence is then no sign of a lost link, nor of a calm printer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw, Struct, structs

from farm.domain.printer import Position, Temperature
from farm.drivers.base import Ending, EndKind, LineStatistics, Reading
from farm.drivers.exchange import opened
from farm.drivers.octoprint import protocol
from farm.drivers.octoprint.protocol import PEER, Freshness, Job, Login, Machine, part
from farm.drivers.values import Remembered, count, number, seconds, text_of
from farm.errors import ProtocolError

PATH = "/sockjs/websocket"  # the raw one; /sockjs/<server>/<session>/websocket wraps each message in a frame
MAX_LOGINS = 2  # anew, without a message of state in between: then our session is never taken

AT_WORK, AT_REST = 1, 4
"""Half seconds between two pictures of the state: idle printers would cost as much as busy ones."""

_EVENTS = ("PrinterStateChanged", "PrintStarted", "PrintResumed", "PrintPaused", "PositionUpdate")
_ENDS = {"PrintDone": EndKind.FINISHED, "PrintCancelled": EndKind.CANCELLED, "PrintFailed": EndKind.FAILED}


class _Picture(Struct, gc=False):
    """What of a picture of the state is looked at. Parts that seldom change stay as they were written."""

    state: Raw
    job: Raw
    progress: Any = None
    temps: Any = None
    resends: Any = None
    z_mm: Any = msgspec.field(default=None, name="currentZ")


class _Usual(Struct, forbid_unknown_fields=True):
    """What nearly all messages are."""

    current: _Picture


_USUAL = msgspec.json.Decoder(_Usual)


class LoginWanted:
    """OctoPrint has forgotten our session: log in and send `authentication`."""


class StateChanged:
    """OctoPrint says that its state changed; the picture of it may be held back, see `pace`."""


def subscription() -> str:
    """Asks for the state without the lines of the terminal, and for the events we look at.

    It is answered with a whole picture, also when it is asked for again.
    """
    wanted = {"state": {"logs": False, "messages": False}, "events": [*_EVENTS, *_ENDS], "plugins": False}
    return json.dumps({"subscribe": wanted})


def pace(half_seconds: int) -> str:
    """Asks for one picture of the state in so many half seconds; what came in between is in the next."""
    return json.dumps({"throttle": half_seconds})


def authentication(login: Login) -> str:
    """Tells who we are; a secret."""
    return json.dumps({"auth": f"{login.name}:{login.session}"})


class Session:
    """One connection's talk: what the printer showed and how its prints ended, as far as it was pushed."""

    def __init__(self, stale_s: float) -> None:
        """stale_s: how long values may stand still while the printer works, in seconds."""
        self._logins = 0
        self._temperatures: dict[str, Temperature] = {}
        self._sampled: float | None = None
        self._ended: Ending | None = None
        self._position: Position | None = None
        self._z_mm: float | None = None
        self._state_in, self._name_in = Remembered(_state), Remembered(_name)
        self._line_in = Remembered(_line)
        self._line: LineStatistics | None = None
        self._last: Reading | None = None
        self._freshness = Freshness(stale_s)

    def receive(self, message: str, now: float) -> Reading | LoginWanted | StateChanged | None:
        """What a message asks for or shows; None for what is of no use to us.

        now: seconds of a monotonic clock. Raises ProtocolError for what OctoPrint does not say.
        """
        picture = _usual(message)
        if picture is not None:
            return self._pushed(picture, now)
        for kind, payload in _opened(message).items():
            match kind:
                case "reauthRequired":
                    return self._forgotten()
                case "history" | "current" if isinstance(payload, dict):
                    return self._pushed(_picture(payload), now)
                case "event" if isinstance(payload, dict):
                    return self._happened(payload.get("type"), payload.get("payload"))
        return None

    def looked(self, machine: Machine, job: Job, now: float) -> Reading:
        """A reading made of what OctoPrint answered when it was asked, because it pushed nothing."""
        if machine.temperatures:
            self._temperatures, self._sampled = dict(machine.temperatures), machine.sampled
        return self._reading(machine, job, now)

    def _forgotten(self) -> LoginWanted:
        self._logins += 1
        if self._logins > MAX_LOGINS:
            raise ProtocolError("OctoPrint forgets our session again and again: restart it.")
        return LoginWanted()

    def _pushed(self, picture: _Picture, now: float) -> Reading:
        self._logins = 0
        self._sample(picture.temps)
        self._line = self._line_in(picture.resends)
        self._z_mm = number(picture.z_mm)
        state = self._state_in(picture.state)
        machine = protocol.machine_in(state, self._temperatures, self._sampled)
        name = self._name_in(picture.job)
        job = protocol.job_in(name, picture.progress, state.text, state.error)
        return self._reading(machine, job, now)

    def _reading(self, machine: Machine, job: Job, now: float) -> Reading:
        if protocol.is_away(machine, job):  # whatever comes back then is measured anew
            self._temperatures, self._position, self._z_mm = {}, None, None
        more = {"ended": self._ended, "line": self._line, "z_mm": self._z_mm, "position": self._position}
        seen = protocol.reading(machine, job, **more)
        self._last = self._freshness.judge(seen, machine, job, now)
        return self._last

    def _sample(self, samples: object) -> None:
        """Keep the newest sample; one without heaters only says that OctoPrint looked."""
        newest = samples[-1] if isinstance(samples, list) and samples else None
        if not isinstance(newest, dict):
            return
        found = protocol.temperatures(newest)
        if found:
            self._temperatures = found
            self._sampled = number(newest.get("time"))

    def _happened(self, event: object, payload: object) -> Reading | StateChanged | None:
        if not isinstance(payload, dict):
            return None
        match event:
            case "PrinterStateChanged":
                return StateChanged()
            case "PrintStarted":
                self._ended = self._position = None
            case "PrintResumed":
                self._position = None
            case "PrintPaused":
                self._place(payload.get("position"))
            case "PositionUpdate":
                self._place(payload)
            case "PrintDone" | "PrintCancelled" | "PrintFailed":
                return self._end(_ENDS[event], payload)
        return None

    def _place(self, given: object) -> None:
        if isinstance(given, dict):
            x, y, z = (number(given.get(axis)) for axis in protocol.AXES)
            if x is not None and y is not None and z is not None:
                self._position = Position(x, y, z)

    def _end(self, kind: EndKind, payload: Mapping[str, object]) -> Reading | None:
        """The end of a print may come after the last push of state for a while, so it is a reading too."""
        name = protocol.remote_name_in(payload)
        if name is None or (self._ended is not None and self._ended.remote_name == name):
            return None  # a cancelled print is told twice, as cancelled and as failed: one print has one end
        if payload.get("reason") == "cancelled":
            kind = EndKind.CANCELLED
        words, printed_s = text_of(payload.get("error")), seconds(payload.get("time"))
        self._ended = Ending(name, kind, words, printed_s)
        if self._last is not None:
            self._last = structs.replace(self._last, ended=self._ended)
        return self._last


def _usual(message: str) -> _Picture | None:
    """The picture in a message that is one and is well written; `_opened` finds what else it may be."""
    try:
        return _USUAL.decode(message).current
    except (msgspec.DecodeError, RecursionError):
        return None


def _picture(payload: Mapping[str, object]) -> _Picture:
    """Raises ProtocolError when a part is missing."""
    return _Picture(
        _written(part(payload, "state")),
        _written(part(payload, "job")),
        payload.get("progress"),
        payload.get("temps"),
        payload.get("resends"),
        payload.get("currentZ"),
    )


def _written(value: Mapping[str, object]) -> Raw:
    return Raw(json.dumps(value).encode())


def _state(written: Raw) -> protocol.State:
    return protocol.state_in(_part("state", written))


def _name(written: Raw) -> str | None:
    return protocol.name_in(_part("job", written))


def _part(name: str, written: Raw) -> dict[str, object]:
    return part(_opened(b'{"%s":%s}' % (name.encode(), bytes(written))), name)


def _opened(message: bytes | str) -> dict[str, object]:
    return opened(message, f"{PEER} pushes", "what is not JSON")


def _line(resends: object) -> LineStatistics | None:
    if not isinstance(resends, dict):
        return None
    sent, resent = count(resends.get("transmitted")), count(resends.get("count"))
    return None if sent is None or resent is None else LineStatistics(sent, resent)
