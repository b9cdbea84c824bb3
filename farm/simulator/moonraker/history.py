"""What Moonraker remembers of the prints: one entry each, the newest last."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from farm.simulator.host import Json

KEPT = 1000  # entries; the real one keeps all
USER = "_API_KEY_USER_"
_SHOWN = 50  # entries that a list shows unless asked for more or fewer


class History:
    """The entries. changed: called with an action, `added` or `finished`, and the entry."""

    def __init__(self, changed: Callable[[str, Json], None]) -> None:
        self._entries: list[Json] = []
        self._added = 0
        self._changed = changed

    @property
    def under_way(self) -> Json | None:
        """The entry of the print that is on."""
        last = self._entries[-1] if self._entries else None
        return last if last is not None and last["status"] == "in_progress" else None

    def begin(self, filename: str, metadata: Json, wall: float) -> Json:
        """A print began. wall: seconds since 1970."""
        self._added += 1
        entry: Json = {
            "end_time": None,
            "filament_used": 0.0,
            "filename": filename,
            "metadata": metadata,
            "print_duration": 0.0,
            "status": "in_progress",
            "start_time": wall,
            "total_duration": 0.0,
            "auxiliary_data": [],
            "user": USER,
            "exists": True,
            "job_id": f"{self._added:06X}",
        }
        self._entries = [*self._entries[1 - KEPT :], entry]
        self._changed("added", entry)
        return entry

    def end(self, status: str, figures: Mapping[str, Any], wall: float) -> None:
        """The print that is on has ended. figures: durations and filament, as in `print_stats`."""
        entry = self.under_way
        if entry is not None:
            entry |= {"status": status, "end_time": wall, **figures}
            self._changed("finished", entry)

    def break_off(self) -> None:
        """Moonraker itself went away in the middle of a print, and finds that when it starts."""
        entry = self.under_way
        if entry is not None:
            entry["status"] = "interrupted"

    def listed(
        self,
        limit: int = _SHOWN,
        start: int = 0,
        since: float | None = None,
        before: float | None = None,
        ascending: bool = False,
    ) -> list[Json]:
        """Some entries, the newest first unless ascending. limit: 0 for all."""
        found = [
            entry
            for entry in (self._entries if ascending else reversed(self._entries))
            if (since is None or entry["start_time"] > since)
            and (before is None or (entry["end_time"] is not None and entry["end_time"] < before))
        ]
        return found[start : start + limit] if limit > 0 else found

    def one(self, job_id: str) -> Json | None:
        return next((entry for entry in self._entries if entry["job_id"] == job_id), None)

    def forget(self, job_ids: set[str]) -> None:
        self._entries = [entry for entry in self._entries if entry["job_id"] not in job_ids]

    def totals(self) -> Json:
        done = [entry for entry in self._entries if entry["end_time"] is not None]
        names = ("total_duration", "print_duration", "filament_used")
        time, printed, filament = (sum(entry[name] for entry in done) for name in names)
        return {
            "total_jobs": len(done),
            "total_time": time,
            "total_print_time": printed,
            "total_filament_used": filament,
            "longest_job": max((entry["total_duration"] for entry in done), default=0.0),
            "longest_print": max((entry["print_duration"] for entry in done), default=0.0),
        }
