"""The 3D printer farm server: one process that runs every printer in the shop."""

__version__ = "0.1.0"
