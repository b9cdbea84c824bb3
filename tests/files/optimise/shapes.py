"""G-code of simple things, as a slicer without arcs would write it."""

from __future__ import annotations

import math

START = "G21\nG90\n{mode}\nM104 S200\nG28\nG92 E0\nG1 Z0.2 F7200\n"
E_PER_MM = 0.04157


class Pen:
    """Writes moves, E as the mode says."""

    def __init__(self, counted: bool) -> None:
        self._counted = counted
        self._e = 0.0
        self._at = (0.0, 0.0)
        self.lines = START.format(mode="M82" if counted else "M83").splitlines()

    def travel(self, x: float, y: float) -> None:
        self.lines.append(f"G0 X{x:.3f} Y{y:.3f} F7200")
        self._at = (round(x, 3), round(y, 3))
        self.lines.append("G1 F1800")

    def print_to(self, x: float, y: float, rate: float = E_PER_MM) -> None:
        to = (round(x, 3), round(y, 3))
        mm = rate * math.dist(self._at, to)
        self._e += mm
        self.lines.append(f"G1 X{to[0]:.3f} Y{to[1]:.3f} E{self._e if self._counted else mm:.5f}")
        self._at = to

    @property
    def text(self) -> bytes:
        return "\n".join([*self.lines, "M104 S0", "M84", ""]).encode()


def cylinder(
    radius: float = 15.0, facets: int = 180, layers: int = 5, *, counted: bool = True, shells: int = 3
) -> bytes:
    """A hollow one, its middle at 100, 100; walls of 0.45 mm."""
    pen = Pen(counted)
    for layer in range(layers):
        pen.lines += [";LAYER_CHANGE", f";Z:{0.2 * (layer + 1):.3f}", f"G1 Z{0.2 * (layer + 1):.3f}"]
        for shell in range(shells):
            r = radius - 0.45 * shell
            pen.travel(100 + r, 100)
            pen.lines.append(";TYPE:Perimeter")
            for corner in range(1, facets):
                angle = 2 * math.pi * corner / facets
                pen.print_to(100 + r * math.cos(angle), 100 + r * math.sin(angle))
    return pen.text
