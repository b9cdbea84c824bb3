"""What one can say to the files' actor and to its file workers."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from farm.actors import Latest


@dataclass(frozen=True, slots=True)
class FileAdded(Latest):
    """A hint: a file is there to be read. Which one stands in the database."""

    @property
    def key(self) -> Hashable:
        """One look finds all that wait."""
        return "files"


@dataclass(frozen=True, slots=True)
class CopiesWanted(Latest):
    """A hint: other copies may be wanted than before. Which ones stands in the database."""

    @property
    def key(self) -> Hashable:
        """One look finds all that are wanted."""
        return "copies"


FilesMessage = FileAdded | CopiesWanted
