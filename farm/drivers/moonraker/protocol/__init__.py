"""What Moonraker and Klipper say, and what is said to them, as values: no I/O, no clock."""
