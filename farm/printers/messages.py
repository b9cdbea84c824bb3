"""What one can say to a printer, and what printers say about themselves."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from farm.actors import Ask, Latest
from farm.domain.command import Command
from farm.domain.durations import Measured
from farm.domain.ejecting import Ejection, Ejector
from farm.domain.file import RemoteFile
from farm.domain.maintenance import Standing
from farm.domain.printer import Plate, Printer, PrinterStatus
from farm.domain.spool import Spool
from farm.printers.console import Lines
from farm.printers.discovery import Neighbour
from farm.store.orders import OpenOrder
from farm.store.remote_files import LeftThere

SENSOR_DEGC = 1.0  # by which two readings of the same bed may differ


@dataclass(frozen=True, slots=True)
class PrintOrder:
    """One print as its printer needs to know it.

    id, job, file: the farm's ids. content: the file on the shop PC; size: its bytes.
    remote_name: what the file is called on the printer; starts with the attempt's id. mark: what the print
    host remembered of that name before this print began. copy_of: a file on the printer with the same
    content, and its checksum there; "" for none.
    estimate_s: how long it takes, as its slicer says; None where that is not known. targets: of its heaters,
    degrees Celsius, as far as that says.
    bed_at_most_degc: what the bed may have at its start; None for a print, which heats it.
    undisturbed_since: as `PrinterChanged` has to have it at its start; None where that does not matter.
    """

    id: str
    job: str
    file: str
    name: str
    remote_name: str
    content: Path
    size: int
    estimate_s: float | None = None
    mark: str = ""
    copy_of: str = ""
    checksum: str = ""
    bed_at_most_degc: float | None = None
    undisturbed_since: float | None = None
    targets: Mapping[str, frozenset[float]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, found: OpenOrder, content_of: Callable[[str], Path], original: LeftThere | None = None
    ) -> PrintOrder:
        """The order for a stored print.

        content_of: from a file's hash to where its content lies. original: what it may be copied from.
        """
        return cls(
            id=found.print,
            job=found.job,
            file=found.file,
            name=found.name,
            remote_name=found.remote_name,
            content=content_of(found.sha256),
            size=found.size,
            estimate_s=found.estimate_s,
            mark=found.mark,
            copy_of=original.name if original is not None else "",
            checksum=(original.checksum or "") if original is not None else "",
            targets=found.targets,
        )

    @classmethod
    def to_eject(
        cls, ejection: Ejection, content: Path = Path(), undisturbed_since: float | None = None
    ) -> PrintOrder:
        """The order to push a print off: a few moves, started and followed like any other.

        content: where they lie, which nobody asks once they are with the printer.
        """
        return cls(
            id=ejection.id,
            job=ejection.job,
            file=ejection.file,
            name=f"pushing off {ejection.name}",
            remote_name=ejection.remote_name,
            content=content,
            size=len(ejection.gcode.encode()),
            mark=ejection.mark,
            bed_at_most_degc=ejection.release_degc + SENSOR_DEGC,
            undisturbed_since=undisturbed_since,
        )


class Stage(StrEnum):
    """How far a printer has come with its print order, as it alone can know.

    Everything after UPLOADED means that the start command may have been sent.
    """

    UPLOADING = "uploading"
    UPLOAD_FAILED = "upload_failed"
    UPLOADED = "uploaded"
    STARTING = "starting"
    NOT_STARTED = "not_started"
    HANDED_BACK = "handed_back"  # nothing was begun, and it is no fault of the file: others may print it
    PRINTING = "printing"
    PAUSED = "paused"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Report:
    """What the printer knows about a print order. It stands until the queue says `ForgetPrint`.

    text: one sentence where there is something to explain. file: the print's file, once it lies there whole.
    progress: how far it had come when it was last seen before this stage, 0..1. measured: how long its phases
    took, of one that went well and was watched from the first byte to the end.
    undisturbed_since: as `PrinterChanged` had it then, where the printer was in sight without a break from
    the start of the print, or from when it was seen at work on it; None where it was not.
    """

    print: str
    stage: Stage
    text: str = ""
    file: RemoteFile | None = None
    progress: float | None = None
    measured: Measured | None = None
    undisturbed_since: float | None = None


@dataclass(frozen=True, slots=True)
class TakePrint(Ask[None]):
    """Bring the file to the printer. Answered when the upload has begun; saying it again is harmless.

    Raises Refused when the printer is away or busy.
    """

    order: PrintOrder


@dataclass(frozen=True, slots=True)
class StartPrint(Ask[None]):
    """Send the start command. The row `starting` must be committed before this is asked.

    Answered when the command is on its way; saying it again for the same print sends nothing twice.
    """

    print: str


@dataclass(frozen=True, slots=True)
class WatchPrint(Ask[None]):
    """The start of this print may have been sent already: find out what became of it, send nothing."""

    order: PrintOrder


@dataclass(frozen=True, slots=True)
class ForgetPrint:
    """The end of this print is committed; the printer need not report it any longer."""

    print: str


@dataclass(frozen=True, slots=True)
class PlateIs(Latest):
    """What the queue, which owns the plates, knows about this printer's plate."""

    plate: Plate

    @property
    def key(self) -> Hashable:
        return PlateIs


@dataclass(frozen=True, slots=True)
class EjectorIs(Latest):
    """How this printer stands that pushes prints off by itself; None for one that does not."""

    ejector: Ejector | None

    @property
    def key(self) -> Hashable:
        return EjectorIs


@dataclass(frozen=True, slots=True)
class RunCommand(Ask[None]):
    """Do what a person wants. Answered at once: accepted, or Refused with the reason.

    id: names the command; how it went is the fact `printer.commandFinished` with this id.
    Raises Forbidden, Invalid for a value outside its limits, Overloaded when too many wait.
    """

    id: str
    command: Command


class Halted(StrEnum):
    """What an emergency stop could be: all of it, or the end of a print on a printer that takes no more."""

    STOPPED = "stopped"
    ONLY_CANCELLED = "only_cancelled"  # heaters may stay on: somebody has to switch it off


@dataclass(frozen=True, slots=True)
class EmergencyStop(Ask[Halted]):
    """Stop motion and heaters now. Answered when the printer's host has taken it.

    From then on the printer is in `emergency`: nothing is sent to it until a person clears that.
    Raises PrinterUnreachable when the host could not be reached; the printer is latched all the same.
    """


@dataclass(frozen=True, slots=True)
class SettingsAre(Latest):
    """What the shop set up is another than before. A new address is called at once, a print goes on."""

    printer: Printer

    @property
    def key(self) -> Hashable:
        return SettingsAre


@dataclass(frozen=True, slots=True)
class ReadConsole(Ask[Lines]):
    """What was sent to this printer and what it said, after the line of this number."""

    since: int = 0


@dataclass(frozen=True, slots=True)
class ReadFlight(Ask[str]):
    """What was last said between the farm and this printer's host, as lines of text, without secrets.

    Raises Forbidden.
    """


@dataclass(frozen=True, slots=True)
class LookAnew(Latest):
    """The computer slept, or the like: what is known of a printer, and its line, may be long out of date.

    why: a sentence.
    """

    why: str

    @property
    def key(self) -> Hashable:
        return LookAnew


PrinterMessage = (
    TakePrint
    | StartPrint
    | WatchPrint
    | ForgetPrint
    | PlateIs
    | EjectorIs
    | RunCommand
    | EmergencyStop
    | SettingsAre
    | ReadConsole
    | ReadFlight
    | LookAnew
)


@dataclass(frozen=True, slots=True)
class PrinterChanged(Latest):
    """A printer's newest status, told by its actor to the queue.

    undisturbed_since: from when on, on the monotonic clock, it has been in sight without a break, and nobody
    stopped it, put it aside or told it to move or heat. Never the same again after a disturbance.
    """

    printer: Printer
    status: PrinterStatus
    report: Report | None
    undisturbed_since: float = 0.0

    @property
    def key(self) -> Hashable:
        return self.printer.id


@dataclass(frozen=True, slots=True)
class PrinterGone(Latest):
    """The printer was taken out of the farm."""

    printer: str

    @property
    def key(self) -> Hashable:
        return self.printer


@dataclass(frozen=True, slots=True)
class ObstacleGone(Latest):
    """What kept printers from beginning anything may have gone."""

    @property
    def key(self) -> Hashable:
        return ObstacleGone


@dataclass(frozen=True, slots=True)
class AddPrinter(Ask[Printer]):
    """Set up a printer and start its actor. Raises Invalid when the id is taken or something is wrong."""

    printer: Printer


@dataclass(frozen=True, slots=True)
class Listed:
    """A printer of a list. where: "line 7" and the like. printer: None where `problem` says what is wrong.

    A printer without an id gets one made of its name.
    """

    where: str
    name: str
    printer: Printer | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Imported:
    """What became, or would become, of a printer of a list. id: "" where `problem` says what is wrong."""

    where: str
    id: str
    name: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ImportPrinters(Ask[list[Imported]]):
    """Set up all printers of a list: all of them, or none where something is wrong with one."""

    printers: tuple[Listed, ...]


@dataclass(frozen=True, slots=True)
class ChangePrinter(Ask[Printer]):
    """Set a printer up otherwise; what it prints goes on. changes: see `settings.changed_printer`.

    Raises NotFound, Invalid, and Refused for another address, or switching off, while a print begins.
    """

    printer: str
    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RemovePrinter(Ask[None]):
    """Take a printer out of the farm. Raises NotFound, and Refused while it has an active print.

    force: also then; nobody will know how that print ends, and its job waits for a person.
    """

    printer: str
    force: bool = False


@dataclass(frozen=True, slots=True)
class ProbePrinter(Ask["Probed"]):
    """Look who answers at an address, without adding anything. Takes 10 s at most."""

    url: str
    api_key: str = ""
    tls: str = "system"
    username: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True)
class Probed:
    """kind: None when nobody the farm can drive answers; then `problem` says in a sentence why not."""

    kind: str | None
    version: str | None = None
    name: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class AddChore(Ask[Standing]):
    """Something to be done on a printer, or on all with one of its tags, after so many hours of printing.

    since_h: hours printed since it was done last. blocks: whether nothing is begun while it is due.
    Raises NotFound, Invalid, and Refused when there are too many.
    """

    printer: str
    what: str
    every_h: float
    tag: str | None = None
    blocks: bool = False
    since_h: float = 0.0


@dataclass(frozen=True, slots=True)
class ChangeChore(Ask[Standing]):
    """Make something else of a chore. changes: of what, every_h and blocks. Raises NotFound, Invalid."""

    printer: str
    chore: str
    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RemoveChore(Ask[None]):
    """Take a chore out, with a tag's on all printers that have it. Raises NotFound."""

    printer: str
    chore: str


@dataclass(frozen=True, slots=True)
class ChoreIsDone(Ask[Standing]):
    """Somebody has done it on this printer: its hours count anew. Raises NotFound, Invalid."""

    printer: str
    chore: str
    note: str = ""


ChoreWish = AddChore | ChangeChore | RemoveChore | ChoreIsDone
"""What people want of a printer's maintenance."""


@dataclass(frozen=True, slots=True)
class AddSpool(Ask[Spool]):
    """A spool of filament that lies on a shelf. Raises Invalid, Refused when there are too many.

    left_g: None where nobody knows.
    """

    material: str
    colour: str | None = None
    name: str = ""
    note: str = ""
    full_g: float = 1000.0
    left_g: float | None = None


@dataclass(frozen=True, slots=True)
class ChangeSpool(Ask[Spool]):
    """Make something else of a spool. changes: by its fields' names. Raises NotFound, Invalid, Refused."""

    spool: str
    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RemoveSpool(Ask[None]):
    """Forget a spool. Raises NotFound, and Refused while it is loaded."""

    spool: str


@dataclass(frozen=True, slots=True)
class LoadSpool(Ask[Spool]):
    """A person has put a spool into a tool; what was in there lies on the shelf from now on.

    Raises NotFound, Invalid, and Refused while it is loaded on another printer.
    """

    spool: str
    printer: str
    tool: int = 0


@dataclass(frozen=True, slots=True)
class UnloadSpool(Ask[Spool]):
    """A person has taken a spool out of its printer. Raises NotFound, Refused when it is in none."""

    spool: str


SpoolWish = AddSpool | ChangeSpool | RemoveSpool | LoadSpool | UnloadSpool
"""What people do with spools."""


@dataclass(frozen=True, slots=True)
class Discover(Ask["Discovered"]):
    """Listen for some seconds who announces a print host in the network, or join who does already."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Discovered:
    """problem: why nobody could be heard, "" where we listened."""

    neighbours: tuple[Neighbour, ...]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class WatchOtherwise(Latest):
    """The shop has said how closely printers are to be watched; a hint: the fleet reads it."""

    @property
    def key(self) -> Hashable:
        return WatchOtherwise


FleetMessage = (
    AddPrinter
    | ImportPrinters
    | ChangePrinter
    | RemovePrinter
    | ProbePrinter
    | Discover
    | ChoreWish
    | SpoolWish
    | WatchOtherwise
    | LookAnew
)
