"""What is worth a line of all that printers say of themselves. No I/O, and no clock of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from farm.domain.occupation import Occupation, Trouble, occupation_of, trouble_of
from farm.domain.printer import PrinterStatus, PrintProgress
from farm.history.messages import StatusSeen
from farm.store.histories import (
    SLOT_S,
    Lines,
    OpenTrouble,
    ProgressLine,
    StatusLine,
    TroubleBegun,
    TroubleEnded,
)

LONGEST_UNSEEN_S = 60.0  # between two words of a printer: what happened in a longer gap nobody knows
PROGRESS_STEP = 0.01
PROGRESS_EVERY_S = 300.0  # where a print hardly gets on
NEVER = float("-inf")


@dataclass(slots=True)
class _Page:
    """What was noted last of one printer, and when it was heard of, on the clock that never goes back."""

    occupation: Occupation = Occupation.OFFLINE
    heard: float = NEVER
    shown: tuple[object, ...] = ()
    trouble: Trouble | None = None
    print: str | None = None
    progress: float = 0.0
    progress_noted: float = NEVER


class Book:
    """Notes what changes, and adds up what printers' time goes into."""

    def __init__(self) -> None:
        self._pages: dict[str, _Page] = {}
        self._unwritten = Lines()

    def take_up(self, troubles: Iterable[OpenTrouble]) -> None:
        """What was the matter when the farm was stopped: it ends with the next word, or goes on."""
        for printer, trouble in troubles:
            self._pages[printer] = _Page(trouble=trouble)

    def see(self, seen: StatusSeen) -> None:
        """A printer stands so now."""
        page = self._pages.setdefault(seen.printer, _Page())
        self._count(seen, page)
        self._note_status(seen, page)
        self._note_trouble(seen, page)
        if seen.status.print is not None:
            self._note_progress(seen, seen.status.print, page)

    def forget(self, printer: str, at: datetime) -> None:
        """It was taken out of the farm: nothing is the matter with it any more."""
        page = self._pages.pop(printer, _Page())
        if page.trouble is not None:
            self._unwritten.troubles.append(TroubleEnded(printer, at))

    def take(self) -> Lines:
        """All that is not written yet; the book has it no more."""
        lines, self._unwritten = self._unwritten, Lines()
        return lines

    @property
    def is_urgent(self) -> bool:
        """Whether there is more to write than time that went on."""
        return self._unwritten.is_urgent

    def put_back(self, lines: Lines) -> None:
        """It could not be written: keep it for the next try, as far as there is room."""
        lines.extend(self._unwritten)
        self._unwritten = lines

    def _count(self, seen: StatusSeen, page: _Page) -> None:
        for_s = seen.now - page.heard
        if 0 < for_s <= LONGEST_UNSEEN_S:
            slot = int(seen.at.timestamp() // SLOT_S) * SLOT_S
            self._unwritten.seconds[seen.printer, slot, page.occupation] += for_s
        page.heard, page.occupation = seen.now, occupation_of(seen.status)

    def _note_status(self, seen: StatusSeen, page: _Page) -> None:
        shown = _shown(seen.status)
        if shown == page.shown:
            return
        page.shown = shown
        status = seen.status
        self._unwritten.statuses.append(
            StatusLine(
                seen.printer,
                seen.at,
                status.connection,
                status.operation,
                status.plate,
                page.occupation,
                status.print.id if status.print is not None else None,
                status.message,
            )
        )

    def _note_trouble(self, seen: StatusSeen, page: _Page) -> None:
        now = trouble_of(seen.status)
        if now is page.trouble:
            return
        if page.trouble is not None:
            self._unwritten.troubles.append(TroubleEnded(seen.printer, seen.at))
        if now is not None:
            print_id = seen.status.print.id if seen.status.print is not None else None
            self._unwritten.troubles.append(
                TroubleBegun(seen.printer, seen.at, now, print_id, seen.status.message)
            )
        page.trouble = now

    def _note_progress(self, seen: StatusSeen, told: PrintProgress, page: _Page) -> None:
        if told.progress is None:
            return
        other = told.id != page.print
        moved = abs(told.progress - page.progress) >= PROGRESS_STEP
        late = seen.now - page.progress_noted >= PROGRESS_EVERY_S
        if not (other or moved or late or (told.progress == 1.0 and page.progress < 1.0)):
            return
        page.print, page.progress, page.progress_noted = told.id, told.progress, seen.now
        self._unwritten.progress.append(
            ProgressLine(told.id, seen.at, told.progress, told.elapsed_s, told.remaining_s)
        )


def _shown(status: PrinterStatus) -> tuple[object, ...]:
    """What a change of makes a line; words alone do not."""
    running = status.print.id if status.print is not None else None
    return status.connection, status.operation, status.plate, status.foreign, running
