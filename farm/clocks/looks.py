"""What a look at the computer's clocks shows beside the one before. Pure."""

from __future__ import annotations

from dataclasses import dataclass

NOTICED_S = 2.0  # what a time server corrects on the way is less, and nobody has to know
STOOD_S = 5.0  # longer than any garbage collection or swapped-out moment of a healthy shop PC


@dataclass(frozen=True, slots=True)
class Look:
    """All clocks at one moment, in seconds.

    wall: Unix time. steady: the clock of all deadlines, which is never set; while the computer sleeps it
    stands still on Linux and macOS, and goes on on Windows. lived: since the computer began, with all sleep.
    """

    wall: float
    steady: float
    lived: float


@dataclass(frozen=True, slots=True)
class Gap:
    """What happened between two looks, in seconds; 0.0 for what did not.

    slept_s: the computer slept, and the clock of all deadlines with it. stood_s: that clock went on, and
    nothing in this process did. set_by_s: the time of day was set forward, or back where it is negative.
    """

    slept_s: float = 0.0
    stood_s: float = 0.0
    set_by_s: float = 0.0

    @property
    def was_away(self) -> bool:
        """Whether something may have happened that the farm saw nothing of.

        A time of day set forward may be all that shows of a virtual machine that was halted.
        """
        return bool(self.slept_s or self.stood_s) or self.set_by_s > 0.0

    @property
    def sentence(self) -> str:
        """For people."""
        told = []
        if self.slept_s:
            told.append(f"The computer slept for {span(self.slept_s)}.")
        if self.stood_s:
            told.append(
                f"The farm stood still for {span(self.stood_s)}: "
                "the computer slept, was halted, or had no time for it."
            )
        if self.set_by_s:
            way = "forward" if self.set_by_s > 0.0 else "back"
            told.append(f"The computer's clock was set {way} by {span(abs(self.set_by_s))}.")
        if self.was_away:
            told.append("Every printer is asked anew what it does.")
        return " ".join(told)


def gap(before: Look, now: Look, asked_s: float) -> Gap | None:
    """What happened between two looks that were to be `asked_s` apart; None for nothing of note."""
    passed_s = now.steady - before.steady
    slept_s = max(0.0, now.lived - before.lived - passed_s)
    found = Gap(
        slept_s=_noticed(slept_s, NOTICED_S),
        stood_s=_noticed(passed_s - asked_s, STOOD_S),
        set_by_s=_noticed(now.wall - before.wall - passed_s - slept_s, NOTICED_S),
    )
    return found if found != Gap() else None


def _noticed(seconds: float, least_s: float) -> float:
    return seconds if abs(seconds) > least_s else 0.0


def span(seconds: float) -> str:
    """A time in words: "20 s", "45 min", "7 h 12 min", "1 day 2 h"."""
    whole = round(seconds) if seconds < 59.5 else round(seconds / 60) * 60
    days, hours, minutes = whole // 86_400, whole // 3600 % 24, whole // 60 % 60
    if whole < 60:
        return f"{whole} s"
    pieces = (
        (f"{days} day" if days == 1 else f"{days} days") if days else "",
        f"{hours} h" if hours else "",
        f"{minutes} min" if minutes and not days else "",
    )
    return " ".join(filter(None, pieces))
