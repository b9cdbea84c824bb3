"""What a printer's actor may ask of any kind of printer, and the values it gets back.

A driver keeps no state of the shop and retries nothing: it asks its peer once and says what came of it.
How long an answer may take is the caller's to decide; the transport only bounds what one request may
hang, so that a forgotten deadline cannot wait for ever.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NoReturn, Protocol

from msgspec import Struct

from farm.domain.file import RemoteFile
from farm.domain.printer import Operation, Position, Temperature
from farm.errors import Invalid, PrinterUnreachable


class AnswerLost(PrinterUnreachable):
    """The request may have reached the printer, but no usable answer came back.

    Whether it was carried out is unknown: ask the printer what it does before sending anything again.
    """


class Capability(StrEnum):
    """What not every kind of printer can do. The actor looks before it asks."""

    PAUSE = "pause"  # pause and resume
    COPY = "copy"  # put a file that is there once more, under another name
    DELETE = "delete"  # remove an uploaded file
    OUTCOME = "outcome"  # tell afterwards how a print ended
    EMERGENCY_STOP = "emergency_stop"  # stop motion and heaters at once
    GCODE = "gcode"  # take lines of G-code
    TEMPERATURE = "temperature"  # set a heater's target
    MOTION = "motion"  # home and jog
    MACHINE_LINK = "machine_link"  # let the print host let go of its printer
    TAKE_UP = "take_up"  # have it take up a printer that it let go of or lost, or whose firmware stopped
    CONSOLE = "console"  # tell what the printer says to those who send it G-code
    BINARY_GCODE = "binary_gcode"  # print binary G-code as it is
    PUSH = "push"  # tell news unasked: whether it still answers questions has to be looked at apart


@dataclass(frozen=True, slots=True)
class Identity:
    """Who answered at the printer's address. name: "" where the peer has none of its own."""

    kind: str
    version: str
    name: str = ""


class LoadedFile(Struct, frozen=True):
    """The file the printer works on or, when it is idle, worked on last.

    progress: 0..1. elapsed_s, remaining_s: seconds. layer: the one it is at, from 1, of `layers`.
    None where the peer does not say.
    """

    remote_name: str
    progress: float | None = None
    elapsed_s: float | None = None
    remaining_s: float | None = None
    layer: int | None = None
    layers: int | None = None


class Loss(StrEnum):
    """Why a print host has no printer on its line. Only a link that dropped may be taken up by itself."""

    CLOSED = "closed"  # by somebody's wish, or never opened
    LINK_LOST = "link_lost"  # pulled out, switched off, or silent for too long
    FIRMWARE_ERROR = "firmware_error"  # the firmware stopped the machine, and said why
    EMERGENCY_STOP = "emergency_stop"


class EndKind(StrEnum):
    """How a print ended, as its host told it when it happened."""

    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Ending(Struct, frozen=True):
    """The end of one print. text: the peer's words, "" where it has none. printed_s: None where unknown."""

    remote_name: str
    kind: EndKind
    text: str = ""
    printed_s: float | None = None


class LineStatistics(Struct, frozen=True):
    """How the line between print host and printer does, since it was opened.

    sent: lines, or bytes where the peer counts those; resent: of them those that were sent again.
    """

    sent: int
    resent: int


class Fan(Struct, frozen=True):
    """One fan. speed: 0..1, as it was told. rpm: turns a minute, where that is measured."""

    speed: float | None = None
    rpm: float | None = None


class Reading(Struct, frozen=True):
    """One look at a printer.

    machine_connected: whether the print host has its printer on the line; a host without one is a
    state, not an error. text, error: the peer's own words, "" where it has none.
    temperatures: by the peer's heater name (tool0, bed, chamber), degrees Celsius; heaters without any
    value are left out, as happens in the first seconds after connecting.
    loss: why the printer is away; None while it is there or just connecting.
    stale: the values stand still although they should move. attention: one sentence for a person, then
    and wherever else something is wrong with how the printer is seen.
    ended: the last print that ended while we watched, until the next one begins; one print has one. It
    may come a moment before or after the operation shows it. None where only `outcome` knows.
    z_mm, position: where the toolhead was told to be; None where the peer has not said.
    said: lines in its console since the reading before, each on one line.
    duty: of heaters by their names, the share of its full power that each gets, 0..1.
    fans: by the peer's names. load: of the controllers on its boards, by the peer's names, the share of the
    time a task may take that theirs take; above 1 they come too late. filament: whether each sensor that is
    switched on sees some, or sees it move where it should. All of them empty where the peer tells nothing of
    that.
    """

    machine_connected: bool
    operation: Operation
    text: str = ""
    error: str = ""
    temperatures: Mapping[str, Temperature] = {}
    file: LoadedFile | None = None
    loss: Loss | None = None
    stale: bool = False
    attention: str = ""
    ended: Ending | None = None
    line: LineStatistics | None = None
    z_mm: float | None = None
    position: Position | None = None
    said: tuple[str, ...] = ()
    duty: Mapping[str, float] = {}
    fans: Mapping[str, Fan] = {}
    load: Mapping[str, float] = {}
    filament: Mapping[str, bool] = {}


class OutcomeKind(StrEnum):
    """How the print of one uploaded file ended, by what its print host remembers."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"  # cancelled at the host, or broken off by an error
    NO_RECORD = "no_record"  # never started, or the host itself stopped in the middle of it
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file's print. text: one sentence. printed_s: seconds, None where unknown.

    still_runs: whether the printer was at work on the file a moment before, so that it was begun anew.
    """

    kind: OutcomeKind
    text: str
    printed_s: float | None = None
    still_runs: bool = False


class Driver(Protocol):
    """One printer, whatever its kind.

    Everything here raises only `FarmError`s, whatever bytes the peer sends: `PrinterUnreachable` when
    nothing was sent, `AnswerLost` when something may have been, `Forbidden` when the peer does not take
    our key, `ProtocolError` when it answers something else than it should. Each may be cancelled; a
    command that was cancelled may have been carried out.
    """

    @property
    def capabilities(self) -> frozenset[Capability]: ...

    async def identify(self) -> Identity:
        """Who is there, with our key accepted: and so a sign of life. Nothing has to be closed."""
        ...

    async def check(self) -> None:
        """A sign of life, our key accepted, as `identify` gives one; for asking again and again."""
        ...

    async def status(self) -> Reading:
        """What the printer does now."""
        ...

    async def watch(self, tell: Callable[[Reading], None]) -> NoReturn:
        """Keeps looking at the printer, pushed where the peer pushes, and tells every new reading.

        Nothing has to be asked before. Raises Forbidden, too, when our key is not taken.

        tell: called twice a second at most, and never blocks. A link that has gone dead without a word is
        noticed within 10 s where the peer pushes, after three missed looks where it is asked. Leaves by
        raising PrinterUnreachable, ProtocolError or Forbidden when the printer cannot be seen any more;
        it may be called again. The other calls may be made meanwhile.
        """
        ...

    async def upload(self, source: Path, remote_name: str, size: int) -> RemoteFile:
        """Puts a file of `size` bytes beside the printer, under a name without folders.

        Streamed from disk in pieces; looked at afterwards, so that success means it lies there whole.
        An older file of that name is replaced. Raises Refused while that name is printing,
        WrongFileType, TooLarge, and StorageFailed when our own copy cannot be read.
        """
        ...

    async def copy(self, source: str, remote_name: str, size: int, checksum: str) -> RemoteFile:
        """Puts a file that lies beside the printer there once more, under a name of its own.

        size, checksum: of the file, in bytes and as `upload` gave it; looked at before and afterwards. Asking
        again after a lost answer is fine, and finds the copy that was made. Raises NotFound, Refused or
        ProtocolError when there is no copy and none on its way: then the file can be uploaded. After
        AnswerLost, or when it was cancelled, a copy may still be growing: nothing but another `copy` may put
        anything under that name.
        """
        ...

    async def start(self, remote_name: str) -> None:
        """Asks for the print of an uploaded file. Accepted is not begun: watch the status.

        Raises Refused or NotFound when it certainly did not start. A plain PrinterUnreachable means
        the command was never sent; AnswerLost, that it may be printing.
        """
        ...

    async def pause(self) -> None:
        """Asks for a pause; a printer already paused accepts it. Refused when nothing prints."""
        ...

    async def resume(self) -> None:
        """Asks to go on; a printer already printing accepts it. Refused when no print is on."""
        ...

    async def cancel(self) -> None:
        """Asks to end the print. Refused when nothing prints."""
        ...

    async def emergency_stop(self) -> None:
        """Stops motion and heaters at once, over a connection of its own: it waits for nothing else.

        Refused when the peer has no printer on its line, so that nothing could be stopped. Without the
        capability it does what comes nearest, which is to cancel a print that is on; heaters may stay on.
        """
        ...

    async def send_gcode(self, lines: Sequence[str]) -> None:
        """Sends lines of G-code, each as `command_line` makes it. Invalid when nothing is left to send."""
        ...

    async def set_temperature(self, heater: str, target_degc: float) -> None:
        """Sets a heater's target, degrees Celsius, 0 to switch it off; the caller keeps the limits.

        heater: a name as in `Reading.temperatures`. Refused for a heater that the printer does not show.
        """
        ...

    async def home(self, axes: Sequence[str]) -> None:
        """Homes some of the axes "x", "y", "z". Refused while it prints."""
        ...

    async def jog(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> None:
        """Moves the toolhead by some millimetres from where it is. Refused while it prints."""
        ...

    async def connect_machine(self) -> None:
        """Lets the print host take up its printer. Accepted is not connected: watch the status."""
        ...

    async def disconnect_machine(self) -> None:
        """Lets the print host let go of its printer, which ends a print that is on."""
        ...

    async def delete(self, remote_name: str) -> None:
        """Removes an uploaded file; one that is gone already is fine. Refused while it prints."""
        ...

    async def outcome(self, remote_name: str, mark: str = "") -> Outcome:
        """How the first print of this file after `mark` ended, see `RemoteFile`.

        RUNNING while there is no end of it, or it may still begin; a print that runs after it was started at
        the machine. UNKNOWN when nobody can tell, as when the file is gone, and for a moment after an end.
        """
        ...

    async def aclose(self) -> None:
        """Lets go of the connections. The driver is not used afterwards."""
        ...


def command_line(text: str) -> str:
    """`text` as one line of G-code: no second line, no comment, nothing unprintable; "" when nothing is left.

    People and other programs write these: a line must never become two commands.
    """
    code = "".join(char if char.isprintable() else " " for char in text.partition(";")[0])
    return " ".join(code.split())


def plain_number(value: float, field: str, decimals: int = 3) -> float:
    """A number that every firmware reads: finite, of a size without exponent, rounded. Raises Invalid."""
    if not math.isfinite(value) or abs(value) >= 1e6:
        raise Invalid("This is no number that a printer understands.", field)
    rounded = round(float(value), decimals)
    return rounded if abs(rounded) >= 10.0**-decimals else 0.0
