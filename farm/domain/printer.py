"""What the farm knows about one printer: its connection, what it does, its plate, its readings.

What is made anew with every reading is a struct of msgspec's: made, compared and changed at a fifth of what a
frozen dataclass costs, which a thousand printers feel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct

from farm.domain.anomaly import Anomaly
from farm.domain.ejecting import Ejecting, Ejector
from farm.domain.optimising import Optimising
from farm.domain.terms import version_of
from farm.domain.transitions import Table


class Connection(StrEnum):
    """Whether the farm can talk to the printer."""

    DISABLED = "disabled"
    OFFLINE = "offline"
    CONNECTING = "connecting"
    ONLINE = "online"
    FAULTED = "faulted"


CONNECTIONS: Table[Connection] = {
    Connection.DISABLED: frozenset({Connection.CONNECTING, Connection.OFFLINE}),
    Connection.OFFLINE: frozenset(
        {Connection.CONNECTING, Connection.ONLINE, Connection.DISABLED, Connection.FAULTED}
    ),
    Connection.CONNECTING: frozenset(
        {Connection.ONLINE, Connection.OFFLINE, Connection.DISABLED, Connection.FAULTED}
    ),
    Connection.ONLINE: frozenset(
        {Connection.OFFLINE, Connection.CONNECTING, Connection.DISABLED, Connection.FAULTED}
    ),
    Connection.FAULTED: frozenset({Connection.CONNECTING, Connection.OFFLINE, Connection.DISABLED}),
}


class Operation(StrEnum):
    """What the printer is doing, as far as it tells us."""

    UNKNOWN = "unknown"
    IDLE = "idle"
    PREPARING = "preparing"
    PRINTING = "printing"
    PAUSING = "pausing"
    PAUSED = "paused"
    RESUMING = "resuming"
    CANCELLING = "cancelling"
    FINISHED = "finished"
    FAILED = "failed"
    ATTENTION = "attention"
    MAINTENANCE = "maintenance"
    EMERGENCY = "emergency"


BUSY = frozenset(
    {
        Operation.PREPARING,
        Operation.PRINTING,
        Operation.PAUSING,
        Operation.PAUSED,
        Operation.RESUMING,
        Operation.CANCELLING,
    }
)
"""Operations in which the printer has a print of its own going on."""

_ANY_WORK = frozenset(
    {
        Operation.IDLE,
        Operation.PREPARING,
        Operation.PRINTING,
        Operation.PAUSING,
        Operation.PAUSED,
        Operation.RESUMING,
        Operation.CANCELLING,
        Operation.FINISHED,
        Operation.FAILED,
    }
)
_ALWAYS = frozenset({Operation.UNKNOWN, Operation.ATTENTION, Operation.EMERGENCY})

# What a printer does is observed, not decided: a person at its panel can take it from any kind of
# work to any other between two looks. What the table keeps is what only a person may end.
OPERATIONS: Table[Operation] = {
    **{work: _ANY_WORK | _ALWAYS | {Operation.MAINTENANCE} for work in _ANY_WORK},
    Operation.UNKNOWN: _ANY_WORK | _ALWAYS | {Operation.MAINTENANCE},
    Operation.ATTENTION: _ANY_WORK | _ALWAYS | {Operation.MAINTENANCE},
    # Somebody may print on it, at its panel, and a print that was being started may come late, or be over.
    Operation.MAINTENANCE: _ANY_WORK | {Operation.UNKNOWN, Operation.EMERGENCY},
    Operation.EMERGENCY: frozenset({Operation.UNKNOWN}),  # latched: only `clear_emergency` leaves it
}


DECIDED: Mapping[Operation, str] = {
    Operation.MAINTENANCE: "it is in maintenance",
    Operation.EMERGENCY: "it was stopped in an emergency; look at it, then clear that",
    Operation.ATTENTION: "it needs somebody to look at it",
}
"""What keeps work from a printer until a person ends it, in words."""


class Plate(StrEnum):
    """Whether something lies on the plate. Nothing starts on a plate that is not clear."""

    CLEAR = "clear"
    OCCUPIED = "occupied"
    UNKNOWN = "unknown"


PLATES: Table[Plate] = {
    # Clear ends with the first start command: from then on there may be plastic on it.
    Plate.CLEAR: frozenset({Plate.OCCUPIED, Plate.UNKNOWN}),
    Plate.OCCUPIED: frozenset({Plate.CLEAR, Plate.UNKNOWN}),
    Plate.UNKNOWN: frozenset({Plate.CLEAR, Plate.OCCUPIED}),
}


class Breaker(StrEnum):
    """The circuit breaker in front of the printer's host."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Mode(StrEnum):
    """What a person, or an emergency, has decided about a printer; kept until a person ends it."""

    NORMAL = "normal"
    MAINTENANCE = "maintenance"
    ATTENTION = "attention"
    EMERGENCY = "emergency"


MODES: Table[Mode] = {
    Mode.NORMAL: frozenset({Mode.MAINTENANCE, Mode.ATTENTION, Mode.EMERGENCY}),
    Mode.MAINTENANCE: frozenset({Mode.NORMAL, Mode.EMERGENCY}),
    Mode.ATTENTION: frozenset({Mode.NORMAL, Mode.MAINTENANCE, Mode.EMERGENCY}),
    Mode.EMERGENCY: frozenset({Mode.NORMAL}),
}


class Temperature(Struct, frozen=True):
    """One heater's reading in degrees Celsius; None where the printer gave no value."""

    actual: float | None
    target: float | None


class Position(Struct, frozen=True):
    """The toolhead's place in millimetres."""

    x: float
    y: float
    z: float


SIMULATED = "simulated"
"""The kind of a printer that exists only in this computer."""

PRINT_HOSTS: Mapping[str, str] = {
    "moonraker": "Moonraker",
    "octoprint": "OctoPrint",
    "prusalink": "PrusaLink",
}
"""Whom the farm drives over the network, and can simulate: the kind, and what people call it.

An unknown print host is asked in this order what it is: a Moonraker may answer as an OctoPrint, too. Their
drivers are in `farm/drivers/kinds.py`.
"""

SLOWEST, FASTEST = 0.1, 1000.0  # times real time


@dataclass(frozen=True, slots=True)
class Simulation:
    """How the farm simulates a printer. speed: how many times faster than real time it lives.

    faults: what is wrong with it, in the words of the simulator's switches.
    """

    dialect: str = "octoprint"
    speed: float = 1.0
    faults: Mapping[str, Any] = field(default_factory=dict)


ENDPOINTS: Mapping[str, Mapping[str, str]] = {
    "moonraker": {"push": "/websocket"},
    "octoprint": {"api": "/api", "push": "/sockjs/websocket"},
    "prusalink": {"api": "/api", "storage": "/usb"},
}
"""What may lie elsewhere than usual at a print host, by its kind: names, and where it usually lies."""

PASSWORD_KINDS = frozenset({"moonraker", "prusalink"})
"""Print hosts that take a user and a password instead of an API key."""


@dataclass(frozen=True, slots=True)
class Address:
    """How to reach a printer. `secret` is sealed in the store.

    kind: one of PRINT_HOSTS, or "simulated". url: scheme, host, port and path prefix; no slash at its end.
    tls: whom to trust: "system", a PEM, or "sha256:<fingerprint>" of the one certificate.
    simulation: of a simulated printer, whose url is "": the farm itself knows where it is.
    endpoints: paths below the url that are not the usual ones, by the names in ENDPOINTS.
    username, password: instead of the api_key, where the host takes them.
    """

    kind: str
    url: str
    api_key: str = field(default="", repr=False)
    tls: str = "system"
    simulation: Simulation | None = None
    endpoints: Mapping[str, str] = field(default_factory=dict)
    username: str = ""
    password: str = field(default="", repr=False)

    @property
    def secret(self) -> str:
        """What proves to the host that we may use it: the user's password, or the key."""
        return self.password if self.username else self.api_key

    def with_secret(self, secret: str) -> Address:
        """The same with another secret; "" leaves it without any."""
        if self.username:
            return replace(self, password=secret, api_key="")
        return replace(self, api_key=secret, password="")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What filament is in one tool, from 0. None where nobody said."""

    tool: int
    material: str | None = None
    colour: str | None = None
    spool: str | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """What the printer can do and takes, as the shop says. None where nobody said.

    volume_mm: the edges of what it can print. materials: those it may print. heat_up_w, printing_w:
    watts; heat_up_s: for how long. circuit: the fuse it hangs on. model: a known one, see `domain.models`.
    optimise: how copies are made that are sent instead of the files; None to send the files.
    ejection: how it pushes prints off, which it does by itself where auto_eject is switched on.
    """

    volume_mm: tuple[float, float, float] | None = None
    nozzle_mm: float | None = None
    materials: frozenset[str] = frozenset()
    max_nozzle_degc: float | None = None
    max_bed_degc: float | None = None
    heat_up_w: float | None = None
    heat_up_s: float | None = None
    printing_w: float | None = None
    circuit: str | None = None
    auto_eject: bool = False
    loaded: tuple[Loaded, ...] = ()
    model: str | None = None
    optimise: Optimising | None = None
    ejection: Ejecting | None = None


HEALTH_CHECK_INTERVAL_S = 30.0
MAX_RETRIES = 5
"""Unless the shop says otherwise."""


@dataclass(frozen=True, slots=True)
class Printer:
    """One printer as the shop set it up.

    health_check_interval_s: how often one that pushes is asked whether it still answers; others are asked
    at their kind's own pace. max_retries: how often one request is sent again, where that is safe.
    """

    id: str
    name: str
    address: Address
    tags: frozenset[str] = frozenset()
    enabled: bool = True
    health_check_interval_s: float = HEALTH_CHECK_INTERVAL_S
    max_retries: int = MAX_RETRIES
    profile: Profile = Profile()

    @property
    def version(self) -> str:
        """The name of how the shop set it up, its secret apart."""
        return version_of(replace(self, address=self.address.with_secret("")))


class PrintProgress(Struct, frozen=True):
    """The running print as its printer tells it.

    progress: 0..1, None where unknown. elapsed_s and remaining_s: seconds. layer: from 1, of `layers`.
    """

    id: str
    job: str
    file: str
    name: str
    state: str
    progress: float | None = None
    elapsed_s: float | None = None
    remaining_s: float | None = None
    layer: int | None = None
    layers: int | None = None


@dataclass(frozen=True, slots=True)
class Doubt:
    """What was wrong with a printer that has not printed well since, and that nobody has seen to. why: a
    sentence, the newest; "" for nothing. since: when the first of it was seen."""

    why: str
    since: datetime | None

    def __bool__(self) -> bool:
        return bool(self.why)


SURE = Doubt("", None)
"""Nothing was wrong with it."""


@dataclass(frozen=True, slots=True)
class LeftHot:
    """Heat that no print of a printer needs now, and since when nobody has seen to it.

    paused: a print is on, and stands; else there is none. targets: degrees Celsius, of heaters that are on.
    """

    paused: bool
    since: datetime
    targets: Mapping[str, float]


class PrinterStatus(Struct, frozen=True):
    """A frozen picture of one printer. Only that printer's actor makes the next one.

    message: one sentence for the person at the printer, "" when all is well. foreign: it prints what the farm
    did not start; foreign_file: under this name there, "" where it does not say. ejector: of a printer that
    pushes prints off by itself. anomalies: what is wrong with it now, the worst first. doubt: what was
    wrong with it, until it has printed well or somebody has seen to it.
    """

    connection: Connection = Connection.OFFLINE
    operation: Operation = Operation.UNKNOWN
    plate: Plate = Plate.UNKNOWN
    breaker: Breaker = Breaker.CLOSED
    next_try_at: datetime | None = None
    message: str = ""
    since: datetime | None = None
    temperatures: Mapping[str, Temperature] = {}
    position: Position | None = None
    print: PrintProgress | None = None
    foreign: bool = False
    foreign_file: str = ""
    ejector: Ejector | None = None
    anomalies: tuple[Anomaly, ...] = ()
    doubt: Doubt = SURE
