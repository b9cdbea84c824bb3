"""Klipper's printer objects, as far as a client looks at them: each as it stands at a moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from farm.simulator.host import Json
from farm.simulator.machine import Activity
from farm.simulator.moonraker.klippy import MAX_BED_DEGC, MAX_NOZZLE_DEGC, VOLUME_MM, Printing, State

if TYPE_CHECKING:
    from farm.simulator.moonraker.host import MoonrakerHost

_VELOCITY, _ACCELERATION = 300.0, 3000.0

Look: TypeAlias = Callable[["MoonrakerHost", float], Json]


@dataclass(frozen=True, slots=True)
class PrinterObject:
    """One object. lively: whether it changes without anything happening at the printer, by time or noise."""

    look: Look
    lively: bool = False


def _webhooks(host: MoonrakerHost, now: float) -> Json:
    return {"state": str(host.klippy.state), "state_message": host.klippy.message}


def _print_stats(host: MoonrakerHost, now: float) -> Json:
    klippy = host.klippy
    stats = klippy.stats
    return {
        "filename": stats.filename,
        "total_duration": klippy.total_s(now),
        "print_duration": klippy.print_s(now),
        "filament_used": klippy.filament_mm,
        "state": str(stats.state),
        "message": stats.message,
        "info": {"total_layer": None, "current_layer": None},
    }


def progress(host: MoonrakerHost) -> float:
    """How much of the file has been read: 0..1."""
    stats = host.klippy.stats
    return file_position(host) / stats.size if stats.size else 0.0


def file_position(host: MoonrakerHost) -> int:
    stats = host.klippy.stats
    return host.machine.read_bytes if host.klippy.printing else stats.file_position


def _virtual_sdcard(host: MoonrakerHost, now: float) -> Json:
    klippy = host.klippy
    loaded = klippy.printing
    return {
        "file_path": f"{host.root}/{klippy.stats.filename}" if loaded else None,
        "progress": progress(host),
        "is_active": klippy.stats.state is Printing.PRINTING,
        "file_position": file_position(host),
        "file_size": klippy.stats.size,
    }


def _display_status(host: MoonrakerHost, now: float) -> Json:
    return {"progress": progress(host), "message": host.klippy.display or None}


def _pause_resume(host: MoonrakerHost, now: float) -> Json:
    return {"is_paused": host.klippy.paused}


def _idle_timeout(host: MoonrakerHost, now: float) -> Json:
    busy = host.machine.works(now)
    return {
        "state": "Printing" if busy else "Ready",
        "printing_time": host.klippy.total_s(now) if busy else 0.0,
    }


def _extruder(host: MoonrakerHost, now: float) -> Json:
    actual, target, power = host.heat(now)["tool0"]
    return {
        "temperature": actual,
        "target": target,
        "power": power,
        "can_extrude": actual >= 170.0,
        "pressure_advance": 0.0,
        "smooth_time": 0.04,
        "motion_queue": None,
    }


def _heater_bed(host: MoonrakerHost, now: float) -> Json:
    actual, target, power = host.heat(now)["bed"]
    return {"temperature": actual, "target": target, "power": power}


def _heaters(host: MoonrakerHost, now: float) -> Json:
    names = ["heater_bed", "extruder"]
    return {"available_heaters": names, "available_sensors": names, "available_monitors": []}


def _fan(host: MoonrakerHost, now: float) -> Json:
    return {"speed": host.machine.fan, "rpm": None}


def _filament_sensor(host: MoonrakerHost, now: float) -> Json:
    return {"filament_detected": host.has_filament, "enabled": True}


def _toolhead(host: MoonrakerHost, now: float) -> Json:
    return {
        "homed_axes": "".join(sorted(host.klippy.homed)),
        "axis_minimum": [0.0, 0.0, 0.0, 0.0],
        "axis_maximum": [*VOLUME_MM, 0.0],
        "print_time": now - host.booted,
        "stalls": 0,
        "estimated_print_time": now - host.booted,
        "extruder": "extruder",
        "position": [*host.machine.position, host.machine.extruded],
        "max_velocity": _VELOCITY,
        "max_accel": _ACCELERATION,
        "minimum_cruise_ratio": 0.5,
        "square_corner_velocity": 5.0,
    }


def _gcode_move(host: MoonrakerHost, now: float) -> Json:
    place = [*host.machine.position, host.machine.extruded]
    return {
        "speed_factor": 1.0,
        "speed": host.machine.feed_mm_s * 60,
        "extrude_factor": 1.0,
        "absolute_coordinates": True,
        "absolute_extrude": True,
        "homing_origin": [0.0, 0.0, 0.0, 0.0],
        "position": place,
        "gcode_position": place,
    }


def _motion_report(host: MoonrakerHost, now: float) -> Json:
    moves = host.machine.activity is Activity.RUNNING and not host.machine.waits_for_heat
    return {
        "live_position": [*host.machine.position, host.machine.extruded],
        "live_velocity": host.machine.feed_mm_s if moves else 0.0,
        "live_extruder_velocity": 0.0,
        "steppers": ["extruder", "stepper_x", "stepper_y", "stepper_z"],
        "trapq": ["extruder", "toolhead"],
    }


def _system_stats(host: MoonrakerHost, now: float) -> Json:
    return {"sysload": 0.21, "cputime": round(0.02 * (now - host.booted), 3), "memavail": 850_000}


def _mcu(host: MoonrakerHost, now: float) -> Json:
    return {
        "mcu_version": "v0.12.0-simulated",
        "mcu_build_versions": "gcc: (simulated)",
        "mcu_constants": {"CLOCK_FREQ": 72_000_000, "MCU": "simulated"},
        "last_stats": {
            "mcu_awake": 0.004,
            "mcu_task_avg": 0.000012,
            "mcu_task_stddev": 0.000011,
            "bytes_write": 1000 + 40 * host.machine.lines,
            "bytes_read": 2000 + 20 * host.machine.lines,
            "bytes_retransmit": 9,
            "freq": 72_000_123,
        },
    }


def _configfile(host: MoonrakerHost, now: float) -> Json:
    heater = {"min_temp": 0.0, "control": "pid"}
    settings: dict[str, Json] = {
        "extruder": {
            **heater,
            "max_temp": MAX_NOZZLE_DEGC,
            "nozzle_diameter": 0.4,
            "min_extrude_temp": 170.0,
        },
        "heater_bed": {**heater, "max_temp": MAX_BED_DEGC},
        "printer": {"kinematics": "cartesian", "max_velocity": _VELOCITY, "max_accel": _ACCELERATION},
        "virtual_sdcard": {"path": str(host.root)},
    }
    config = {name: {key: str(value) for key, value in part.items()} for name, part in settings.items()}
    return {
        "config": config,
        "settings": settings,
        "warnings": [],
        "save_config_pending": False,
        "save_config_pending_items": {},
    }


OBJECTS: Mapping[str, PrinterObject] = {
    "webhooks": PrinterObject(_webhooks),
    "configfile": PrinterObject(_configfile),
    "mcu": PrinterObject(_mcu),
    "heaters": PrinterObject(_heaters),
    "heater_bed": PrinterObject(_heater_bed, lively=True),
    "extruder": PrinterObject(_extruder, lively=True),
    "fan": PrinterObject(_fan),
    "filament_switch_sensor switch": PrinterObject(_filament_sensor),
    "gcode_move": PrinterObject(_gcode_move),
    "print_stats": PrinterObject(_print_stats),
    "virtual_sdcard": PrinterObject(_virtual_sdcard),
    "display_status": PrinterObject(_display_status),
    "pause_resume": PrinterObject(_pause_resume),
    "idle_timeout": PrinterObject(_idle_timeout, lively=True),
    "motion_report": PrinterObject(_motion_report),
    "system_stats": PrinterObject(_system_stats, lively=True),
    "toolhead": PrinterObject(_toolhead, lively=True),
}
"""By Klipper's names. Whoever asks for another gets an empty one."""


def exists(host: MoonrakerHost, name: str) -> bool:
    """Whether Klipper shows this object now: while it starts up it shows only how it is."""
    return name in OBJECTS and (host.klippy.state is not State.STARTUP or name == "webhooks")
