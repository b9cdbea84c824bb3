"""What to conclude about a print from what its printer says: one table, no I/O.

It serves the running print and the adopted one alike: a restarted actor knows the stage its row gives
it, and then looks at the printer like one that never crashed.
"""

from __future__ import annotations

from dataclasses import dataclass

from farm.domain.printer import BUSY, Operation
from farm.drivers.base import Outcome, OutcomeKind, Reading
from farm.printers.messages import Stage

BEGIN_WITHIN_S = 60.0
"""How long a start may stay invisible: OctoPrint may still select the file, or be busy answering."""

DECIDE_WITHIN_S = 60.0
"""How long an end may stay unexplained: hosts write their history a moment after the print."""

WATCHED = frozenset({Stage.STARTING, Stage.PRINTING, Stage.PAUSED})
"""Stages in which the printer itself is the only one to know what comes next."""

_PAUSED = frozenset({Operation.PAUSING, Operation.PAUSED})


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The print's next stage, with a sentence where there is something to explain."""

    stage: Stage
    text: str = ""


def is_ours(reading: Reading, remote_name: str) -> bool:
    """Whether the printer is at work on the file of this name, which no other print shares."""
    return reading.operation in BUSY and reading.file is not None and reading.file.remote_name == remote_name


def from_reading(reading: Reading) -> Conclusion:
    """What a print is doing while its printer works on it."""
    return Conclusion(Stage.PAUSED if reading.operation in _PAUSED else Stage.PRINTING)


_ENDED: dict[OutcomeKind, Conclusion] = {
    OutcomeKind.FINISHED: Conclusion(Stage.FINISHED),
    OutcomeKind.FAILED: Conclusion(Stage.FAILED),
}

# The printer works on something else or on nothing, and its host remembers no end of this print.
# Within the grace we look again; after it, this is what we believe.
_TOO_LATE: dict[tuple[Stage, OutcomeKind], Conclusion] = {
    (Stage.STARTING, OutcomeKind.NO_RECORD): Conclusion(
        Stage.FAILED, "the printer never began this print, as far as it remembers"
    ),
    (Stage.STARTING, OutcomeKind.UNKNOWN): Conclusion(
        Stage.UNDECIDED, "nobody can tell whether this print began; look at the plate"
    ),
    (Stage.PRINTING, OutcomeKind.NO_RECORD): Conclusion(
        Stage.UNDECIDED, "the print is gone and its host remembers no end of it; look at the plate"
    ),
    (Stage.PRINTING, OutcomeKind.UNKNOWN): Conclusion(
        Stage.UNDECIDED, "the print is over, but its host does not tell how it ended; look at the plate"
    ),
}


def from_outcome(stage: Stage, outcome: Outcome, waited_s: float) -> Conclusion:
    """What became of a print that its printer is not at work on.

    stage: one of WATCHED. waited_s: seconds since the print was last seen running, or since its start
    was sent. Returns the same stage while it is too early to tell.
    """
    ended = _ENDED.get(outcome.kind)
    if ended is not None:
        return Conclusion(ended.stage, outcome.text if ended.stage is Stage.FAILED else "")
    if outcome.kind is OutcomeKind.RUNNING:
        return Conclusion(stage)
    patience_s = BEGIN_WITHIN_S if stage is Stage.STARTING else DECIDE_WITHIN_S
    if waited_s < patience_s:
        return Conclusion(stage)
    seen = Stage.STARTING if stage is Stage.STARTING else Stage.PRINTING
    return _TOO_LATE[seen, outcome.kind]
