"""What the queue does next for one printer: a table of what is committed and what the printer reports.

The queue does not remember what it was about to do. It compares, whenever anything changes, the row in
the database with the printer's report, and takes the one step that brings them closer. So a crash
between any two steps needs no repair of its own: the comparison starts again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from farm.domain.job import PrintState
from farm.domain.printer import Plate
from farm.printers.messages import Stage


class Do(Enum):
    """The step to take."""

    NOTHING = auto()
    SEND_FILE = auto()  # commit `uploading`, then ask the printer to take the print
    SEND_START = auto()  # commit `starting`, then ask the printer to start
    WATCH = auto()  # ask the printer to find out what became of it; nothing is sent
    NOTE = auto()  # commit the state the printer reports
    TAKE_BACK = auto()  # nothing was begun: commit `cancelled`, and the job goes to whoever is free


@dataclass(frozen=True, slots=True)
class Step:
    """What to do; for NOTE also the state to commit, and the plate if it changes."""

    do: Do
    state: PrintState | None = None
    plate: Plate | None = None


_NOTHING = Step(Do.NOTHING)
_FINISHED = Step(Do.NOTE, PrintState.FINISHED, Plate.OCCUPIED)
_FAILED = Step(Do.NOTE, PrintState.FAILED, Plate.OCCUPIED)
_CANCELLED = Step(Do.NOTE, PrintState.CANCELLED, Plate.OCCUPIED)
_UNKNOWN = Step(Do.NOTE, PrintState.UNKNOWN, Plate.UNKNOWN)
_NEVER_BEGUN = Step(Do.NOTE, PrintState.FAILED)  # no start command went out: the plate is as it was

STEPS: dict[tuple[PrintState, Stage | None], Step] = {
    (PrintState.RESERVED, None): Step(Do.SEND_FILE),
    # The printer knows nothing of it: its actor restarted before anything was sent. Upload again.
    (PrintState.UPLOADING, None): Step(Do.SEND_FILE),
    (PrintState.UPLOADING, Stage.UPLOADING): _NOTHING,
    (PrintState.UPLOADING, Stage.HANDED_BACK): Step(Do.TAKE_BACK),
    (PrintState.UPLOADING, Stage.UPLOAD_FAILED): _NEVER_BEGUN,
    (PrintState.UPLOADING, Stage.UPLOADED): Step(Do.SEND_START),
    # Committed, but the printer was not asked yet: only this stage proves that nothing was sent.
    (PrintState.STARTING, Stage.UPLOADED): Step(Do.SEND_START),
    (PrintState.STARTING, Stage.NOT_STARTED): _NEVER_BEGUN,
    (PrintState.STARTING, Stage.HANDED_BACK): Step(Do.TAKE_BACK),
    (PrintState.STARTING, Stage.STARTING): _NOTHING,
    (PrintState.STARTING, Stage.PRINTING): Step(Do.NOTE, PrintState.PRINTING, Plate.OCCUPIED),
    (PrintState.STARTING, Stage.PAUSED): Step(Do.NOTE, PrintState.PAUSED, Plate.OCCUPIED),
    (PrintState.PRINTING, Stage.PRINTING): _NOTHING,
    (PrintState.PRINTING, Stage.PAUSED): Step(Do.NOTE, PrintState.PAUSED),
    (PrintState.PAUSED, Stage.PAUSED): _NOTHING,
    (PrintState.PAUSED, Stage.PRINTING): Step(Do.NOTE, PrintState.PRINTING),
    **{
        (state, None): Step(Do.WATCH)
        for state in (PrintState.STARTING, PrintState.PRINTING, PrintState.PAUSED)
    },
    **{
        (state, stage): step
        for state in (PrintState.STARTING, PrintState.PRINTING, PrintState.PAUSED)
        for stage, step in (
            (Stage.FINISHED, _FINISHED),
            (Stage.FAILED, _FAILED),
            (Stage.CANCELLED, _CANCELLED),
            (Stage.UNDECIDED, _UNKNOWN),
        )
    },
}


def next_step(state: PrintState, stage: Stage | None) -> Step:
    """The step for an active print in `state` whose printer reports `stage`, None if it reports nothing.

    A pair outside the table cannot come about; should it, a person is asked to look.
    """
    return STEPS.get((state, stage), _UNKNOWN)
