"""Contents that no file has any more: taken away, and never from under an upload that comes in."""

from __future__ import annotations

from farm.files.storage import Storage
from farm.store import files, optimised
from farm.store.database import Database


async def forget(storage: Storage, database: Database, sha256: str) -> bool:
    """Take a content away, and its smaller copies, unless it is still kept. Whether it was.

    Raises StorageFailed, ActorDown and such.
    """
    async with storage.lock_of(sha256):
        # Asked of the writer, so that no row for it can be on its way there any more.
        copies = await database.write(optimised.let_go, sha256)
        if copies is None:
            return False
        await storage.remove(sha256)
    for copy in copies:
        await forget(storage, database, copy)
    return True


async def sweep(storage: Storage, database: Database) -> int:
    """Forget what a crash left between a content and its row. How many there were."""
    there = await storage.contents()
    kept = await database.read(files.contents)
    gone = [await forget(storage, database, sha256) for sha256 in sorted(there - kept)]
    return sum(gone)
