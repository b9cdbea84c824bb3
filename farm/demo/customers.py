"""People who want things printed, through the farm's own HTTP API: the queue never runs dry, nor full."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import trio

LOOK_EVERY_S = 3.0
WAITING_JOBS = 8  # more are not ordered while so many wait
STUCK_FOR_S = 60.0  # so long a job that needs a person is there to be seen
_STUCK = ("needs_review", "quarantined")


class Customers:
    """Order one print after the other, and ask again for what went wrong.

    http: a client with the farm's address and a key that may upload and queue. prints: G-code files.
    """

    def __init__(
        self, http: httpx.AsyncClient, prints: Sequence[Path], names: Sequence[str], seed: int = 0
    ) -> None:
        self._http = http
        self._chance = random.Random(seed)
        contents = [(file, file.read_bytes()) for file in prints]
        self._wishes = zip(itertools.cycle(names), itertools.cycle(contents), strict=False)
        self._stuck: dict[str, float] = {}

    async def order(self) -> None:
        """Order until cancelled; a farm that does not answer is asked again later."""
        while True:
            with suppress(httpx.HTTPError):
                await self.look()
            await trio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """One look at the queue. Raises httpx.HTTPError."""
        for _ in range(WAITING_JOBS - len(await self._jobs("queued"))):
            await self._wish()
        await self._mend()

    async def _wish(self) -> None:
        name, (file, content) = next(self._wishes)
        # Sent each time, as people do; the farm keeps the same content once.
        kept = await self._post(
            "/v1/files",
            params={"name": file.name},
            content=content,
            headers={"Content-Type": "application/octet-stream"},
        )
        title = f"{name}: {file.stem.replace('_', ' ')}"
        wish = {"file": kept["id"], "name": title, "copies": self._chance.choice((1, 1, 1, 2))}
        await self._post("/v1/jobs", json=wish)

    async def _mend(self) -> None:
        """Ask for another try of jobs that have waited for a person long enough."""
        stuck = [job["id"] for state in _STUCK for job in await self._jobs(state)]
        now = trio.current_time()
        self._stuck = {id: self._stuck.get(id, now) for id in stuck}
        for id, since in list(self._stuck.items()):
            if now - since >= STUCK_FOR_S:
                await self._post(f"/v1/jobs/{id}/retry")

    async def _jobs(self, state: str) -> list[dict[str, Any]]:
        answer = await self._http.get("/v1/jobs", params={"state": state, "limit": WAITING_JOBS})
        return list(answer.raise_for_status().json()["items"])

    async def _post(self, path: str, **request: Any) -> dict[str, Any]:
        answer = await self._http.post(path, **request)
        return dict(answer.raise_for_status().json())
