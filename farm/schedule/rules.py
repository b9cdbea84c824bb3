"""The names of what a plan has to keep to: in violations, in reasons, and in what would make it possible."""

from __future__ import annotations

from enum import StrEnum


class Rule(StrEnum):
    """What may not be broken. Compatibility has finer names of its own, of what does not fit."""

    COMPATIBILITY = "compatibility"
    MAX_PRINT_TIME = "max_print_time"
    WORKING_HOURS = "working_hours"
    ATTENDED = "attended"
    MAINTENANCE = "maintenance"
    OPERATORS = "operators"
    POWER = "power_limit"
    CIRCUIT = "circuit"
    PIN = "required_printers"
    STOCK = "filament"
    RUNNING = "running_print"
    FROZEN = "frozen"
    COPIES = "copies"
    RELEASE = "release"
    DEADLINE = "deadline"
    OCCUPIED = "printer_occupied"
    HAND_WORK = "hand_work"
    ESTIMATE = "estimate"
