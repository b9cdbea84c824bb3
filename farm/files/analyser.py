"""How a file worker has a file read: in a process of its own, or on the loop of a simulation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec
import trio

from farm.domain.analysis import Analysis, BoundingBox
from farm.domain.file import StoredFile
from farm.files.at_work import Asked, Found, Task
from farm.files.pictures.thumbnails import Picture
from farm.files.storage import Storage
from farm.store.files import result_in
from farm.workers.process import State, Why, Worker, WorkFailed
from farm.workers.surroundings import Surroundings
from farm.workers.wire import Limits

MB = 1_000_000
MOST_ANSWERED = 16 * MB  # all pictures, and a result
MOST_RESULT = 256 * 1024  # bytes of JSON: it goes into the database, and to every page that shows the file
WALL_PER_PROCESSOR_S = 3.0  # a shop PC has other things to do, and this has the lowest priority

OF_ALL = "farm.files.at_work"
OF_GLANCES = "farm.files.glances"


@dataclass(frozen=True, slots=True)
class Read:
    """What was found in a file. pictures: in all sizes. undrawn: whether it is worth to draw one."""

    result: Analysis
    pictures: Sequence[Picture] = ()
    undrawn: bool = False


class Analyser(Protocol):
    """Reads one file after the other."""

    @property
    def state(self) -> State:
        """What it is at."""
        ...

    async def get_ready(self) -> None:
        """Wait until the next file can be read at once. Raises WorkFailed, StorageFailed."""
        ...

    async def read(self, file: StoredFile, tell: Callable[[float], None]) -> Read:
        """Raises Invalid for what is wrong with the file, StorageFailed, WorkFailed."""
        ...

    async def draw(self, file: StoredFile, box: BoundingBox) -> Sequence[Picture]:
        """A picture of what it prints, in all sizes; none where there is nothing to be seen.

        box: of that. Raises as `read` does.
        """
        ...

    async def aclose(self) -> None:
        """Let go of whatever it holds."""
        ...


class ProcessAnalyser:
    """Has files read by a worker process. glance: only for what their slicers say. module: what it runs."""

    def __init__(
        self,
        storage: Storage,
        surroundings: Surroundings,
        limits: Limits,
        *,
        glance: bool = False,
        module: str = "",
    ) -> None:
        self._storage = storage
        self._limits = limits
        self._glance = glance
        self._worker = Worker(module or (OF_GLANCES if glance else OF_ALL), surroundings)

    @property
    def state(self) -> State:
        return self._worker.state

    async def get_ready(self) -> None:
        await self._worker.warm_up()

    async def read(self, file: StoredFile, tell: Callable[[float], None]) -> Read:
        path = self._storage.path_of(file.sha256).resolve()
        asked = Asked(str(path), file.kind, Task.GLANCE if self._glance else Task.FACTS)
        return _understood(await self._worker.do(asked, Found, self._limits, tell), file)

    async def draw(self, file: StoredFile, box: BoundingBox) -> Sequence[Picture]:
        path = self._storage.path_of(file.sha256).resolve()
        asked = Asked(str(path), file.kind, Task.PICTURE, box)
        return (await self._worker.do(asked, Found, self._limits)).pictures

    async def aclose(self) -> None:
        await self._worker.aclose()


class InlineAnalyser:
    """Reads on the loop what slicers say, for runs on a virtual clock, where no process is waited for."""

    state = State.READY

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def get_ready(self) -> None:
        """It is."""

    async def read(self, file: StoredFile, tell: Callable[[float], None]) -> Read:
        from farm.files.analysis import glance

        found = await self._storage.look(lambda content: glance(content, file.kind), file.sha256)
        return Read(found.result)

    async def draw(self, file: StoredFile, box: BoundingBox) -> Sequence[Picture]:
        await trio.lowlevel.checkpoint()
        return ()

    async def aclose(self) -> None:
        """Nothing is held."""


def limits_of(memory_mb: int, processor_s: float) -> Limits:
    """What one file may take."""
    return Limits(memory_mb * MB, processor_s, processor_s * WALL_PER_PROCESSOR_S, MOST_ANSWERED)


def _understood(found: Found, file: StoredFile) -> Read:
    if len(found.result) > MOST_RESULT:
        raise WorkFailed(Why.ANSWER)
    try:
        return Read(result_in(found.result, file.kind), found.pictures, found.undrawn)
    except msgspec.MsgspecError as error:  # numbers that are none, as a mistake of ours lets them through
        raise WorkFailed(Why.NONSENSE) from error
