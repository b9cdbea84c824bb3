"""What to conclude about a print from what its printer says: one table, no I/O.

It serves the running print and the adopted one alike: a restarted actor knows the stage its row gives
it, and then looks at the printer like one that never crashed. `python -m farm.printers.adoption` prints
the table for the README.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import StrEnum

from farm.domain.printer import BUSY, Operation
from farm.drivers.base import Ending, EndKind, Outcome, OutcomeKind, Reading
from farm.printers.messages import Stage

BEGIN_WITHIN_S = 60.0
"""How long a start may stay invisible: OctoPrint may still select the file, or be busy answering."""

DECIDE_WITHIN_S = 60.0
"""How long an end may stay unexplained: hosts write their history a moment after the print."""

WATCHED = frozenset({Stage.STARTING, Stage.PRINTING, Stage.PAUSED})
"""Stages in which the printer itself is the only one to know what comes next."""


class Says(StrEnum):
    """What the printer is doing, as far as this print is concerned."""

    OURS_RUNS = "at work on our file"
    OURS_PAUSED = "paused in our file"
    OTHERWISE = "idle, or at work on something else"


class Evidence(StrEnum):
    """What the print host remembers of this print: of the first one of its file since ours was to begin.

    NOT_NEEDED: the print has been in sight without a break since it was known to be ours.
    """

    NOT_NEEDED = "– (in sight all the while)"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"
    RUNNING = "still running"
    NO_RECORD = "nothing"
    UNKNOWN = "cannot tell"


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The print's next stage, with a sentence where there is something to explain."""

    stage: Stage
    text: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. says: any of them. waited: whether the grace is over. None stands for any."""

    stage: Stage | None
    says: tuple[Says, ...]
    evidence: Evidence
    waited: bool | None
    then: Conclusion | None  # None: look again

    def fits(self, stage: Stage, says: Says, evidence: Evidence, waited: bool) -> bool:
        """Whether this is the line for such a case."""
        return (
            self.stage in (None, stage)
            and says in self.says
            and self.evidence is evidence
            and self.waited in (None, waited)
        )


_NEVER_BEGAN = "the printer never began this print, as far as its host remembers; look at the plate"
_UNSURE = "nobody can tell whether this print began; look at the plate"
_LOST = "the print is gone and its host remembers no end of it; look at the plate"
_THEIRS = "it was over when the printer was seen again; what prints there now was started at the machine"
_SEVERAL = "its file was printed several times, and nobody can tell how our print ended; look at the plate"

_RUNS, _PAUSED, _OTHERWISE = (Says.OURS_RUNS,), (Says.OURS_PAUSED,), (Says.OTHERWISE,)
_AT_WORK = (*_RUNS, *_PAUSED)

ADOPTION: tuple[Row, ...] = (
    Row(None, _RUNS, Evidence.NOT_NEEDED, None, Conclusion(Stage.PRINTING)),
    Row(None, _PAUSED, Evidence.NOT_NEEDED, None, Conclusion(Stage.PAUSED)),
    Row(None, _RUNS, Evidence.RUNNING, None, Conclusion(Stage.PRINTING)),
    Row(None, _PAUSED, Evidence.RUNNING, None, Conclusion(Stage.PAUSED)),
    Row(None, _AT_WORK, Evidence.FINISHED, None, Conclusion(Stage.FINISHED, _THEIRS)),
    Row(None, _AT_WORK, Evidence.CANCELLED, None, Conclusion(Stage.CANCELLED, _THEIRS)),
    Row(None, _AT_WORK, Evidence.FAILED, None, Conclusion(Stage.FAILED, _THEIRS)),
    Row(None, _AT_WORK, Evidence.NO_RECORD, None, None),
    Row(None, _AT_WORK, Evidence.UNKNOWN, False, None),
    Row(None, _AT_WORK, Evidence.UNKNOWN, True, Conclusion(Stage.UNDECIDED, _SEVERAL)),
    Row(None, _OTHERWISE, Evidence.FINISHED, None, Conclusion(Stage.FINISHED)),
    Row(None, _OTHERWISE, Evidence.CANCELLED, None, Conclusion(Stage.CANCELLED)),
    Row(None, _OTHERWISE, Evidence.FAILED, None, Conclusion(Stage.FAILED)),
    Row(None, _OTHERWISE, Evidence.RUNNING, None, None),
    Row(None, _OTHERWISE, Evidence.NO_RECORD, False, None),
    Row(None, _OTHERWISE, Evidence.UNKNOWN, False, None),
    Row(Stage.STARTING, _OTHERWISE, Evidence.NO_RECORD, True, Conclusion(Stage.FAILED, _NEVER_BEGAN)),
    Row(Stage.STARTING, _OTHERWISE, Evidence.UNKNOWN, True, Conclusion(Stage.UNDECIDED, _UNSURE)),
    Row(Stage.PRINTING, _OTHERWISE, Evidence.NO_RECORD, True, Conclusion(Stage.UNDECIDED, _LOST)),
    Row(Stage.PRINTING, _OTHERWISE, Evidence.UNKNOWN, True, Conclusion(Stage.UNDECIDED, _LOST)),
    Row(Stage.PAUSED, _OTHERWISE, Evidence.NO_RECORD, True, Conclusion(Stage.UNDECIDED, _LOST)),
    Row(Stage.PAUSED, _OTHERWISE, Evidence.UNKNOWN, True, Conclusion(Stage.UNDECIDED, _LOST)),
)
"""For a print whose start may have been sent, by its stage. Nothing is ever sent because of it."""


def conclude(
    stage: Stage, says: Says, evidence: Evidence = Evidence.NOT_NEEDED, waited_s: float = 0.0
) -> Conclusion:
    """What a print in `stage` (one of WATCHED) is doing; the same stage means: look again.

    waited_s: seconds in sight of the printer, since the print was last seen running or its start was sent.
    """
    waited = waited_s >= (BEGIN_WITHIN_S if stage is Stage.STARTING else DECIDE_WITHIN_S)
    for row in ADOPTION:
        if row.fits(stage, says, evidence, waited):
            return row.then if row.then is not None else Conclusion(stage)
    raise ValueError(f"the table has no line for {stage}, {says}, {evidence}, waited {waited}")


def is_ours(reading: Reading, remote_name: str) -> bool:
    """Whether the printer is at work on the file of this name."""
    return reading.operation in BUSY and reading.file is not None and reading.file.remote_name == remote_name


def says(reading: Reading, remote_name: str) -> Says:
    """What the printer is doing, as far as the print of this name is concerned."""
    if not is_ours(reading, remote_name):
        return Says.OTHERWISE
    paused = reading.operation in (Operation.PAUSING, Operation.PAUSED)
    return Says.OURS_PAUSED if paused else Says.OURS_RUNS


def witnessed(ending: Ending | None, remote_name: str) -> Evidence | None:
    """The end of this print as we saw it happen, None when we did not."""
    if ending is None or ending.remote_name != remote_name:
        return None
    return _ENDINGS[ending.kind]


def remembered(outcome: Outcome) -> Evidence:
    """The end of a print as its host remembers it."""
    return _OUTCOMES[outcome.kind]


_ENDINGS = {
    EndKind.FINISHED: Evidence.FINISHED,
    EndKind.CANCELLED: Evidence.CANCELLED,
    EndKind.FAILED: Evidence.FAILED,
}
_OUTCOMES = {
    OutcomeKind.RUNNING: Evidence.RUNNING,
    OutcomeKind.FINISHED: Evidence.FINISHED,
    OutcomeKind.FAILED: Evidence.FAILED,
    OutcomeKind.NO_RECORD: Evidence.NO_RECORD,
    OutcomeKind.UNKNOWN: Evidence.UNKNOWN,
}


ENDS = frozenset(_ENDINGS.values())
"""What says that a print is over, and how."""


def as_markdown() -> str:
    """The table as the README shows it."""
    lines = [
        "| our row | the printer is | its host remembers | for a minute | then |",
        "|---|---|---|---|---|",
    ]
    waits = {None: "–", False: "no", True: "yes"}
    for row in ADOPTION:
        then = "look again" if row.then is None else f"`{row.then.stage}`"
        why = f": {row.then.text}" if row.then is not None and row.then.text else ""
        stage = f"`{row.stage}`" if row.stage is not None else "any"
        says = " or ".join(row.says)
        lines.append(f"| {stage} | {says} | {row.evidence} | {waits[row.waited]} | {then}{why} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(as_markdown() + "\n")
