"""What the actors of files need of the farm."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import trio

from farm.actors import Address
from farm.actors.supervisor import Runtime
from farm.domain.clock import WallClock
from farm.domain.file import NO_QUOTA, Quota
from farm.files.analyser import Analyser
from farm.files.copier import Copier
from farm.files.storage import Storage
from farm.live.messages import BroadcasterMessage
from farm.queue.messages import QueueMessage
from farm.store.database import Database


@dataclass(frozen=True, slots=True)
class FilesParts:
    """analyser: makes one for a file worker. glancer: one that finds less, and is ready at once.

    workers: how many there are. calm: waits until the farm has time for what nobody waits for.
    copier: makes smaller copies; None where none are made. quota: of files, to which copies count.
    """

    runtime: Runtime
    database: Database
    storage: Storage
    events: Callable[[], Address[BroadcasterMessage]]
    queue: Callable[[], Address[QueueMessage]]
    analyser: Callable[[], Analyser]
    glancer: Callable[[], Analyser]
    workers: int
    clock: WallClock
    calm: Callable[[], Awaitable[object]] = trio.lowlevel.checkpoint
    copier: Copier | None = None
    quota: Quota = NO_QUOTA
