"""Printers behind an OctoPrint."""
