"""Whether a print may be pushed off now: what is known of its printer, looked at again and again. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto

from farm.domain.ejecting import Ejection
from farm.domain.printer import BUSY, Connection, Operation, PrinterStatus, Temperature
from farm.printers.messages import PrinterChanged

UNREADABLE_FOR_S = 60.0  # a bed whose temperature nobody tells
STILL_SHOWN_S = 60.0  # a print that is over may be shown as going on for a moment
REST_S = 20.0  # after an end: a PrusaLink shows it for a while, and starts nothing till then
OFF_WITHIN_S = 60.0  # a bed that was told to cool

_LOST = "the farm did not have this printer in sight all the while, or somebody was at it"
_IN_THE_WAY = frozenset(
    {Operation.UNKNOWN, Operation.ATTENTION, Operation.MAINTENANCE, Operation.EMERGENCY, Operation.FAILED}
)


@dataclass(frozen=True, slots=True)
class Watch:
    """A printer whose bed cools. undisturbed_since: as it was when the print ended.

    began_at, read_at: since when it cools, and when its bed was last read; told_at: when it was told to cool,
    None for not yet. All on the monotonic clock.
    """

    undisturbed_since: float
    began_at: float
    read_at: float
    told_at: float | None = None

    def seen(self, news: PrinterChanged, now: float) -> Watch:
        """After this look at the printer."""
        return replace(self, read_at=now) if _bed(news.status) is not None else self


class Then(Enum):
    """What is to be done."""

    WAIT = auto()
    COOL = auto()  # switch the bed off
    PUSH = auto()
    LEAVE = auto()  # to a person


@dataclass(frozen=True, slots=True)
class Verdict:
    """why: where it is left to a person. bed_degc: as measured, where it is pushed off."""

    then: Then
    why: str = ""
    bed_degc: float | None = None


_WAIT = Verdict(Then.WAIT)


def judge(ejection: Ejection, watch: Watch, news: PrinterChanged, now: float) -> Verdict:
    """What to do about a print whose bed cools."""
    disturbed = disturbance(watch, news)
    if disturbed:
        return Verdict(Then.LEAVE, disturbed)
    status = news.status
    if status.operation in BUSY:
        shown_still = status.foreign_file == ejection.printed_as and now < watch.began_at + STILL_SHOWN_S
        return _WAIT if shown_still else Verdict(Then.LEAVE, "something else was begun on this printer")
    bed = _bed(status)
    if bed is None or bed.actual is None:
        unreadable = now >= watch.read_at + UNREADABLE_FOR_S
        return Verdict(Then.LEAVE, "the temperature of its bed cannot be read") if unreadable else _WAIT
    if bed.target:
        if watch.told_at is None:
            return Verdict(Then.COOL)
        if now >= watch.told_at + OFF_WITHIN_S:
            return Verdict(Then.LEAVE, f"its bed does not cool: it is told to keep {bed.target:g} °C")
        return _WAIT
    if bed.actual > ejection.release_degc:
        if now < watch.began_at + ejection.cool_within_s:
            return _WAIT
        minutes = round(ejection.cool_within_s / 60)
        why = f"after {minutes} min its bed is still at {bed.actual:.0f} °C, above {ejection.release_degc:g}"
        return Verdict(Then.LEAVE, why)
    idle = status.operation is Operation.IDLE and now >= watch.began_at + REST_S
    return Verdict(Then.PUSH, bed_degc=bed.actual) if idle else _late(ejection, watch, status, now)


def _late(ejection: Ejection, watch: Watch, status: PrinterStatus, now: float) -> Verdict:
    if now < watch.began_at + ejection.cool_within_s:
        return _WAIT
    return Verdict(Then.LEAVE, f"it is {status.operation} still")


def disturbance(watch: Watch | None, news: PrinterChanged) -> str:
    """Why nothing is begun on a printer on which nothing has been begun yet, "" for nothing."""
    profile, status = news.printer.profile, news.status
    if not profile.auto_eject or profile.ejection is None:
        return "it does not push prints off by itself any more"
    if watch is None or news.undisturbed_since != watch.undisturbed_since:
        return _LOST
    if status.connection is not Connection.ONLINE:
        return f"it is {status.connection}; {_LOST}"
    return f"it is in {status.operation}" if status.operation in _IN_THE_WAY else ""


def _bed(status: PrinterStatus) -> Temperature | None:
    bed = status.temperatures.get("bed")
    return bed if bed is not None and bed.actual is not None else None
