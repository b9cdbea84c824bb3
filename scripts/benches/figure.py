"""What a benchmark measured: a figure, its rival in the same run, and whether the goal was met."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

_GOAL = re.compile(r"(ratio|value)(<=|>=|<|>)(-?\d+(?:\.\d+)?)")
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


@dataclass(frozen=True, slots=True)
class Rival:
    """What the figure is held against: something known, measured in the same run, in the same unit."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number.

    goal: "value" or "ratio" against a number, such as "ratio>=0.6" or "value<=6.0"; None without a goal.
    Raises ValueError for a goal of another shape, for one on the ratio without a rival, and for a rival of 0.
    """

    name: str
    value: float
    unit: str
    rival: Rival | None = None
    goal: str | None = None

    def __post_init__(self) -> None:
        if self.rival is not None and self.rival.value == 0:
            raise ValueError(f"{self.name}: a rival of 0 gives no ratio")
        if self.goal is None:
            return
        parts = _GOAL.fullmatch(self.goal)
        if parts is None:
            raise ValueError(f"{self.name}: the goal {self.goal!r} is not like ratio>=0.6 or value<=6.0")
        if parts[1] == "ratio" and self.rival is None:
            raise ValueError(f"{self.name}: the goal {self.goal!r} needs a rival")

    @property
    def ratio(self) -> float | None:
        """The value as a multiple of the rival's; None without a rival."""
        return None if self.rival is None else self.value / self.rival.value

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without a goal."""
        parts = _GOAL.fullmatch(self.goal or "")
        measured = self.ratio if parts and parts[1] == "ratio" else self.value
        if parts is None or measured is None:
            return None
        return _COMPARE[parts[2]](measured, float(parts[3]))

    def as_json(self) -> dict[str, object]:
        """The figure as `scripts/bench.py --json` prints it."""
        rival = None if self.rival is None else {"name": self.rival.name, "value": self.rival.value}
        return {
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "rival": rival,
            "ratio": self.ratio,
            "goal": self.goal,
            "met": self.met,
        }


def alternating(ours: Callable[[], float], rival: Callable[[], float], rounds: int) -> tuple[float, float]:
    """The median of each, measured in turn (ours, rival, ours, rival …).

    In turn, because a busy machine slows both alike then; rounds: measurements of each, at least 1.
    """
    pairs = [(ours(), rival()) for _ in range(rounds)]
    return median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)
