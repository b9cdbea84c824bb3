"""What several looks at one PrusaLink show together: the print that is on, the last end, what stands still.

No I/O, no clock. PrusaLink forgets a print with its end and has no states on the way to one, so what was
seen and asked for a moment ago is kept here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from msgspec import structs

from farm.domain.printer import BUSY, Operation
from farm.drivers.base import Ending, EndKind, LoadedFile, Outcome, OutcomeKind, Reading
from farm.drivers.prusalink import protocol
from farm.drivers.prusalink.protocol import Status

STALE_S = 90.0  # its temperatures come every 2 s, but for the first minute there may be none
OVER_S = 12.0  # after an end; on a Raspberry Pi nothing begins for 11 s, on other printers at once
BLIND_S = 30.0  # without a look: another print may have come and gone
ASKED_FOR_S = 300.0  # a pause or cancel waits for the heat-up that it falls into

_ENDS = {protocol.FINISHED: EndKind.FINISHED, protocol.STOPPED: EndKind.CANCELLED}
_UNTIL_DONE = {
    Operation.PAUSING: frozenset({Operation.PRINTING}),
    Operation.RESUMING: frozenset({Operation.PAUSED}),
    Operation.CANCELLING: frozenset({Operation.PRINTING, Operation.PAUSED}),
}
_MOVING = BUSY - {Operation.PAUSED}


@dataclass(frozen=True, slots=True)
class _Print:
    """The print that is on. job: its number, None where PrusaLink does not know it yet."""

    job: int | None
    remote_name: str
    printed_s: float | None = None


@dataclass(frozen=True, slots=True)
class _Wish:
    """What was accepted for a print, and shows until the printer shows more."""

    job: int
    operation: Operation
    at: float


class Session:
    """One printer's recent past. Times are seconds of a monotonic clock."""

    def __init__(self, stale_s: float = STALE_S, over_s: float = OVER_S) -> None:
        """stale_s: how long values may stand still while it works. over_s: after an end, until it is idle."""
        self._stale_s = stale_s
        self._over_s = over_s
        self._over_since: float | None = None
        self._status = Status("")
        self._looked_at = float("-inf")
        self._print: _Print | None = None
        self._first: _Print | None = None  # under the name of the newest
        self._ended: Ending | None = None
        self._wish: _Wish | None = None
        self._marks: tuple[object, ...] = ()
        self._moved_at = 0.0

    def take(self, status: Status, now: float) -> bool:
        """Take in a look. Whether PrusaLink has to be asked first which file it prints; see `named`."""
        if now - self._looked_at > BLIND_S:
            self._print = None
        self._status, self._looked_at = status, now
        self._over_since = (self._over_since or now) if status.state in _ENDS else None
        job, known = status.job, self._print
        if job is not None and known is not None and known.job == job.id:
            self._print = known = replace(known, printed_s=job.elapsed_s or known.printed_s)
        self._note_an_end()
        if job is None or status.state in _ENDS:
            return False
        return known is None or known.job is None or known.job != job.id

    def named(self, job: int | None, remote_name: str) -> None:
        """The print that is on, as PrusaLink says when asked."""
        shown = self._status.job
        before, self._print = self._print, _Print(job, remote_name, shown.elapsed_s if shown else None)
        if before is None or before.job != job:
            self._ended = None
        if self._first is None or self._first.remote_name != remote_name or self._first.job is None:
            self._first = self._print

    def asked(self, job: int, operation: Operation, now: float) -> None:
        """A command for this print was accepted; what it does shows later."""
        self._wish = _Wish(job, operation, now)

    def reading(self) -> Reading:
        """What the last look shows, with what is known besides."""
        status = self._status
        if status.loss is not None:
            words = status.problem or "it shows an error"
            return Reading(False, Operation.UNKNOWN, status.state, words, loss=status.loss, ended=self._ended)
        operation = self._operation()
        reading = Reading(
            machine_connected=True,
            operation=operation,
            text=status.state,
            temperatures=status.temperatures,
            file=self._file(),
            attention=status.problem or _sentence(status),
            ended=self._ended,
            z_mm=status.z_mm,
            position=status.position,
            fans=status.fans,
        )
        return self._judged(reading)

    def outcome(self, remote_name: str, shown: str | None) -> Outcome:
        """How the print of a file ended, as far as it was seen. shown: the file of the job that is shown."""
        running = self._print is not None and self._print.remote_name == remote_name
        if self._ended is not None and self._ended.remote_name == remote_name:
            return _outcome(self._ended.kind, self._ended.printed_s, running)
        if shown == remote_name and (kind := _ENDS.get(self._status.state)) is not None:
            return _outcome(kind, None, False)
        if running and self._first is not None and self._print is not None:
            if self._first.job in (None, self._print.job):
                return Outcome(OutcomeKind.RUNNING, f"PrusaLink is printing {remote_name}.")
            return Outcome(OutcomeKind.UNKNOWN, "It was started anew, and PrusaLink forgets how prints end.")
        return Outcome(OutcomeKind.UNKNOWN, "PrusaLink does not remember prints that are over.")

    def _note_an_end(self) -> None:
        """A print that is over; without a word of PrusaLink nobody knows how it ended."""
        status, over = self._status, self._print
        kind = EndKind.FAILED if status.loss is not None else _ENDS.get(status.state)
        still_shown = status.job is not None
        if over is None or (still_shown and (kind is None or status.loss is not None)):
            return
        if kind is not None:
            self._ended = Ending(over.remote_name, kind, status.problem, over.printed_s)
        self._print = None

    def _operation(self) -> Operation:
        """What it does; what it was asked to do, until it does that."""
        if self._over_since is not None and self._looked_at - self._over_since < self._over_s:
            return Operation.FINISHED
        seen, wish, job = self._status.operation, self._wish, self._status.job
        if wish is None or job is None:
            return seen
        pending = wish.job == job.id and self._looked_at - wish.at < ASKED_FOR_S
        if pending and seen in _UNTIL_DONE[wish.operation]:
            return wish.operation
        self._wish = None
        return seen

    def _file(self) -> LoadedFile | None:
        job, known = self._status.job, self._print
        if job is None or known is None:
            return None
        return LoadedFile(known.remote_name, job.progress, job.elapsed_s, job.remaining_s)

    def _judged(self, reading: Reading) -> Reading:
        """`reading`, marked stale where nothing in it has moved for too long."""
        status, now = self._status, self._looked_at
        marks = (reading.operation, status.job, status.temperatures, status.z_mm)
        if marks != self._marks or reading.operation not in _MOVING:
            self._marks, self._moved_at = marks, now
        stood_s = now - self._moved_at
        if stood_s < self._stale_s:
            return reading
        words = (
            f"PrusaLink has had nothing new from its printer for {stood_s:.0f} s: it hangs, or is busy with "
            "one long command. Look at it."
        )
        return structs.replace(reading, stale=True, attention=words)


def _sentence(status: Status) -> str:
    if status.state == protocol.ATTENTION:
        return "It waits for somebody: look at its screen."
    if status.state == protocol.BUSY and status.job is None:
        return "It is busy with something that is no print."
    return ""


def _outcome(kind: EndKind, printed_s: float | None, still_runs: bool) -> Outcome:
    if kind is EndKind.FINISHED:
        return Outcome(OutcomeKind.FINISHED, "PrusaLink printed it to its end.", printed_s, still_runs)
    words = "It was stopped." if kind is EndKind.CANCELLED else "An error of the printer broke it off."
    return Outcome(OutcomeKind.FAILED, words, printed_s, still_runs)
