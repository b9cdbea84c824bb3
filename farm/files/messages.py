"""What one can say to the files' actor."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from farm.actors import Latest


@dataclass(frozen=True, slots=True)
class FileAdded(Latest):
    """A hint: a file is there to be analysed. Which one stands in the database."""

    @property
    def key(self) -> Hashable:
        """One look finds all that wait."""
        return "files"


FilesMessage = FileAdded
