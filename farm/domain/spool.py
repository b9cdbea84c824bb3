"""Spools of filament: what is on them, how much of it is left, and where they are loaded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from farm.domain.terms import version_of


@dataclass(frozen=True, slots=True)
class Spool:
    """full_g, left_g: grams of filament; left_g None where nobody can tell.

    printer, tool: where it is loaded, None where it lies on a shelf. name: how the shop calls it.
    """

    id: str
    material: str
    created_at: datetime
    colour: str | None = None
    name: str = ""
    note: str = ""
    full_g: float = 1000.0
    left_g: float | None = 1000.0
    printer: str | None = None
    tool: int | None = None

    @property
    def version(self) -> str:
        """The name of what people can change about it, as it is now."""
        return version_of(self.material, self.colour, self.name, self.note, self.full_g, self.left_g)
