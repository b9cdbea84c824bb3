"""A whole list of printers, held against what can be and against those that are there. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import replace

from farm.domain.printer import Printer
from farm.errors import Invalid
from farm.printers.messages import Listed
from farm.printers.settings import checked_printer

LONGEST_STEM = 34


class Entrance:
    """Lets one printer of a list in after the other, as if those before were in the farm already."""

    def __init__(self, there: Iterable[Printer]) -> None:
        self._ids = {printer.id for printer in there}
        self._at = {printer.address.url: printer.name for printer in there if printer.address.url}

    def admit(self, listed: Listed) -> Printer:
        """The printer in one form, with an id. Raises Invalid with what is wrong with it."""
        if listed.printer is None:
            raise Invalid(listed.problem)
        wanted = listed.printer
        printer = checked_printer(replace(wanted, id=wanted.id or free_id(wanted.name, self._ids)))
        if printer.id in self._ids:
            raise Invalid(f"there is a printer {printer.id} already; choose another id")
        url = printer.address.url
        if url in self._at:
            raise Invalid(f"{self._at[url]} has the address {url} already")
        self._ids.add(printer.id)
        if url:
            self._at[url] = printer.name
        return printer


def free_id(name: str, taken: Collection[str]) -> str:
    """An id made of a name, which nobody has to think about: "MK4 left" is mk4-left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST_STEM] or "printer"
    number, id = 1, stem
    while id in taken:
        number += 1
        id = f"{stem}-{number}"
    return id
