"""Printers as they are told, in words. Pure."""

from __future__ import annotations

from datetime import datetime

from msgspec import Raw

from farm.domain.printer import Printer, PrinterStatus
from farm.live import protocol, shapes


class PrinterWords:
    """What the shop says of a printer seldom changes: it is put into words once, and its status each time."""

    def __init__(self) -> None:
        self._set_up: dict[str, tuple[Printer, Raw]] = {}

    def of(self, printer: Printer, status: PrinterStatus, at: datetime) -> Raw:
        """The same as `shapes.of_printer` in words. at: when the status was told."""
        known, words = self._set_up.get(printer.id, (None, Raw()))
        if known is not printer:
            words = protocol.encoded(shapes.of_set_up(printer))
            self._set_up[printer.id] = printer, words
        return protocol.with_field(words, "status", protocol.encoded(shapes.of_status(status, at)))

    def forget(self, printer_id: str) -> None:
        """The printer was taken out of the farm."""
        self._set_up.pop(printer_id, None)
