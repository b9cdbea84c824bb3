"""The actor `files`: finds out what is in the files that were sent, one after the other, and tidies up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import structlog
import trio

from farm.actors import Mailbox, serve
from farm.domain.analysis import GcodeAnalysis
from farm.domain.clock import WallClock
from farm.domain.file import FileAnalysis, FileKind, FileState, StoredFile
from farm.domain.user import Principal
from farm.errors import FarmError, Invalid, StorageFailed
from farm.files.containers.opening import open_gcode
from farm.files.messages import FilesMessage
from farm.files.removal import sweep
from farm.files.slicers.metadata import describe
from farm.files.storage import Storage
from farm.store import files
from farm.store.database import Database

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 60.0  # for files whose hint was lost
AGAIN_AFTER_S = 5.0  # when the database refused


@dataclass(frozen=True, slots=True)
class FilesParts:
    """What the actor needs of the farm."""

    database: Database
    storage: Storage
    clock: WallClock


class Files:
    """Works off what waits in the database, where a restart finds it again. Nobody waits for it."""

    def __init__(self, parts: FilesParts) -> None:
        self._parts = parts
        self._news = trio.Event()

    async def run(self, mailbox: Mailbox[FilesMessage]) -> None:
        """Live until the mailbox closes."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._sweep)
            nursery.start_soon(self._analyse_again_and_again)
            await serve(mailbox, self._handle)
            nursery.cancel_scope.cancel()

    async def _handle(self, message: FilesMessage, by: Principal) -> None:
        await trio.lowlevel.checkpoint()
        self._news.set()

    async def _sweep(self) -> None:
        try:
            gone = await sweep(self._parts.storage, self._parts.database)
        except FarmError as problem:  # it takes room and does no harm; the next start tries again
            log.warning("contents without a file stay", problem=str(problem))
            return
        if gone:
            log.info("contents without a file removed", count=gone)

    async def _analyse_again_and_again(self) -> None:
        while True:
            self._news = trio.Event()
            try:
                await self._analyse_all()
            except FarmError as problem:
                log.warning("analysis put off", problem=str(problem))
                await trio.sleep(AGAIN_AFTER_S)
                continue
            with trio.move_on_after(LOOK_EVERY_S):
                await self._news.wait()

    async def _analyse_all(self) -> None:
        database = self._parts.database
        while (file := await database.read(files.unread)) is not None:
            analysis = await self._analyse(file)
            await database.write(files.note_analysis, file, analysis, self._parts.clock())

    async def _analyse(self, file: StoredFile) -> FileAnalysis:
        try:
            result = await self._parts.storage.look(_describe, file.sha256)
        except (Invalid, StorageFailed) as problem:
            return FileAnalysis(FileState.FAILED, reason=str(problem))
        except Exception as error:  # anybody sends files: one that finds a mistake of ours stops no others
            log.error("file cannot be analysed", file=file.id, exc_info=error)
            return FileAnalysis(FileState.FAILED, reason="the farm cannot read this file; its log says more")
        return FileAnalysis(FileState.READY, result=result)


def _describe(content: Path) -> GcodeAnalysis:
    with open_gcode(content, FileKind.GCODE) as file:
        return describe(file)
