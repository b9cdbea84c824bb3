"""Somebody in the shop who takes finished prints off the plates, through the farm's own HTTP API."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import Any

import httpx
import trio

LOOK_EVERY_S = 3.0
FEWEST_S, MOST_S = 5.0, 20.0  # between a plate that waits and a hand that clears it
_NEED_CLEARING = ("occupied", "unknown")
_AT_WORK = ("preparing", "printing", "pausing", "paused", "resuming", "cancelling")


class Operator:
    """Looks at every printer and clears the plates, each after a human-like delay.

    http: a client with the farm's address and a key that may control printers. hurry: how many times
    faster than a person.
    """

    def __init__(self, http: httpx.AsyncClient, seed: int = 0, hurry: float = 1.0) -> None:
        self.cleared = 0
        self._http = http
        self._chance = random.Random(seed)
        self._hurry = hurry
        self._due: dict[str, float] = {}

    async def work(self) -> None:
        """Works until it is cancelled; a farm that does not answer is asked again later."""
        while True:
            with suppress(httpx.HTTPError):
                await self.look()
            await trio.sleep(LOOK_EVERY_S / self._hurry)

    async def look(self) -> None:
        """One round through the shop. Raises httpx.HTTPError."""
        waiting = {printer["id"] for printer in await self._printers() if _waits(printer)}
        self._due = {id: due for id, due in self._due.items() if id in waiting}
        now = trio.current_time()
        for id in waiting:
            due = self._due.setdefault(id, now + self._chance.uniform(FEWEST_S, MOST_S) / self._hurry)
            if due <= now:
                await self._clear(id)

    async def _printers(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            answer = await self._http.get("/v1/printers", params={"cursor": cursor} if cursor else {})
            answer.raise_for_status()
            page = answer.json()
            found += page["items"]
            cursor = page["next"]
        return found

    async def _clear(self, id: str) -> None:
        answer = await self._http.post(f"/v1/printers/{id}/commands", json={"command": "plate_cleared"})
        if answer.is_success:
            self.cleared += 1
            del self._due[id]


def _waits(printer: dict[str, Any]) -> bool:
    status = printer["status"]
    if not isinstance(status, dict) or status.get("connection") != "online":
        return False
    return status.get("plate") in _NEED_CLEARING and status.get("operation") not in _AT_WORK
