"""What people in the shop should know of a model before they slice it, in their words."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from farm.files.mesh.measure import Measures
from farm.files.mesh.model import Model

SMALL_MM = 5.0  # hardly anybody prints something smaller, and a drawing in inches or metres comes out so
LARGE_MM = 1000.0  # larger than the printers of most shops
COARSE_MM = 0.005  # between two numbers of an STL: what is further out loses its shape


def remarks(model: Model, measures: Measures) -> tuple[str, ...]:
    """Everything that is odd about a model, the worst first."""
    return (*_surface(measures), *model.remarks, *_size(model, measures))


def _surface(measures: Measures) -> Iterator[str]:
    if measures.damaged:
        yield (
            f"{measures.damaged:,} of {measures.triangles:,} triangles have a corner that is no number, and"
            " were left out."
        )
    if not measures.is_closed:
        yield (
            "The surface has holes: the slicer will guess what belongs there. Repair the model, or look at"
            " the layers before printing. Its volume is not known, and the estimate is worse than usual."
        )
    elif not measures.is_in_order:
        yield (
            "Some triangles are turned inside out, so it is not clear what is inside. Repair the model, or"
            " look at the layers before printing. The estimate is worse than usual."
        )
    elif measures.volume_mm3 < 0:
        yield "The model is inside out. Most slicers turn it; look at the layers before printing."


def _size(model: Model, measures: Measures) -> Iterator[str]:
    largest = max(measures.size_mm)
    if model.kind != "3mf" and largest < SMALL_MM:
        yield (
            f"The model is only {largest:.3g} mm large. The file does not say its unit: drawn in inches it"
            f" would be {largest * 25.4:,.4g} mm, in metres {largest * 1000:,.4g} mm."
        )
    if largest > LARGE_MM:
        yield (
            f"The model is {largest:,.0f} mm large. If it was drawn in another unit than {model.unit}, or is"
            " a building, scale it down in the slicer."
        )
    farthest = max(map(abs, (*measures.low, *measures.high)))
    if model.kind == "stl" and np.spacing(np.float32(farthest)) > COARSE_MM:
        yield (
            f"The model lies {farthest / 1000:,.0f} m from the origin, where an STL knows no fine detail."
            " Move it to the origin in the program that drew it, and export it again."
        )
