"""Sees trouble in what printers tell of themselves, before it costs a print. No I/O, no clock."""
