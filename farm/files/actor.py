"""The actor `files`: keeps the file workers at work, and tidies up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

import structlog
import trio

from farm.actors import ChildSpec, Mailbox, Supervisor, serve
from farm.domain.user import Principal
from farm.errors import FarmError, Invalid
from farm.files.analyser import Analyser
from farm.files.copy_worker import CopyWorker
from farm.files.file_worker import FileWorker
from farm.files.messages import CopiesWanted, FileAdded, FilesMessage
from farm.files.parts import FilesParts
from farm.files.removal import sweep
from farm.store import file_analyses
from farm.workers.process import State, WorkFailed

log = structlog.get_logger(__name__)

GLANCE_AFTER_S = 3.0  # as long as a process takes to get ready that has nothing to compile
LOOK_EVERY_S = 1.0
MOST_GLANCES = 100  # files looked for at once


class Files:
    """Supervises the workers `files:1`, `files:2` …, and `files:copies`. Nobody waits for it."""

    def __init__(self, parts: FilesParts) -> None:
        self._parts = parts
        self._begun = trio.Event()
        self._compiled = trio.Event()
        self._analysers = [parts.analyser() for _ in range(parts.workers)]
        self._readers = {
            f"files:{number}": FileWorker(parts, analyser, self._begun, self._compiled, first=number == 1)
            for number, analyser in enumerate(self._analysers, start=1)
        }
        self._copy_workers = {}
        if parts.copier is not None:
            self._copy_workers["files:copies"] = CopyWorker(parts, parts.copier, self._compiled)

    def states(self) -> Sequence[State]:
        """What each worker is at."""
        return [analyser.state for analyser in self._analysers]

    async def run(self, mailbox: Mailbox[FilesMessage]) -> None:
        """Live until the mailbox closes."""
        await self._parts.database.write(file_analyses.put_all_back)
        supervisor = Supervisor(self._parts.runtime, independent=True)
        async with trio.open_nursery() as nursery, supervisor.running():
            workers: dict[str, FileWorker | CopyWorker] = {**self._readers, **self._copy_workers}
            for name, worker in workers.items():
                supervisor.start_soon(ChildSpec(name=name, run=worker.run, mailbox_size=4))
            nursery.start_soon(self._begin)
            nursery.start_soon(self._sweep)
            nursery.start_soon(self._glance_meanwhile)
            await serve(mailbox, self._handle)
            nursery.cancel_scope.cancel()

    async def _handle(self, message: FilesMessage, by: Principal) -> None:
        await trio.lowlevel.checkpoint()
        match message:
            case FileAdded():
                self._begun.set()
                names = [*self._readers]
            case CopiesWanted():
                names = [*self._copy_workers]
            case _:
                assert_never(message)
        for name in names:
            self._parts.runtime.address(name).tell_nowait(message)

    async def _begin(self) -> None:
        """Let the workers get ready: at once where somebody waits for a file, else when the farm has started.

        That takes seconds of a processor, and a minute of it at the first start of all: printers come first.
        """
        try:
            if not await self._parts.database.read(file_analyses.unread):
                await self._parts.calm()
        except FarmError as problem:  # they will find the same
            log.warning("files not looked for", problem=str(problem))
        self._begun.set()

    async def _sweep(self) -> None:
        try:
            gone = await sweep(self._parts.storage, self._parts.database)
        except FarmError as problem:  # it takes room and does no harm; the next start tries again
            log.warning("contents without a file stay", problem=str(problem))
            return
        if gone:
            log.info("contents without a file removed", count=gone)

    async def _glance_meanwhile(self) -> None:
        """Until the first worker has compiled what it needs, find out at least what slicers say.

        Jobs can be planned with that. At every start but the first there is nothing to do here.
        """
        await self._begun.wait()
        with trio.move_on_after(GLANCE_AFTER_S):
            await self._compiled.wait()
            return
        log.info("the analysis of files is being compiled; this takes a minute or two, once")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._glance, self._parts.glancer())
            await self._compiled.wait()
            nursery.cancel_scope.cancel()

    async def _glance(self, analyser: Analyser) -> None:
        seen: set[str] = set()
        try:
            while True:
                try:
                    await self._glance_at_those_that_wait(analyser, seen)
                except FarmError as problem:
                    log.warning("glances put off", problem=str(problem))
                await trio.sleep(LOOK_EVERY_S)
        finally:
            await analyser.aclose()

    async def _glance_at_those_that_wait(self, analyser: Analyser, seen: set[str]) -> None:
        database = self._parts.database
        for file in await database.read(file_analyses.unglanced, MOST_GLANCES):
            if file.id in seen:
                continue
            seen.add(file.id)
            try:
                found = await analyser.read(file, lambda share: None)
            except (Invalid, WorkFailed):  # the analysis will find the same, and say it
                continue
            await database.write(file_analyses.note_glance, file.id, found.result)
