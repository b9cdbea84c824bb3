"""What people may tell a printer to do, apart from prints, which the queue alone begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Pause:
    """Pause the running print. reason: kept in its history."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on with the paused print."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """End the running print for good. Its job is held until a person decides."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class SendGcode:
    """Send lines of G-code."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetTemperature:
    """Set a heater's target in degrees Celsius; 0 switches it off. heater: "tool0", "bed"."""

    heater: str
    target_degc: float


@dataclass(frozen=True, slots=True)
class Home:
    """Home some of the axes "x", "y", "z"."""

    axes: tuple[str, ...] = ("x", "y", "z")


@dataclass(frozen=True, slots=True)
class Jog:
    """Move the toolhead by some millimetres from where it is."""

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0


@dataclass(frozen=True, slots=True)
class Connect:
    """Let the print host take up its printer."""


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Let the print host let go of its printer; refused while it prints."""


@dataclass(frozen=True, slots=True)
class MaintenanceOn:
    """Give the printer no new prints; one that runs goes on to its end."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class MaintenanceOff:
    """Give it prints again."""


@dataclass(frozen=True, slots=True)
class ClearAttention:
    """A person has seen to what the printer complained about."""


@dataclass(frozen=True, slots=True)
class ClearDoubt:
    """A person has seen to what was wrong with the printer: others are not preferred any more."""


@dataclass(frozen=True, slots=True)
class ClearEmergency:
    """A person has looked after an emergency stop: the printer may be talked to again."""


Command: TypeAlias = (
    Pause
    | Resume
    | Cancel
    | SendGcode
    | SetTemperature
    | Home
    | Jog
    | Connect
    | Disconnect
    | MaintenanceOn
    | MaintenanceOff
    | ClearAttention
    | ClearDoubt
    | ClearEmergency
)

NAMES: dict[type[Command], str] = {
    Pause: "pause",
    Resume: "resume",
    Cancel: "cancel",
    SendGcode: "gcode",
    SetTemperature: "set_temperature",
    Home: "home",
    Jog: "jog",
    Connect: "connect",
    Disconnect: "disconnect",
    MaintenanceOn: "maintenance_on",
    MaintenanceOff: "maintenance_off",
    ClearAttention: "clear_attention",
    ClearDoubt: "clear_doubt",
    ClearEmergency: "clear_emergency",
}
"""What each command is called in the API and in histories."""
