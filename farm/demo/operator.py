"""Somebody in the shop who clears plates and looks after printers, through the farm's own HTTP API."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import Any

import httpx
import trio

LOOK_EVERY_S = 3.0
PATIENCE_S = {
    "plate_cleared": (5.0, 20.0),  # between a print that is done and a hand that takes it off
    "clear_attention": (45.0, 90.0),  # to walk there, find the loose wire, and push it in again
}
"""What this person does, and how soon: the least and the most seconds."""

_NEED_CLEARING = ("occupied", "unknown")
_LEFT_ALONE = (
    *("preparing", "printing", "pausing", "paused", "resuming", "cancelling"),
    *("maintenance", "emergency"),  # whoever decided that ends it
)


class Operator:
    """Looks at every printer and does what each needs, after a human-like delay.

    http: a client with the farm's address and a key that may control printers. hurry: how many times
    faster than a person.
    """

    def __init__(self, http: httpx.AsyncClient, seed: int = 0, hurry: float = 1.0) -> None:
        self.done = 0
        self._http = http
        self._chance = random.Random(seed)
        self._hurry = hurry
        self._due: dict[tuple[str, str], float] = {}

    async def work(self) -> None:
        """Works until it is cancelled; a farm that does not answer is asked again later."""
        while True:
            with suppress(httpx.HTTPError):
                await self.look()
            await trio.sleep(LOOK_EVERY_S / self._hurry)

    async def look(self) -> None:
        """One round through the shop. Raises httpx.HTTPError."""
        chores = [
            (str(printer["id"]), chore) for printer in await self._printers() if (chore := _needs(printer))
        ]
        self._due = {one: due for one, due in self._due.items() if one in chores}
        now = trio.current_time()
        for id, chore in chores:
            wait_s = self._chance.uniform(*PATIENCE_S[chore]) / self._hurry
            if self._due.setdefault((id, chore), now + wait_s) <= now:
                await self._do(id, chore)

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

    async def _do(self, id: str, chore: str) -> None:
        answer = await self._http.post(f"/v1/printers/{id}/commands", json={"command": chore})
        if answer.is_success:
            self.done += 1
            del self._due[id, chore]


def _needs(printer: dict[str, Any]) -> str | None:
    """The command that this printer waits for, if it does."""
    status = printer["status"]
    if not isinstance(status, dict) or status.get("connection") != "online":
        return None
    if status.get("operation") == "attention":
        return "clear_attention"
    if (status.get("ejector") or {}).get("state"):
        return None  # it clears its plate itself
    waits = status.get("plate") in _NEED_CLEARING and status.get("operation") not in _LEFT_ALONE
    return "plate_cleared" if waits else None
