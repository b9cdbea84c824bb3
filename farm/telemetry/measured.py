"""The channels of one look at a printer, and what of it can be true."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from farm.domain.metrics import Group
from farm.drivers.base import LineStatistics, Reading

LIMITS: Mapping[Group, tuple[float, float]] = {
    Group.TEMPERATURE: (-60.0, 700.0),  # colder is no shop, hotter no nozzle
    Group.DUTY: (0.0, 1.0),
    Group.FAN: (0.0, 1.0),
    Group.RPM: (0.0, 100_000.0),
    Group.LOAD: (0.0, 1000.0),
    Group.RESENT: (0.0, 1.0),
}
"""The least and the most that can be true, in the unit of the group. NaN is in no limits."""

WORTH: Mapping[Group, float] = {
    Group.TEMPERATURE: 1.0,
    Group.DUTY: 0.1,
    Group.FAN: 0.1,
    Group.RPM: 200.0,
    Group.LOAD: 0.1,
    Group.RESENT: 0.02,
}
"""The least change that is worth a word, in the unit of the group."""

THE_LINE = "line"


def measured(reading: Reading, before: LineStatistics | None) -> Iterator[tuple[tuple[Group, str], float]]:
    """Every channel of a reading with its value. before: the line's statistics the last time."""
    for heater, temperature in reading.temperatures.items():
        if temperature.actual is not None:
            yield (Group.TEMPERATURE, heater), temperature.actual
    for heater, duty in reading.duty.items():
        yield (Group.DUTY, heater), duty
    for name, fan in reading.fans.items():
        if fan.speed is not None:
            yield (Group.FAN, name), fan.speed
        if fan.rpm is not None:
            yield (Group.RPM, name), fan.rpm
    for name, load in reading.load.items():
        yield (Group.LOAD, name), load
    share = resent(reading.line, before)
    if share is not None:
        yield (Group.RESENT, THE_LINE), share


def resent(line: LineStatistics | None, before: LineStatistics | None) -> float | None:
    """Of what was sent between two looks, the share that was sent again; None where nothing was.

    A line that was opened anew counts from the beginning.
    """
    if line is None or before is None:
        return None
    sent, again = line.sent - before.sent, line.resent - before.resent
    return again / sent if sent > 0 and again >= 0 else None


def is_sound(channel: tuple[Group, str], value: float) -> bool:
    """Whether this can be true."""
    least, most = LIMITS[channel[0]]
    return least <= value <= most
