"""The actor `files:copies`: makes the smaller copies that printers want, and forgets those that none does."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import structlog
import trio

from farm.actors import Mailbox, serve
from farm.domain.optimising import OptimisedCopy
from farm.domain.user import Principal
from farm.errors import FarmError, Invalid, StorageFailed, StorageFull
from farm.files.copier import MORE_BYTES, Copier
from farm.files.messages import FilesMessage
from farm.files.parts import FilesParts
from farm.files.removal import forget
from farm.files.storage import CLEAN_UP_S
from farm.store import files, optimised
from farm.store.optimised import Wish
from farm.workers.process import Why, WorkFailed

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 60.0  # for wishes whose hint was lost, or that are due again
REST_S = 1.0  # between two looks: hints come with every change of every job
AGAIN_AFTER = timedelta(hours=1)  # where the reason may have gone by then

_IN_WORDS = {
    Why.MEMORY: "making one takes more memory than it may",
    Why.PROCESSOR: "making one takes longer than it may",
    Why.TIME: "making one was not done in time",
    Why.DIED: "the process that made one died over it",
}
_ELSE = "the farm cannot make one; its log says more"
_MAY_BE_CHANCE = frozenset({Why.DIED, Why.NONSENSE, Why.TIME})


class CopyWorker:
    """One copy at a time: every print goes on without, so nobody is waited for.

    compiled: set when a file worker has compiled what this one needs too.
    """

    def __init__(self, parts: FilesParts, copier: Copier, compiled: trio.Event) -> None:
        self._parts = parts
        self._copier = copier
        self._compiled = compiled
        self._news = trio.Event()

    async def run(self, mailbox: Mailbox[FilesMessage]) -> None:
        """Live until the mailbox closes."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._work)
                await serve(mailbox, self._handle)
                nursery.cancel_scope.cancel()
        finally:
            await self._copier.aclose()

    async def _handle(self, message: FilesMessage, by: Principal) -> None:
        await trio.lowlevel.checkpoint()
        self._news.set()

    async def _work(self) -> None:
        await self._compiled.wait()
        swept = False
        while True:
            self._news = trio.Event()
            try:
                if not swept:
                    await self._drop_lost()
                    swept = True
                await self._look()
            except WorkFailed:  # no process can be had: a crash, which is shown, and tried again later
                raise
            except FarmError as problem:
                log.warning("smaller copies put off", problem=str(problem))
            with trio.move_on_after(LOOK_EVERY_S):
                await self._news.wait()
            await trio.sleep(REST_S)

    async def _drop_lost(self) -> None:
        there = await self._parts.storage.contents()
        await self._parts.database.write(optimised.drop_lost, there)

    async def _look(self) -> None:
        """Forget what nobody wants, and make all that somebody does."""
        database, storage = self._parts.database, self._parts.storage
        if await database.read(optimised.is_any_unasked):
            for sha256 in await database.write(optimised.drop_unasked):
                await forget(storage, database, sha256)
        while (wish := await database.read(optimised.next_wish, self._parts.clock())) is not None:
            await self._make(wish)
        await self._copier.aclose()  # the next one may not be for days

    async def _make(self, wish: Wish) -> None:
        scratch = self._parts.storage.scratch()
        try:
            await self._make_there(wish, scratch)
        except WorkFailed as lost:
            if lost.why is Why.NO_START:
                raise
            await self._give_up(wish, _IN_WORDS.get(lost.why, _ELSE), again=lost.why in _MAY_BE_CHANCE)
        except (StorageFailed, StorageFull) as problem:
            await self._give_up(wish, str(problem), again=True)
        except Invalid as problem:
            await self._give_up(wish, str(problem), again=False)
        finally:
            with trio.move_on_after(CLEAN_UP_S, shield=True), suppress(StorageFailed):
                await self._parts.storage.run(scratch.unlink, missing_ok=True)

    async def _make_there(self, wish: Wish, scratch: Path) -> None:
        """Make a copy in a place of its own, then keep it.

        Raises StorageFull, StorageFailed, Invalid, WorkFailed.
        """
        storage, database = self._parts.storage, self._parts.database
        file, most = wish.file, wish.file.size + MORE_BYTES
        await database.read(files.check_room, file.uploaded_by, most, self._parts.quota)
        await storage.run(storage.check_room, most)
        proven = await self._copier.make(file, wish.settings, scratch)
        async with storage.taking_in(scratch) as content:
            at = self._parts.clock()
            copy = OptimisedCopy(file.sha256, wish.settings, at, content.sha256, content.size, proven)
            kept = await database.write(optimised.keep, copy)
        if not kept:  # its original was removed meanwhile
            await forget(storage, database, content.sha256)

    async def _give_up(self, wish: Wish, reason: str, *, again: bool) -> None:
        log.info("no smaller copy", file=wish.file.id, name=wish.file.name, reason=reason)
        at = self._parts.clock()
        again_at = at + AGAIN_AFTER if again else None
        none = OptimisedCopy(wish.file.sha256, wish.settings, at, reason=reason, again_at=again_at)
        await self._parts.database.write(optimised.keep, none)
