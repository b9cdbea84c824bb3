"""What a copy would print beside what its original prints: only a copy that prints the same is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from pathlib import Path

from farm.domain.analysis import Box
from farm.domain.file import FileKind
from farm.domain.optimising import Comments, Proven
from farm.errors import Invalid
from farm.files.containers.opening import open_gcode
from farm.files.gcode.machine import Machine, machine_of
from farm.files.gcode.survey import Survey, survey
from farm.files.optimise.additions import Additions, Progress
from farm.files.optimise.copying import Wishes, require_plain, write_copy
from farm.files.slicers.metadata import describe

ROUNDING_MM = 0.002  # of sums of words that were rounded themselves
TIME_SHARE = 0.01  # by which it may take longer, or shorter
TIME_S = 1.0  # or this, of a print of seconds

_READ_SHARE = 0.1  # of all the work: a survey of the original, and one of the copy


def write_proven_copy(
    source: Path, target: Path, wishes: Wishes, tell: Callable[[float], None] = lambda share: None
) -> Proven:
    """Write the copy that was wished for, and read it again as any other file.

    tell: is called now and then with the share of the work that is done, 0 to 1. Raises OSError, and Invalid
    with the reason where there is to be no copy: then what is in the target is of no use.
    """
    require_plain(source)
    size = max(1, source.stat().st_size)
    with open_gcode(source, FileKind.GCODE) as file:
        firmware = describe(file).firmware
        machine = machine_of(file.said, firmware)
        before = survey(file.text, machine, lambda read: tell(_READ_SHARE * read / size))
    additions = _additions(before, wishes, klipper=firmware == "klipper")
    writing = 1 - 2 * _READ_SHARE
    savings = write_copy(
        source, target, wishes, lambda read: tell(_READ_SHARE + writing * read / size), additions
    )
    size = max(1, savings.after.bytes)
    with target.open("rb") as copy:
        after = survey(copy, machine, lambda read: tell(1 - _READ_SHARE + _READ_SHARE * read / size))
    wrong = next(differences(before, after, wishes, _seconds(additions.tail, machine)), None)
    if wrong is not None:
        raise Invalid(f"a copy would not print the same: {wrong}")
    return Proven(savings, (before.time_s.moves, after.time_s.moves))


def _additions(found: Survey, wishes: Wishes, *, klipper: bool) -> Additions:
    progress, tail = None, list[bytes]()
    if wishes.progress and found.progress_lines == 0:
        progress = Progress(found.time_s.moves, [int(line) for line in found.minute_lines])
    if wishes.ejection is not None:
        if found.printed is None:
            raise Invalid("it prints nothing that could be pushed off")
        tail = wishes.ejection.lines(found.printed.z[1], klipper=klipper)
    return Additions(progress, tail)


def _seconds(tail: Sequence[bytes], machine: Machine) -> float:
    """What a tail takes, from wherever: its moves once more at the most, for the way to where it begins."""
    return 2 * survey(BytesIO(b"\n".join([*tail, b""])), machine).time_s.moves if tail else 0.0


def differences(before: Survey, after: Survey, wishes: Wishes, tail_s: float = 0.0) -> Iterator[str]:
    """In what a copy is not as its original, in words. Times and places may differ a little, as promised.

    tail_s: the most that its tail may take.
    Not by the names of what is drawn: these are comments. Nor by layers that are found by comments.
    """
    if not _same_filament(before.filament_mm, after.filament_mm):
        yield f"it takes {_listed(after.filament_mm)} mm of filament, not {_listed(before.filament_mm)} mm"
    may_stray = ROUNDING_MM + (wishes.arcs.tolerance_mm if wishes.arcs is not None else 0.0)
    if not _same_box(before.printed, after.printed, may_stray):
        yield "it prints elsewhere"
    took, takes = before.time_s.moves, after.time_s.moves
    may_differ = max(TIME_S, TIME_SHARE * took)
    if not took - may_differ <= takes <= took + may_differ + tail_s:
        yield f"it takes {takes:.0f} s, not {took:.0f} s"
    if before.temperatures != after.temperatures:
        yield "it prints at other temperatures"
    was, now = ([f"{danger.command} {danger.why}" for danger in each.dangerous] for each in (before, after))
    if was != now:
        yield next(
            (f"its {danger}" for danger in now if danger not in was), "it has other dangerous commands"
        )
    for name, words in _COUNTED.items():
        if getattr(before, name) != getattr(after, name):
            yield f"it has {getattr(after, name)} {words}, not {getattr(before, name)}"
    if not wishes.progress and before.progress_lines != after.progress_lines:
        yield "it tells the printer of its progress otherwise"
    if wishes.comments is not Comments.NONE and before.layers != after.layers:
        yield "it has other layers"


_COUNTED = {
    "retractions": "retractions",
    "tool_changes": "tool changes",
    "filament_changes": "filament changes",
    "pauses": "pauses",
    "more_dangers": "more dangerous commands",
    "unread": "words that are no numbers",
    "bad_arcs": "arcs that are none",
    "unknown_tools": "tools that no printer has",
}


def _same_filament(before: Sequence[float], after: Sequence[float]) -> bool:
    return len(before) == len(after) and all(
        abs(now - was) <= ROUNDING_MM for was, now in zip(before, after, strict=True)
    )


def _same_box(before: Box | None, after: Box | None, may_stray: float) -> bool:
    if before is None or after is None:
        return before is after
    edges = zip(before.x + before.y + before.z, after.x + after.y + after.z, strict=True)
    return all(abs(now - was) <= may_stray for was, now in edges)


def _listed(numbers: Sequence[float]) -> str:
    return " + ".join(f"{number:.3f}" for number in numbers) or "0"
