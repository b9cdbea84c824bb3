"""How a smaller copy of a file is made: in a process of its own, there only as long as it is needed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Protocol

from farm.domain.file import StoredFile
from farm.domain.optimising import Optimising, Proven
from farm.errors import StorageFailed
from farm.files.optimise.at_work import Asked, Made
from farm.files.storage import Storage
from farm.workers.process import Worker
from farm.workers.surroundings import Surroundings
from farm.workers.wire import Limits

MODULE = "farm.files.optimise.at_work"
PROCESSOR_S_PER_BYTE = 3e-6  # more than three times what the slowest files took on a slow PC
MORE_BYTES = 1024 * 1024  # than the original: lines that tell the printer its progress, once a minute


class Copier(Protocol):
    """Makes one copy after the other."""

    async def make(self, file: StoredFile, wish: Optimising, target: Path) -> Proven:
        """Write a copy that prints the same, and prove it.

        Raises Invalid where there is to be none, StorageFailed where the disk is to blame, and WorkFailed;
        then what is in the target is of no use.
        """
        ...

    async def aclose(self) -> None:
        """Let go of whatever it holds."""
        ...


class ProcessCopier:
    """Has copies made by a worker process. limits: of the smallest files; time grows with the size."""

    def __init__(self, storage: Storage, surroundings: Surroundings, limits: Limits) -> None:
        self._storage = storage
        self._limits = limits
        self._worker = Worker(MODULE, surroundings)

    async def make(self, file: StoredFile, wish: Optimising, target: Path) -> Proven:
        folder = Path.cwd()  # for the worker lives in another one
        asked = Asked(str(folder / self._storage.path_of(file.sha256)), str(folder / target), wish)
        made = await self._worker.do(asked, Made, _limits_for(file.size, self._limits))
        if made.proven is None:
            raise StorageFailed(made.problem)
        return made.proven

    async def aclose(self) -> None:
        await self._worker.aclose()


def _limits_for(size: int, least: Limits) -> Limits:
    processor_s = least.processor_s + size * PROCESSOR_S_PER_BYTE
    wall_s = least.wall_s * processor_s / least.processor_s
    return replace(least, processor_s=processor_s, wall_s=wall_s, file=size + MORE_BYTES)
