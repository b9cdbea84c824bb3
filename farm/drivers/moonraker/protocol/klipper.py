"""Klipper as it shows itself through Moonraker: its objects, put together from what changed, and read.

No I/O, no clock. Klipper tells everything once, and from then on only the fields that changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from farm.domain.printer import BUSY, Operation, Position, Temperature
from farm.drivers.base import Ending, EndKind, Fan, LineStatistics, LoadedFile, Loss, Reading
from farm.drivers.exchange import one_line
from farm.drivers.values import amount, count, number, seconds, text_of

MAX_HEATERS = 32  # more is a peer gone mad; so are more fans, boards and the like
MAX_NAME = 1024  # characters of a file's path; no file system takes more
MAX_OBJECT_NAME = 100  # characters
MAX_OBJECTS = 4000  # macros are objects too; large machines have some hundreds
AXES = ("x", "y", "z")

_FIELDS: Mapping[str, Sequence[str]] = {
    "webhooks": ("state", "state_message"),
    "print_stats": ("state", "filename", "message", "total_duration", "info"),
    "virtual_sdcard": ("progress",),
    "display_status": ("progress",),  # as the file says by M73, or else as the card does
    "pause_resume": ("is_paused",),
    "toolhead": ("homed_axes",),
    "gcode_move": ("gcode_position",),  # without what a bed mesh adds
}
_BUSY_BESIDE = {"idle_timeout": ("state",)}  # asked for before a start; it changes too often to be pushed
_HEATER = re.compile(r"extruder\d*|heater_bed|heater_generic .+")
_SENSOR = re.compile(r"temperature_sensor .+")
_FAN = re.compile(r"fan|(fan_generic|heater_fan|controller_fan) .+")
_BOARD = re.compile(r"mcu( .+)?")
_FILAMENT = re.compile(r"filament_(switch|motion)_sensor .+")
_TASK_S = 0.0025  # what a task on a board may take, by Klipper's own reckoning of a board's load
_MEASURED = frozenset({"temperature", "power", "speed", "rpm", "last_stats"})
"""Fields that change by themselves, without anything going on."""

_KINDS: Mapping[re.Pattern[str], Sequence[str]] = {
    _HEATER: ("temperature", "target", "power"),
    _SENSOR: ("temperature",),
    _FAN: ("speed", "rpm"),
    _BOARD: ("last_stats",),
    _FILAMENT: ("filament_detected", "enabled"),
}
"""Objects of which a Klipper may have several, and the fields to ask for."""

_OPERATIONS = {
    "printing": Operation.PRINTING,
    "paused": Operation.PAUSED,
    "standby": Operation.IDLE,
    "complete": Operation.IDLE,
    "cancelled": Operation.IDLE,
    "error": Operation.IDLE,
}
_ENDS = {
    "complete": EndKind.FINISHED,
    "cancelled": EndKind.CANCELLED,
    "standby": EndKind.CANCELLED,  # the file was put away, as some macros do
    "error": EndKind.FAILED,
}
_STOPPED_BY_HAND = re.compile(r"Shutdown due to (webhooks request|M112)")
_ADVICE = "Once the underlying issue is corrected"  # with what follows, the same for each shutdown
_CUT = "Klipper was started again in the middle of the print."

Fields = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Klipper:
    """How Klipper is. state: "ready", "startup", "error", "shutdown" or "disconnected"; message: why.

    fields: of its objects, as far as it told them; only where it is ready, or was.
    """

    state: str
    message: str = ""
    fields: Fields = field(default_factory=dict)


class Objects:
    """Klipper's objects, as they have been told piece by piece. wanted: the fields to keep, by object."""

    def __init__(self, wanted: Mapping[str, Sequence[str]]) -> None:
        self.wanted = wanted
        self._fields: dict[str, dict[str, object]] = {}

    def merge(self, told: object) -> bool:
        """Take in what changed, as far as it was asked for. Whether it is more than what is measured."""
        changed = False
        for name, fields in told.items() if isinstance(told, dict) else ():
            wanted = self.wanted.get(name, ())
            news = {key: fields[key] for key in wanted if key in fields} if isinstance(fields, dict) else {}
            if news:
                self._fields.setdefault(name, {}).update(news)
                changed = changed or not news.keys() <= _MEASURED
        return changed

    def klipper(self) -> Klipper:
        """How Klipper is, all told."""
        hooks = self._fields.get("webhooks", {})
        return Klipper(text_of(hooks.get("state")), told(hooks.get("state_message")), self._fields)


def wanted(names: object, beside: bool = False) -> dict[str, Sequence[str]]:
    """The fields to ask for, of those objects that this Klipper has.

    names: of all its objects, as it listed them. beside: also what tells whether it is busy without a print.
    """
    there = [name for name in names[:MAX_OBJECTS] if isinstance(name, str)] if isinstance(names, list) else []
    fields = {**_FIELDS, **_BUSY_BESIDE} if beside else _FIELDS
    found = {name: fields[name] for name in there if name in fields}
    heat = [name for name in there if _kind(name) in (_HEATER, _SENSOR)]
    rest = [name for name in there if _kind(name) in (_FAN, _BOARD, _FILAMENT)]
    for name in (*heat[:MAX_HEATERS], *rest[:MAX_HEATERS]):
        kind = _kind(name)
        if kind is not None:
            found[name] = _KINDS[kind]
    return found


@lru_cache(maxsize=4096)  # looked at in every reading; of a farm's printers many have the same
def _kind(name: str) -> re.Pattern[str] | None:
    """Which of _KINDS an object is; None for none of them."""
    if len(name) >= MAX_OBJECT_NAME:
        return None
    return next((kind for kind in _KINDS if kind.fullmatch(name)), None)


def reading(klipper: Klipper) -> Reading:
    """What the printer does."""
    if klipper.state != "ready":
        return Reading(
            machine_connected=False,
            operation=Operation.UNKNOWN,
            text=f"Klipper: {klipper.state}",
            error=klipper.message,
            loss=_loss(klipper),
        )
    stats, position = _object(klipper, "print_stats"), _position(klipper)
    return Reading(
        machine_connected=True,
        operation=_operation(klipper),
        text=_shown_state(klipper),
        error=told(stats.get("message")),
        temperatures=temperatures(klipper),
        file=_loaded_file(klipper),
        z_mm=None if position is None or "z" not in homed(klipper) else position.z,
        position=position if homed(klipper) >= set(AXES) else None,
        line=_line(klipper),
        duty=_duty(klipper),
        fans=_fans(klipper),
        load=_load(klipper),
        filament=_filament(klipper),
    )


def is_busy_beside(klipper: Klipper) -> bool:
    """Whether it carries out something that is no print of a file: homing, a macro, a move by hand."""
    moving = _object(klipper, "idle_timeout").get("state") == "Printing"
    return moving and _operation(klipper) not in BUSY


def homed(klipper: Klipper) -> set[str]:
    """The axes whose place is known."""
    axes = _object(klipper, "toolhead").get("homed_axes")
    return set(axes) & set(AXES) if isinstance(axes, str) else set()


def temperatures(klipper: Klipper) -> dict[str, Temperature]:
    """By the farm's names for heaters. A sensor that shows 0.0 has measured nothing yet."""
    found: dict[str, Temperature] = {}
    for name in _heaters_first(klipper):
        fields = klipper.fields[name]
        temperature = Temperature(number(fields.get("temperature")) or None, number(fields.get("target")))
        if temperature.actual is not None:
            found.setdefault(heater_name(name), temperature)
    return found


def _heaters_first(klipper: Klipper) -> list[str]:
    """The objects that have a temperature: people may call a sensor "bed", too."""
    names = [name for name in klipper.fields if _kind(name) in (_HEATER, _SENSOR)]
    return sorted(names, key=lambda name: (_kind(name) is _SENSOR, " " in name))


def heater_name(name: str) -> str:
    """The farm's name for one of Klipper's heaters or sensors."""
    if name == "heater_bed":
        return "bed"
    if name.startswith("extruder"):
        return f"tool{name.removeprefix('extruder') or 0}"
    return one_line(name.partition(" ")[2], 40)


def heater_object(heater: str, klipper: Klipper) -> str | None:
    """Klipper's object for a heater by the farm's name; None where there is none."""
    for name in _heaters_first(klipper):
        if _HEATER.fullmatch(name) and heater_name(name) == heater:
            return name
    return None


def told(words: object) -> str:
    """What Klipper says, without its standing advice, on one line; "" for anything else."""
    return one_line(words.partition(_ADVICE)[0]) if isinstance(words, str) else ""


class Prints:
    """The prints of one printer as they come and go, and how the last of them ended."""

    def __init__(self) -> None:
        self.ended: Ending | None = None
        self._running: LoadedFile | None = None
        self._rested_on: str | None = None  # the file that was loaded when it was last seen at rest
        self._is_cut = False  # Klipper was away in the middle of it

    def follow(self, klipper: Klipper) -> None:
        """Take in how it is now."""
        if klipper.state in ("startup", "disconnected"):
            self._is_cut = self._is_cut or self._running is not None
            return
        file = _loaded_file(klipper)
        at_work = klipper.state == "ready" and file is not None and _operation(klipper) in BUSY
        # Taken up, and its first line is still to come: shown only when Klipper is asked right then.
        just_loaded = klipper.state == "ready" and file is not None and _shown_state(klipper) == "standby"
        if self._running is not None and not (at_work and self._goes_on(self._running, file)):
            if not at_work:  # else another print came over it so soon that nobody saw the end
                self._end(self._running, klipper, file)
            self._running = None
        elif file is not None and not (at_work or just_loaded or self._has_rested_on(file)):
            self._end(file, klipper, file)  # it was over before it was seen
        if at_work and self._running is None:
            self.ended = None
        if not (at_work or just_loaded):
            self._rested_on = file.remote_name if file is not None else ""
        self._running, self._is_cut = file if at_work else None, False

    def _has_rested_on(self, file: LoadedFile) -> bool:
        """Whether this file was there already, or may have been: before the first look anything may."""
        return self._rested_on in (None, file.remote_name)

    def _goes_on(self, running: LoadedFile, file: LoadedFile | None) -> bool:
        if file is None or file.remote_name != running.remote_name:
            return False
        return (file.elapsed_s or 0.0) >= (running.elapsed_s or 0.0)

    def _end(self, running: LoadedFile, klipper: Klipper, file: LoadedFile | None) -> None:
        stats, state, name = _object(klipper, "print_stats"), _shown_state(klipper), running.remote_name
        same = file is not None and file.remote_name == name
        printed_s = (file.elapsed_s if file is not None and same else None) or running.elapsed_s
        if klipper.state != "ready":
            self.ended = Ending(name, EndKind.FAILED, klipper.message, printed_s)
        elif self._is_cut and state == "standby":
            self.ended = Ending(name, EndKind.FAILED, _CUT, printed_s)
        elif state in _ENDS and (same or file is None):
            self.ended = Ending(name, _ENDS[state], told(stats.get("message")), printed_s)


# -- pieces --------------------------------------------------------------------------------------


def _object(klipper: Klipper, name: str) -> Mapping[str, object]:
    return klipper.fields.get(name, {})


def _shown_state(klipper: Klipper) -> str:
    return text_of(_object(klipper, "print_stats").get("state"))


def _operation(klipper: Klipper) -> Operation:
    found = _OPERATIONS.get(_shown_state(klipper), Operation.UNKNOWN)
    pausing = _object(klipper, "pause_resume").get("is_paused") is True
    return Operation.PAUSING if pausing and found is Operation.PRINTING else found


def _loaded_file(klipper: Klipper) -> LoadedFile | None:
    stats = _object(klipper, "print_stats")
    name = stats.get("filename")
    if not isinstance(name, str) or not name:
        return None
    shown, card = _object(klipper, "display_status"), _object(klipper, "virtual_sdcard")
    progress = number(shown.get("progress", card.get("progress")))
    info = stats.get("info")  # as slicers tell it by SET_PRINT_STATS_INFO
    layers = info if isinstance(info, dict) else {}
    return LoadedFile(
        remote_name=name[:MAX_NAME].encode("utf-8", "replace").decode(),  # no lone surrogate can be stored
        progress=None if progress is None else min(max(progress, 0.0), 1.0),
        elapsed_s=seconds(stats.get("total_duration")),
        layer=count(layers.get("current_layer")),
        layers=count(layers.get("total_layer")),
    )


def _position(klipper: Klipper) -> Position | None:
    place = _object(klipper, "gcode_move").get("gcode_position")
    if not isinstance(place, list) or len(place) < 3:
        return None
    x, y, z = (number(value) for value in place[:3])
    return None if x is None or y is None or z is None else Position(x, y, z)


def _line(klipper: Klipper) -> LineStatistics | None:
    """Of the line to the main board, in bytes."""
    stats = _last_stats(_object(klipper, "mcu"))
    sent, resent = count(stats.get("bytes_write")), count(stats.get("bytes_retransmit"))
    return None if sent is None or resent is None else LineStatistics(sent, resent)


def _duty(klipper: Klipper) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, fields in klipper.fields.items():
        power = number(fields.get("power")) if _kind(name) is _HEATER else None
        if power is not None:
            found[heater_name(name)] = min(max(power, 0.0), 1.0)
    return found


def _fans(klipper: Klipper) -> dict[str, Fan]:
    """By what people called them; the one that cools the print is "fan"."""
    found: dict[str, Fan] = {}
    for name, fields in klipper.fields.items():
        if _kind(name) is _FAN:
            speed, rpm = number(fields.get("speed")), amount(fields.get("rpm"))
            if speed is not None or rpm is not None:
                found.setdefault(_own_name(name), Fan(speed, rpm))
    return found


def _load(klipper: Klipper) -> dict[str, float]:
    """Mean of a board's task times and three standard deviations, as Klipper's own graphs show it."""
    found: dict[str, float] = {}
    for name, fields in klipper.fields.items():
        if _kind(name) is _BOARD:
            stats = _last_stats(fields)
            mean, spread = number(stats.get("mcu_task_avg")), number(stats.get("mcu_task_stddev"))
            if mean is not None and spread is not None:
                found.setdefault(_own_name(name), (mean + 3 * spread) / _TASK_S)
    return found


def _filament(klipper: Klipper) -> dict[str, bool]:
    """Of the sensors that are switched on, whether each sees filament, or sees it move where it should."""
    found: dict[str, bool] = {}
    for name, fields in klipper.fields.items():
        if _kind(name) is _FILAMENT and fields.get("enabled") is True:
            detected = fields.get("filament_detected")
            if isinstance(detected, bool):
                found.setdefault(_own_name(name), detected)
    return found


def _own_name(name: str) -> str:
    """What people called an object, or what it is where they could not."""
    return one_line(name.partition(" ")[2] or name, 40)


def _last_stats(fields: Mapping[str, object]) -> Mapping[str, object]:
    stats = fields.get("last_stats")
    return stats if isinstance(stats, dict) else {}


def _loss(klipper: Klipper) -> Loss | None:
    """Why the printer is away; None while it is only starting."""
    match klipper.state:
        case "disconnected":
            return Loss.LINK_LOST
        case "shutdown" if _STOPPED_BY_HAND.match(klipper.message):
            return Loss.EMERGENCY_STOP
        case "shutdown" | "error":
            return Loss.FIRMWARE_ERROR
        case _:
            return None
