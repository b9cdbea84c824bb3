"""How the farm speaks to each kind of printer: one interface; a protocol without I/O and a driver each."""
