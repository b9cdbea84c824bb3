"""The actors `files:1`, `files:2` …: each reads one file after the other, for as long as any waits."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import structlog
import trio

from farm.actors import Mailbox, serve
from farm.domain.analysis import ANALYSIS_VERSION, Analysis, with_rendered
from farm.domain.file import FileAnalysis, FileState, StoredFile
from farm.domain.user import Principal
from farm.errors import FarmError, Invalid, StorageFailed
from farm.files.analyser import Analyser, Read
from farm.files.messages import FilesMessage
from farm.files.parts import FilesParts
from farm.live.messages import FileProgress
from farm.queue.messages import FileRead
from farm.store import file_analyses
from farm.store.file_analyses import Claim
from farm.workers.process import State, Why, WorkFailed

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 60.0  # for files whose hint was lost
PATIENCE_S = 0.5  # a worker without a process lets one that has one go first: most files need no second one
AGAIN_AFTER_S = 5.0  # when the database refused

_MAY_BE_CHANCE = frozenset({Why.DIED, Why.NONSENSE, Why.TIME})
"""What may have other causes than the file: it is read a second time, and not a third."""

_IN_WORDS = {
    Why.MEMORY: "reading this file takes more memory than one file may have; is it damaged?",
    Why.PROCESSOR: "reading this file takes longer than one file may; is it damaged?",
    Why.TIME: "reading this file was not done in time, twice; is it damaged?",
    Why.ANSWER: "there is more in this file than the farm can keep; is it damaged?",
    Why.BUG: "the farm cannot read this file; its log says more",
    Why.DIED: "the process that read this file died over it, twice; is it damaged?",
    Why.NONSENSE: "the farm cannot read this file; its log says more",
}


class FileWorker:
    """Takes files from the database, where a restart finds them again.

    begun: set when it is time to get ready. compiled: set by the first worker when it is ready for the first
    time; the others would compile the same once more if they did not wait for it. They get ready when there
    is something to do.
    The same object serves every run of the actor: a file that was in hand when it crashed is put back.
    """

    def __init__(
        self, parts: FilesParts, analyser: Analyser, begun: trio.Event, compiled: trio.Event, *, first: bool
    ) -> None:
        self._parts = parts
        self._analyser = analyser
        self._begun = begun
        self._compiled = compiled
        self._first = first
        self._news = trio.Event()
        self._in_hand: Claim | None = None

    async def run(self, mailbox: Mailbox[FilesMessage]) -> None:
        """Live until the mailbox closes."""
        if self._in_hand is not None:
            await self._put_back(self._in_hand)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._work)
                await serve(mailbox, self._handle)
                nursery.cancel_scope.cancel()
        finally:
            await self._analyser.aclose()

    async def _handle(self, message: FilesMessage, by: Principal) -> None:
        await trio.lowlevel.checkpoint()
        self._news.set()

    async def _work(self) -> None:
        await self._begun.wait()
        if self._first:
            await self._analyser.get_ready()
            self._compiled.set()
        await self._compiled.wait()
        while True:
            self._news = trio.Event()
            try:
                await self._read_all()
                if self._first:  # its process may have done its number of files
                    await self._analyser.get_ready()
            except WorkFailed:  # no process can be had: a crash, which is shown, and tried again later
                raise
            except FarmError as problem:
                log.warning("analysis put off", problem=str(problem))
                await trio.sleep(AGAIN_AFTER_S)
                continue
            with trio.move_on_after(LOOK_EVERY_S):
                await self._news.wait()

    async def _read_all(self) -> None:
        database = self._parts.database
        while await database.read(file_analyses.waiting, ANALYSIS_VERSION):
            if self._analyser.state is State.COLD and not self._first:
                await trio.sleep(PATIENCE_S)
                if not await database.read(file_analyses.waiting, ANALYSIS_VERSION):
                    return
            await self._analyser.get_ready()
            self._in_hand = await database.write(file_analyses.claim, ANALYSIS_VERSION)
            if self._in_hand is not None:  # else another worker was quicker
                await self._settle(self._in_hand)

    async def _settle(self, claim: Claim) -> None:
        drawing: Read | None = None
        try:
            found = await self._read(claim.file)
        except WorkFailed as lost:
            if lost.why is Why.NO_START:
                await self._put_back(claim, felled=False)
                raise
            if lost.why in _MAY_BE_CHANCE and claim.deaths == 0:
                await self._put_back(claim)
                return
            analysis = _failed(_IN_WORDS[lost.why])
        except (Invalid, StorageFailed) as problem:
            analysis = _failed(str(problem))
        else:
            analysis = FileAnalysis(FileState.READY, None, found.result, ANALYSIS_VERSION)
            drawing = found if found.undrawn else None
        at, tell = self._parts.clock(), not claim.again
        await self._insist(partial(file_analyses.note_analysis, tell=tell), claim.file, analysis, at)
        self._in_hand = None
        self._parts.queue().tell_nowait(FileRead(claim.file.id))
        if drawing is not None:
            await self._draw(claim.file, drawing.result)

    async def _draw(self, file: StoredFile, found: Analysis) -> None:
        """Draw a picture of a file that can be printed already; if there comes none, it prints as well."""
        try:
            pictures = await self._analyser.draw(file, found.bounding_box)
            if pictures:
                await self._parts.storage.keep_pictures(file.sha256, pictures)
                result = with_rendered(found, pictures[-1].width, pictures[-1].height)
                await self._parts.database.write(
                    file_analyses.note_picture, file, result, self._parts.clock()
                )
        except FarmError as problem:
            log.warning("no picture is drawn", file=file.id, name=file.name, problem=str(problem))

    async def _read(self, file: StoredFile) -> Read:
        events = self._parts.events()

        def tell(share: float) -> None:
            events.tell_nowait(FileProgress(file.id, share))

        tell(0.0)
        found = await self._analyser.read(file, tell)
        if found.undrawn:
            return found
        try:
            await self._parts.storage.keep_pictures(file.sha256, found.pictures)
        except StorageFailed as problem:  # the file prints as well without
            log.warning("pictures are not kept", file=file.id, problem=str(problem))
        return found

    async def _put_back(self, claim: Claim, *, felled: bool = True) -> None:
        log.warning("file is read again", file=claim.file.id, name=claim.file.name, felled=felled)
        await self._insist(partial(file_analyses.put_back, felled=felled), claim.file.id)
        self._in_hand = None

    async def _insist(self, change: Callable[..., None], *args: object) -> None:
        """Write it, however long the database refuses: nobody else would come back to this file."""
        while True:
            try:
                await self._parts.database.write(change, *args)
            except FarmError as problem:
                log.warning("analysis put off", problem=str(problem))
                await trio.sleep(AGAIN_AFTER_S)
            else:
                return


def _failed(reason: str) -> FileAnalysis:
    return FileAnalysis(FileState.FAILED, reason, version=ANALYSIS_VERSION)
