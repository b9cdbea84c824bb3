"""The line to a printer: lines sent again, values that stand still, and silence."""

from __future__ import annotations

from farm.detect.values import Sample, anomaly
from farm.domain.anomaly import Anomaly, AnomalyKind, Severity

LINES, LINES_S = 200, 30.0  # that are looked at in one go, at least; where bytes are counted, so many
RESENT_NOTE, RESENT_WARN = 0.03, 0.10  # of them: a good line has none
STANDS_LEAST_S, STANDS_TIMES, MOVES_NEEDED = 45.0, 15.0, 20


class Resends:
    """Lines that arrived damaged."""

    __slots__ = ("_found", "_resent", "_sent", "_since")

    def __init__(self) -> None:
        self._since = 0.0
        self._sent: int | None = None
        self._resent = 0
        self._found: Anomaly | None = None

    def see(self, sample: Sample) -> Anomaly | None:
        """Whatever the printer does."""
        sent, resent = sample.sent, sample.resent
        if sent is None or resent is None:
            return None
        if self._sent is None or sent < self._sent or resent < self._resent:  # another connection
            self._sent, self._resent, self._found, self._since = sent, resent, None, sample.at
            return None
        lines = sent - self._sent
        passed_s = sample.at - self._since
        if lines < LINES or passed_s < LINES_S:
            return self._found
        share = (resent - self._resent) / lines
        self._sent, self._resent, self._since = sent, resent, sample.at
        self._found = None if share < RESENT_NOTE else self._bad(share, passed_s)
        return self._found

    def _bad(self, share: float, passed_s: float) -> Anomaly:
        warn = share >= RESENT_WARN
        words = (
            f"{share:.0%} of what was sent in the last {passed_s:.0f} s had to be sent again: the cable is "
            "bad, too long, or lies beside the motors'."
        )
        severity = Severity.WARN if warn else Severity.NOTE
        limit = RESENT_WARN if warn else RESENT_NOTE
        return anomaly(
            AnomalyKind.RESENDS, severity, words, "line", passed_s, limit * 100, percent=share * 100
        )


class Standstill:
    """Values that all stand still although messages go on coming: the printer behind its host hangs."""

    __slots__ = ("_mean_s", "_moved_at", "_moves")

    def __init__(self) -> None:
        self._moved_at: float | None = None
        self._moves = 0
        self._mean_s = 0.0

    def rest(self) -> None:
        """It does nothing in which its values would have to move."""
        self._moved_at = None

    def working(self, at: float, moved: bool) -> Anomaly | None:
        """moved: whether any value is another than before."""
        if moved or self._moved_at is None:
            if self._moved_at is not None:
                self._moves += 1
                self._mean_s += (at - self._moved_at - self._mean_s) / min(self._moves, 50)
            self._moved_at = at
            return None
        stood_s = at - self._moved_at
        if stood_s < STANDS_LEAST_S or self._moves < MOVES_NEEDED or stood_s < STANDS_TIMES * self._mean_s:
            return None
        words = (
            f"Nothing that the printer tells has changed for {stood_s:.0f} s, no temperature and no place: "
            "it hangs, or is busy with one long command. Look at it."
        )
        limit = max(STANDS_LEAST_S, STANDS_TIMES * self._mean_s)
        return anomaly(
            AnomalyKind.TELEMETRY_FROZEN, Severity.WARN, words, "telemetry", stood_s, limit, seconds=stood_s
        )


def silent(silent_s: float, limit_s: float, printing: bool, problem: str) -> Anomaly:
    """A printer that is out of reach although it printed, or was hot, when it was last seen."""
    what = "printed" if printing else "was hot"
    words = f"The printer {what} and has been out of reach for {silent_s / 60:.0f} min: {problem} Look at it."
    return anomaly(
        AnomalyKind.SILENT, Severity.WARN, words, "connection", silent_s, limit_s, seconds=silent_s
    )
