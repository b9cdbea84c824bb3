"""What the printers measure, on its way into the history. It may lose readings, and never makes anybody wait."""
