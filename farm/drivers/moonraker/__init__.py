"""Printers with Klipper behind a Moonraker."""
