"""Printers as people send them: to be set up, or to be changed."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType, structs

from farm.domain.ejecting import USUAL_COOLING_S, USUAL_CYCLES, Ejecting
from farm.domain.optimising import Comments, Optimising
from farm.domain.printer import (
    HEALTH_CHECK_INTERVAL_S,
    MAX_RETRIES,
    Address,
    Loaded,
    Printer,
    Profile,
    Simulation,
)
from farm.errors import Invalid

_NOT_YET = ("port", "baud")


class NewConnection(msgspec.Struct, forbid_unknown_fields=True):
    """kind: "moonraker", "octoprint", "prusalink" or "simulated". tls: "system", a PEM or
    "sha256:<fingerprint>". dialect, speed, faults: of a simulated printer, which has no url. endpoints: paths
    of the print host that are not the usual ones ("api", "push", "storage"). username, password: instead of
    the api_key, of a PrusaLink or a Moonraker. The fields after them are known, and refused by name as long
    as no driver can honour them."""

    kind: str
    url: str | None = None
    api_key: str | None = None
    tls: str | None = None
    dialect: str | None = None
    speed: float | None = None
    faults: dict[str, Any] | None = None
    endpoints: dict[str, str] | None = None
    username: str | None = None
    password: str | None = None
    port: str | None = None
    baud: int | None = None

    def as_address(self) -> Address:
        """How to reach the printer."""
        wanted = {"dialect": self.dialect, "speed": self.speed, "faults": self.faults}
        simulated: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
        return Address(
            kind=self.kind,
            url=(self.url or "").rstrip("/"),
            api_key=self.api_key or "",
            tls=self.tls or "system",
            simulation=Simulation(**simulated) if simulated else None,
            endpoints=self.endpoints or {},
            username=self.username or "",
            password=self.password or "",
        )


class SentLoaded(msgspec.Struct, forbid_unknown_fields=True):
    """What filament is in one tool, from 0."""

    tool: int
    material: str | None = None
    colour: str | None = None
    spool: str | None = None


class SentOptimising(msgspec.Struct, forbid_unknown_fields=True):
    """How copies of G-code files are made that are sent instead of them. They print the same; a file of which
    none is there, or none can be made, is sent itself, and its print's log says why. comments: those that are
    kept: all, what print hosts read, or none. arc_tolerance_mm: by how much arcs may stray from the lines
    that they take the place of; null for a printer that takes no G2 and G3. arc_step_mm: how long the pieces
    are that its firmware makes of arcs. progress: tell it how far it is (M73), where a file does not."""

    comments: Comments = Comments.HOST
    arc_tolerance_mm: float | None = None
    arc_step_mm: float = 1.0
    progress: bool = False


class SentEjecting(msgspec.Struct, forbid_unknown_fields=True):
    """How the printer pushes prints off. sweep: lines of G-code: plain moves to places (G0, G1), waits (G4,
    M400), the fan (M106, M107) and the homing of X and Y (G28 X Y), nothing else. The first goes up above the
    print, `G1 Z{over} F900`; `{over}` is the height that is clear above it. It begins once the bed is
    measured at or below release_degc; a bed that takes longer than cool_within_s (seconds) is left to a
    person, and so is the printer after at_most prints in a row. min_height_mm, max_height_mm, materials: of
    prints that may be pushed off; null, and no materials, for any. confirmed: true says that somebody has
    watched it work and knows what may go wrong; it is asked for, with the words, to switch auto_eject on."""

    sweep: list[str]
    release_degc: float
    at_most: int = USUAL_CYCLES
    cool_within_s: float = USUAL_COOLING_S
    min_height_mm: float | None = None
    max_height_mm: float | None = None
    materials: frozenset[str] = frozenset()
    confirmed: bool = False

    def as_ejecting(self) -> Ejecting:
        """The same, without what stands around the lines and empty ones."""
        lines = tuple(line.strip() for line in self.sweep if line.strip())
        return Ejecting(**{**structs.asdict(self), "sweep": lines})


class SentProfile(msgspec.Struct, forbid_unknown_fields=True):
    """What the printer can do and takes; what is not given stays as it is, null is not known.

    model: a known one (`GET /v1/printer-models`); what it is known to do is filled in where nobody says.
    optimise: null to send files as they are. auto_eject: whether it pushes prints off by itself, as ejection
    says.
    """

    volume_mm: tuple[float, float, float] | UnsetType | None = UNSET
    nozzle_mm: float | UnsetType | None = UNSET
    materials: frozenset[str] | UnsetType = UNSET
    max_nozzle_degc: float | UnsetType | None = UNSET
    max_bed_degc: float | UnsetType | None = UNSET
    heat_up_w: float | UnsetType | None = UNSET
    heat_up_s: float | UnsetType | None = UNSET
    printing_w: float | UnsetType | None = UNSET
    circuit: str | UnsetType | None = UNSET
    auto_eject: bool | UnsetType = UNSET
    loaded: list[SentLoaded] | UnsetType = UNSET
    model: str | UnsetType | None = UNSET
    optimise: SentOptimising | UnsetType | None = UNSET
    ejection: SentEjecting | UnsetType | None = UNSET

    def given(self) -> dict[str, Any]:
        """The fields that were sent, by the names of the domain's."""
        fields = given(self)
        if not isinstance(self.loaded, UnsetType):
            fields["loaded"] = tuple(Loaded(**structs.asdict(each)) for each in self.loaded)
        if isinstance(self.optimise, SentOptimising):
            fields["optimise"] = Optimising(**structs.asdict(self.optimise))
        if isinstance(self.ejection, SentEjecting):
            fields["ejection"] = self.ejection.as_ejecting()
        return fields


class ConnectionChange(msgspec.Struct, forbid_unknown_fields=True):
    """Only what is given changes: another url keeps the key. A key takes a user's place, and vice versa."""

    kind: str | UnsetType = UNSET
    url: str | UnsetType = UNSET
    api_key: str | UnsetType = UNSET
    username: str | UnsetType = UNSET
    password: str | UnsetType = UNSET
    tls: str | UnsetType = UNSET
    endpoints: dict[str, str] | UnsetType = UNSET
    dialect: str | UnsetType = UNSET
    speed: float | UnsetType = UNSET
    faults: dict[str, Any] | UnsetType = UNSET


class PrinterChange(msgspec.Struct, forbid_unknown_fields=True):
    """Only what is given changes, inside `connection` and `profile` too. The id stays."""

    name: str | UnsetType = UNSET
    tags: frozenset[str] | UnsetType = UNSET
    connection: ConnectionChange | UnsetType = UNSET
    profile: SentProfile | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    health_check_interval_s: float | UnsetType = UNSET
    max_retries: int | UnsetType = UNSET

    def given(self) -> dict[str, Any]:
        """What was sent, by the names of the domain's fields."""
        changes = given(self)
        if not isinstance(self.connection, UnsetType):
            changes["connection"] = given(self.connection)
        if not isinstance(self.profile, UnsetType):
            changes["profile"] = self.profile.given()
        return changes


class NewPrinter(msgspec.Struct, forbid_unknown_fields=True):
    """health_check_interval_s: how often one that pushes is asked whether it still answers; others are asked
    at their kind's own pace. max_retries: how often one request is sent again, where that is safe."""

    id: str
    name: str
    connection: NewConnection
    profile: SentProfile | None = None
    tags: frozenset[str] = frozenset()
    enabled: bool = True
    health_check_interval_s: float = HEALTH_CHECK_INTERVAL_S
    max_retries: int = MAX_RETRIES

    def as_printer(self) -> Printer:
        """What is wanted. Raises Invalid rather than lose a setting in silence."""
        for name in _NOT_YET:
            if getattr(self.connection, name):
                field = f"connection.{name}"
                raise Invalid(f"this version of the farm cannot keep {field}; leave it out", field)
        return Printer(
            id=self.id,
            name=self.name,
            address=self.connection.as_address(),
            tags=self.tags,
            enabled=self.enabled,
            health_check_interval_s=self.health_check_interval_s,
            max_retries=self.max_retries,
            profile=Profile(**(self.profile.given() if self.profile is not None else {})),
        )


def given(sent: msgspec.Struct) -> dict[str, Any]:
    """The fields that were sent."""
    return {name: value for name, value in structs.asdict(sent).items() if value is not UNSET}
