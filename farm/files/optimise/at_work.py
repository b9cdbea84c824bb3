"""What the worker process of smaller copies does; see `farm.workers.inside`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from farm.domain.file import FileKind
from farm.domain.optimising import Optimising, Proven
from farm.errors import Invalid
from farm.files.samples import SAMPLES


@dataclass(frozen=True, slots=True)
class Asked:
    """source, target: paths."""

    source: str
    target: str
    wish: Optimising


@dataclass(frozen=True, slots=True)
class Made:
    """proven: None where the disk is to blame, with the problem in words."""

    proven: Proven | None
    problem: str = ""


def warm_up() -> None:
    """Import what the work takes, and compile its kernels where nobody has."""
    from farm.files.optimise.copying import Wishes
    from farm.files.optimise.proof import write_proven_copy

    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "sample.gcode")
        source.write_bytes(dict(SAMPLES)[FileKind.GCODE])
        write_proven_copy(source, Path(folder, "copy.gcode"), Wishes())


def work(asked: Asked, tell: Callable[[float], None]) -> Made:
    """One copy. Raises Invalid where there is to be none."""
    from farm.files.optimise.arcs import ArcSupport
    from farm.files.optimise.copying import Wishes
    from farm.files.optimise.proof import write_proven_copy

    wish = asked.wish
    tolerance = wish.arc_tolerance_mm
    arcs = None if tolerance is None else ArcSupport(tolerance, wish.arc_step_mm)
    wishes = Wishes(wish.comments, arcs, wish.progress)
    try:
        proven = write_proven_copy(Path(asked.source), Path(asked.target), wishes, tell)
    except OSError as error:
        return Made(None, f"the shop PC's disk refused it ({error.strerror or error})")
    before, after = proven.savings.before, proven.savings.after
    if after.bytes >= before.bytes and (not wish.progress or after == before):
        raise Invalid("it would be no smaller")
    return Made(proven)
