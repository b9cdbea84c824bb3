"""What the printers measure, on its way into the history. Readings may get lost; nobody is kept waiting."""
