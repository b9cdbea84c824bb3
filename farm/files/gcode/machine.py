"""What a printer's firmware allows: speeds, accelerations and how fast it goes round a corner."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import IntEnum

from farm.domain.analysis import Box
from farm.files.slicers.remarks import Remarks, number, numbers

Axes = tuple[float, float, float, float]  # X, Y, Z and the extruder

_MOST_SPEED, _MOST_ACCELERATION = 100_000.0, 10_000_000.0  # mm/s and mm/s^2; more is a slip of the pen
HOTTEST_NOZZLE, HOTTEST_BED = 500.0, 200.0  # degC; of printers of which nothing is known
_AXES = "xyze"
_LARGEST_BED = 10_000.0  # mm


class Model(IntEnum):
    """How a firmware decides on the speed between two moves. The numbers are the kernels'."""

    JERK = 0  # Marlin's classic jerk, Prusa's firmware, Smoothieware's near enough
    JUNCTION_DEVIATION = 1  # Marlin 2
    KLIPPER = 2  # square-corner velocity, and speeds that are smoothed
    REPRAP = 3  # RepRapFirmware: jerk that only like moves use


@dataclass(frozen=True, slots=True)
class Machine:
    """The limits to plan by. mm, s and degC; a speed, a height or a temperature of 0 is without a limit.

    The numbers here are those of Marlin's own example settings. volume: where the nozzle may go.
    load_s, unload_s: what a change to, and from, each tool takes. nozzle_heats, bed_heats: degC a second,
    as most printers of 12 and 24 V do; only for the time that heating takes.
    """

    model: Model = Model.JERK
    max_speed: Axes = (300, 300, 5, 25)
    max_acceleration: Axes = (3000, 3000, 100, 10_000)
    acceleration: float = 3000
    retract_acceleration: float = 3000
    travel_acceleration: float = 3000
    jerk: Axes = (10, 10, 0.3, 5)
    junction_deviation: float = 0.013
    square_corner_velocity: float = 5
    minimum_cruise_ratio: float = 0.5
    min_print_speed: float = 0
    min_travel_speed: float = 0
    volume: Box | None = None
    hottest_nozzle: float = 0
    hottest_bed: float = 0
    load_s: tuple[float, ...] = ()
    unload_s: tuple[float, ...] = ()
    nozzle_heats: float = 2.0
    bed_heats: float = 0.35


KLIPPER = Machine(
    Model.KLIPPER, (300, 300, 300, 0), (3000, 3000, 3000, 0), retract_acceleration=0
)  # Klipper's own defaults
REPRAP = Machine(Model.REPRAP, (100, 100, 5, 20), (500, 500, 20, 250), 500, 500, 500, (15, 15, 0.2, 2))


def machine_of(said: Remarks, firmware: str | None) -> Machine:
    """The printer as the slicer's settings in the file describe it; what they leave out is as usual there.

    firmware: the dialect, in the slicer's word. Settings of PrusaSlicer and its heirs are understood. They
    name jerks for every firmware, and for Klipper no corner velocity: then the times are planned with the
    jerks, as the slicer does it. Klipper's own way is taken where a printer's profile says its numbers; what
    SET_VELOCITY_LIMIT says in a file changes them.
    """
    usual = REPRAP if firmware == "reprapfirmware" else Machine()
    machine = replace(
        usual,
        max_speed=_axes(said, ("machine_max_feedrate_", "machine_max_speed_"), usual.max_speed),
        max_acceleration=_axes(said, ("machine_max_acceleration_",), usual.max_acceleration),
        acceleration=_first(said, "machine_max_acceleration_extruding", usual.acceleration),
        retract_acceleration=_first(said, "machine_max_acceleration_retracting", usual.retract_acceleration),
        travel_acceleration=_travel_acceleration(said, firmware, usual),
        jerk=_axes(said, ("machine_max_jerk_",), usual.jerk),
        min_print_speed=_first(said, "machine_min_extruding_rate", 0),
        min_travel_speed=_first(said, "machine_min_travel_rate", 0),
        volume=_volume(said),
        hottest_nozzle=HOTTEST_NOZZLE,
        hottest_bed=HOTTEST_BED,
        load_s=_seconds(said, "filament_load_time", "machine_load_filament_time"),
        unload_s=_seconds(said, "filament_unload_time", "machine_unload_filament_time"),
    )
    deviation = _first(said, "machine_max_junction_deviation", 0)
    if deviation > 0 and machine.model is Model.JERK:
        machine = replace(machine, model=Model.JUNCTION_DEVIATION, junction_deviation=deviation)
    return machine


def _first(said: Remarks, key: str, usual: float) -> float:
    """Of two numbers the first is for the normal mode, the second for a silent one."""
    values = numbers(said.setting(key), _MOST_ACCELERATION)
    return usual if not values or values[0] is None else values[0]


def _axes(said: Remarks, stems: tuple[str, ...], usual: Axes) -> Axes:
    x, y, z, e = (
        next((value for stem in stems if (value := _first(said, stem + axis, -1)) >= 0), usual[at])
        for at, axis in enumerate(_AXES)
    )
    return x, y, z, e


def _travel_acceleration(said: Remarks, firmware: str | None, usual: Machine) -> float:
    """Marlin 1 and Klipper have none of its own, and PrusaSlicer knows that."""
    key = "extruding" if firmware in ("marlin", "klipper") else "travel"
    return _first(said, f"machine_max_acceleration_{key}", usual.travel_acceleration)


def _seconds(said: Remarks, *keys: str) -> tuple[float, ...]:
    return tuple(value or 0.0 for value in numbers(said.setting(*keys), 3600))


def _volume(said: Remarks) -> Box | None:
    """`bed_shape = 0x0,250x0,250x210,0x210` and the height above it."""
    corners = [corner.partition("x") for corner in said.setting("bed_shape", "printable_area").split(",")]
    xs, ys = ([number(corner[at], _LARGEST_BED, -_LARGEST_BED) for corner in corners] for at in (0, 2))
    height = number(said.setting("max_print_height", "printable_height"), _LARGEST_BED) or math.inf
    known_x, known_y = ([value for value in values if value is not None] for values in (xs, ys))
    if len(known_x) < 3 or len(known_y) < 3:
        return None
    return Box((min(known_x), max(known_x)), (min(known_y), max(known_y)), (0.0, height))
