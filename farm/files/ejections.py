"""The few lines that push a print off, as files that drivers send from. They can be thrown away."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path

KEPT_S = 86_400.0  # far longer than one is on its way to its printer


class EjectionFiles:
    """A folder of them. run: does disk work in a thread."""

    def __init__(self, folder: Path, run: Callable[..., Awaitable[Path]]) -> None:
        self._folder = folder
        self._run = run

    async def keep(self, id: str, content: bytes) -> Path:
        """Put one there, in the place of one of the same id. Raises StorageFull or StorageFailed."""
        return await self._run(self._keep, id, content)

    def _keep(self, id: str, content: bytes) -> Path:
        self._folder.mkdir(exist_ok=True)
        for old in self._folder.glob("*.gcode"):
            if old.stat().st_mtime < time.time() - KEPT_S:
                old.unlink(missing_ok=True)
        path = self._folder / f"{id}.gcode"
        path.write_bytes(content)
        return path
