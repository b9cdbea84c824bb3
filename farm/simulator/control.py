"""The switches of a simulated fleet, as JSON under /control/: faults, restarts, and what was counted."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any, Protocol, TypeAlias, TypeVar

import msgspec

from farm.domain.printer import FASTEST, SLOWEST
from farm.drivers.exchange import Answer
from farm.simulator.faults import Manner, Swallow
from farm.simulator.host import Json
from farm.simulator.station import Station

_T = TypeVar("_T")
_Seconds: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]


class Add(msgspec.Struct, forbid_unknown_fields=True):
    """POST /control/printers. speed: how much faster than real time it lives. dialect: see DIALECTS."""

    id: str | None = None
    dialect: str = "octoprint"
    speed: Annotated[float, msgspec.Meta(ge=SLOWEST, le=FASTEST)] | None = None
    seed: int | None = None
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    faults: Change | None = None


class Change(msgspec.Struct, forbid_unknown_fields=True):
    """PATCH /control/printers/ID, and the `faults` of a new printer: what is left out stays as it is.

    gives_up_after_s, end_shows_s: see `Host`. stamped: whether each push carries a fresh reading that says
    when it was taken, see `stamp`.
    """

    manner: Manner | None = None
    slow_ms: Annotated[int, msgspec.Meta(ge=0, le=600_000)] | None = None
    flood_per_s: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] | None = None
    swallow: Swallow | None = None
    stamped: bool | None = None
    emergency_parser: bool | None = None
    gives_up_after_s: _Seconds | None = None
    end_shows_s: _Seconds | None = None
    mishaps: Annotated[tuple[Mishap, ...], msgspec.Meta(max_length=8)] | None = None


class What(StrEnum):
    """What can be made to happen once."""

    RESTART = "restart"
    GO_AWOL = "go_awol"
    COME_BACK = "come_back"
    DROP_CONNECTION = "drop_connection"
    FIRMWARE_ERROR = "firmware_error"
    CONNECT = "connect"
    FILAMENT_OUT = "filament_out"
    FILAMENT_IN = "filament_in"
    HEATER_FAILS = "heater_fails"


class Do(msgspec.Struct, forbid_unknown_fields=True):
    """POST /control/printers/ID/do. down_s: how long a restart takes."""

    what: What
    down_s: _Seconds = 1.0


class Mishap(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Something that befalls a printer again and again, after every_s seconds on average.

    for_s: how long it is away after a restart, answers nothing when it went awol, or waits for filament.
    """

    what: What
    every_s: Annotated[float, msgspec.Meta(ge=1, le=1_000_000)]
    for_s: _Seconds = 30.0


class Fleet(Protocol):
    """The stations there are."""

    stations: dict[str, Station]

    def add(self, wish: Add) -> Station:
        """Raises OSError when the port is taken, ValueError when the id is or the dialect is not known."""
        ...

    def remove(self, id: str) -> None: ...

    def befall(self, station: Station, mishaps: tuple[Mishap, ...]) -> None:
        """From now on these befall it, and no others."""
        ...

    def soon(self, what: Callable[..., Any], *arguments: Any) -> None:
        """Runs an async function beside."""
        ...


def control(fleet: Fleet, method: str, path: str, body: bytes, now: float) -> Answer:
    """Does what a request to the control port asks."""
    match method, path.strip("/").split("/"):
        case "GET", ["control", "printers"]:
            return _json({"printers": [described(station) for station in fleet.stations.values()]})
        case "GET", ["control", "traffic"]:
            return _json(_traffic(fleet))
        case "POST", ["control", "printers"]:
            return _add(fleet, body)
        case verb, ["control", "printers", id, *rest] if id in fleet.stations:
            return _one(fleet, fleet.stations[id], verb, rest, body, now)
        case _:
            return _wrong(404, "there is no such printer or switch")


def _one(fleet: Fleet, station: Station, verb: str, rest: list[str], body: bytes, now: float) -> Answer:
    match verb, rest:
        case "GET", []:
            return _json(described(station))
        case "PATCH", []:
            return _given(body, Change, lambda change: _change(fleet, station, change))
        case "DELETE", []:
            fleet.remove(station.id)
            return Answer(204)
        case "POST", ["do"]:
            return _given(body, Do, lambda wish: _json(do(fleet, station, wish, now)))
        case _:
            return _wrong(405, "this is no switch of a printer")


def described(station: Station) -> Json:
    """All about one printer, for programs."""
    host, faults = station.host, station.faults
    counted = host.counted
    return {
        "id": station.id,
        "dialect": host.kind,
        "url": station.url,
        "api_key": host.api_key,
        "state": host.text,
        "manner": faults.manner,
        "slow_ms": faults.slow_ms,
        "flood_per_s": faults.flood_per_s,
        "swallow": faults.swallow,
        "requests": counted.requests,
        "pushed": counted.pushed,
        "starts": dict(counted.starts),
        "finished": dict(counted.finished),
        "uploads": dict(counted.uploads),
        "copies": dict(counted.copies),
        "commands": dict(counted.commands),
        "stopped_at": counted.stopped_at,
        "files": {
            file.name: {"successes": file.successes, "failures": file.failures}
            for file in host.files.values()
        },
    }


def _traffic(fleet: Fleet) -> Json:
    """What all printers together were asked, and pushed."""
    counted = [station.host.counted for station in fleet.stations.values()]
    return {"requests": sum(one.requests for one in counted), "pushed": sum(one.pushed for one in counted)}


def _add(fleet: Fleet, body: bytes) -> Answer:
    def add(wish: Add) -> Answer:
        try:
            station = fleet.add(wish)
            _change(fleet, station, wish.faults or Change())
            return _json(described(station), 201)
        except (OSError, ValueError) as error:
            return _wrong(409, str(error))

    return _given(body, Add, add)


def _change(fleet: Fleet, station: Station, change: Change) -> Answer:
    station.misbehave(change.manner, change.slow_ms, change.flood_per_s, change.swallow)
    if change.emergency_parser is not None:
        station.host.machine.emergency_parser = change.emergency_parser
    if change.gives_up_after_s is not None:
        station.host.gives_up_after_s = change.gives_up_after_s
    if change.end_shows_s is not None:
        station.host.end_shows_s = change.end_shows_s
    if change.stamped is not None:
        station.host.stamped = change.stamped
    if change.mishaps is not None:
        fleet.befall(station, change.mishaps)
    return _json(described(station))


def do(fleet: Fleet, station: Station, wish: Do, now: float) -> Json:
    """Lets something happen to a printer; all about it afterwards."""
    host = station.host
    host.tick(now)
    match wish.what:
        case What.RESTART:
            station.go_down()
            fleet.soon(station.come_back, wish.down_s)
        case What.GO_AWOL:
            host.go_awol(now)
        case What.COME_BACK:
            host.come_back(now)
        case What.DROP_CONNECTION:
            host.lose_line(now)
        case What.FIRMWARE_ERROR:
            host.break_down(now)
        case What.CONNECT:
            host.connect(now)
        case What.FILAMENT_OUT:
            host.run_out(now)
        case What.FILAMENT_IN:
            host.be_tended(now)
        case What.HEATER_FAILS:
            host.machine.lose_heat(now)
    station.touched()
    return described(station)


def _given(body: bytes, kind: type[_T], then: Callable[[_T], Answer]) -> Answer:
    try:
        wish = msgspec.json.decode(body or b"{}", type=kind)
    except msgspec.DecodeError as error:
        return _wrong(422, str(error))
    return then(wish)


def _json(body: object, status: int = 200) -> Answer:
    return Answer(status, {"content-type": "application/json"}, msgspec.json.encode(body))


def _wrong(status: int, words: str) -> Answer:
    return _json({"error": words}, status)
