"""What printing a model may take, before anybody has sliced it. Good enough for a first quote."""

from __future__ import annotations

import math

from farm.domain.analysis import Estimate, PrintSettings
from farm.files.mesh.measure import Measures

USUAL = PrintSettings()


def estimate(measures: Measures, settings: PrintSettings = USUAL) -> Estimate | None:
    """None for a model without an inside.

    A shell and an inside: walls eat into each layer as into a square or a circle, whose area shrinks with
    (1 - x/2)^2 when its outline times the wall's thickness is x of it; solid layers take their share of what
    is left. Travel, supports and skirts are not in it.
    """
    volume = _inside(measures)
    height = measures.size_mm[2]
    if volume <= 0 or height <= 0:
        return None
    walls = min(2.0, measures.walls_mm2 * settings.walls * settings.line_mm / volume)
    solid = min(1.0, measures.level_mm2 * settings.solid_layers * settings.layer_mm / volume)
    within = volume * (1 - walls / 2) ** 2
    walls_mm3, solid_mm3 = volume - within, within * solid
    infill_mm3 = (within - solid_mm3) * settings.infill
    printed_mm3 = walls_mm3 + solid_mm3 + infill_mm3
    line_mm2 = settings.line_mm * settings.layer_mm
    drawing_s = (
        walls_mm3 / settings.wall_mm_s + solid_mm3 / settings.solid_mm_s + infill_mm3 / settings.infill_mm_s
    ) / line_mm2
    layers = math.ceil(height / settings.layer_mm)
    return Estimate(
        time_s=round(max(drawing_s + layers * settings.change_s, layers * settings.least_layer_s)),
        filament_mm=round(printed_mm3 / (math.pi * (settings.filament_mm / 2) ** 2), 1),
        filament_cm3=round(printed_mm3 / 1000, 2),
        filament_g=round(printed_mm3 / 1000 * settings.density_g_cm3, 2),
        assumed=settings,
    )


def _inside(measures: Measures) -> float:
    """mm^3; of a surface with holes it is a guess, so no more than the box holds."""
    x, y, z = measures.size_mm
    return min(abs(measures.volume_mm3), x * y * z)
