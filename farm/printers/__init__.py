"""One actor per printer: it owns the printer's status, drives it, and adopts what it is printing."""
