"""What HTTP shows of a printer beyond what is told on the live socket."""

from __future__ import annotations

from datetime import datetime

from farm.domain.printer import Printer, PrinterStatus
from farm.live import shapes
from farm.live.shapes import Shape


def of_printer(printer: Printer, status: PrinterStatus, at: datetime) -> Shape:
    """A printer, and whom its connection trusts where that is not what everybody's does."""
    shape = shapes.of_printer(printer, status, at)
    if printer.address.tls != "system":
        shape["connection"]["tls"] = printer.address.tls
    return shape
