"""What a printer measures beside temperatures: each number by the name of its channel. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from farm.drivers.base import Reading


def metrics_of(reading: Reading) -> Iterator[tuple[str, float]]:
    """The channels of one look, and what each of them shows.

    progress: 0..1 of the file. layer: from 1. z: mm. sent, resent: lines or bytes, since the line was opened.
    fan.NAME, duty.HEATER, load.BOARD: shares of 1. rpm.NAME: turns of a fan a minute.
    """
    if reading.file is not None:
        if reading.file.progress is not None:
            yield "progress", reading.file.progress
        if reading.file.layer is not None:
            yield "layer", float(reading.file.layer)
    if reading.z_mm is not None:
        yield "z", reading.z_mm
    if reading.line is not None:
        yield "sent", float(reading.line.sent)
        yield "resent", float(reading.line.resent)
    for name, fan in reading.fans.items():
        if fan.speed is not None:
            yield f"fan.{name}", fan.speed
        if fan.rpm is not None:
            yield f"rpm.{name}", fan.rpm
    for name, share in reading.duty.items():
        yield f"duty.{name}", share
    for name, share in reading.load.items():
        yield f"load.{name}", share
