"""One worker process as the server sees it: warm, given errands, held to limits, killed when in doubt.

Not trio-parallel: that gives a worker the whole environment, hears nothing of it until the end, and leaves
memory, processor time, priority and the number of errands to whoever uses it.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from enum import StrEnum
from typing import TypeAlias, TypeVar

import msgspec
import structlog
import trio

from farm.errors import FarmError, Invalid, ProtocolError
from farm.platform import appetite_of, for_background_work, keeps_limits
from farm.workers.surroundings import Surroundings
from farm.workers.wire import (
    MOST_ROUND,
    Done,
    Errand,
    Failed,
    Frames,
    Interim,
    Limits,
    Progress,
    Told,
    TurnedDown,
    Warm,
    framed,
    packed,
    told_in,
)

log = structlog.get_logger(__name__)

Answer = TypeVar("Answer")
Step: TypeAlias = Progress | Interim
"""What a worker tells before it is done."""

ERRANDS = 25  # until a fresh process takes over, whatever the old one has gathered by then
WARM_WITHIN_S = 1200.0  # at the first start of all everything is compiled, on however slow and busy a PC
GRACE_S = 2.0  # a worker ends itself at its deadline and tells what it was at; if it does not, it is ended
ENDS_WITHIN_S = 5.0
LOOK_EVERY_S = 0.1  # at a process that the system does not hold to its limits; a look takes some 0.1 ms
MOST_WORDS = 8192  # bytes kept of what a worker prints; the newest say why it ended
PIECE = 64 * 1024  # bytes


class Why(StrEnum):
    """Why an errand came to nothing."""

    MEMORY = "it needs more memory than it may have"
    PROCESSOR = "it needs more processor time than it may have"
    TIME = "it was not done in time"
    ANSWER = "its result is too large"
    BUG = "its worker process made a mistake"
    DIED = "its worker process died"
    NONSENSE = "its worker process talked nonsense"
    NO_START = "its worker process did not start"


class WorkFailed(FarmError):
    """An errand came to nothing, and the process that had it is gone."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.value)
        self.why = why


class State(StrEnum):
    """What a worker is at."""

    COLD = "cold"  # there is no process
    WARMING = "warming"  # it imports, and compiles at the first start of all
    READY = "ready"
    WORKING = "working"


class Worker:
    """Does one errand at a time, in a process that is warm before, and killed when anything goes wrong.

    module: what it can do, as `farm.workers.inside` says. errands: done by one process. watched: whether
    the server itself holds the process to its limits, as it must where the system does not.
    """

    def __init__(
        self,
        module: str,
        surroundings: Surroundings,
        *,
        errands: int = ERRANDS,
        watched: bool = not keeps_limits(),
    ) -> None:
        self._module = module
        self._surroundings = surroundings
        self._errands = errands
        self._watched = watched
        self._process: _Process | None = None
        self.state = State.COLD

    @property
    def pid(self) -> int | None:
        """Of the process there is at the moment."""
        return self._process.pid if self._process is not None else None

    async def warm_up(self) -> None:
        """Have a process ready for the next errand. Raises WorkFailed, StorageFailed."""
        if self._process is not None and self._process.is_over:  # while it waited, which is nobody's fault
            await self.aclose()
        if self._process is None:
            self.state = State.WARMING
            try:
                await self._start()
            except BaseException:
                await self.aclose()
                raise
            self.state = State.READY
        await trio.lowlevel.checkpoint()

    async def do(
        self,
        asked: object,
        answer: type[Answer],
        limits: Limits,
        tell: Callable[[float], None] = lambda share: None,
        hear: Callable[[Answer], None] = lambda answer: None,
    ) -> Answer:
        """Have `asked` worked on. tell: gets the share that is done, now and then. hear: gets answers that
        are good already, where the worker gives such before the last.

        When the caller is cancelled the process is killed at once. Raises Invalid for what the worker
        turns down, WorkFailed for everything that goes wrong.
        """
        await self.warm_up()
        process = self._process
        if process is None or self.state is State.WORKING:
            raise ValueError("a worker does one errand at a time")
        self.state = State.WORKING

        def note(step: Step) -> None:
            if isinstance(step, Progress):
                tell(step.share)
            else:
                hear(_unpacked(step, answer))

        try:
            end = await process.do(Errand(packed(asked), limits), note, watched=self._watched)
            given = _unpacked(end, answer) if isinstance(end, Done) else None
        except BaseException:
            await self.aclose()
            raise
        self.state = State.READY
        if process.done >= self._errands:
            await self.aclose()
        if isinstance(end, TurnedDown):
            raise Invalid(end.words)
        return given  # type: ignore[return-value]  # an answer, for it was not turned down

    async def aclose(self) -> None:
        """End the process, if there is one; within seconds."""
        process, self._process = self._process, None
        self.state = State.COLD
        if process is not None:
            await process.end()

    async def _start(self) -> None:
        await self._surroundings.prepare()
        command = [sys.executable, "-P", "-m", "farm.workers", self._module]
        self._process = _Process(
            await trio.lowlevel.open_process(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self._surroundings.environment(),
                cwd=self._surroundings.folder,
                **for_background_work(),
            )
        )
        await self._process.warm_up()


class _Process:
    """A process and its three pipes. done: errands that it has ended well."""

    def __init__(self, process: trio.Process) -> None:
        self._process = process
        self._words = bytearray()
        self._over: Why | None = None  # what it was killed for
        self.pid = process.pid
        self.done = 0

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    async def warm_up(self) -> None:
        """Raises WorkFailed."""
        told = await self._converse(b"", MOST_ROUND, WARM_WITHIN_S, lambda step: None)
        if not isinstance(told, Warm):
            raise self._failed(Why.NO_START if told is None else Why.NONSENSE)

    async def do(self, errand: Errand, note: Callable[[Step], None], *, watched: bool) -> Done | TurnedDown:
        """Raises WorkFailed."""
        limits = errand.limits
        watch = limits if watched else None
        began = trio.current_time()
        told = await self._converse(
            framed(errand), limits.answer + MOST_ROUND, limits.wall_s + GRACE_S, note, watch
        )
        if told is None:
            raise self._failed(await self._why_it_ended(trio.current_time() - began >= limits.wall_s))
        if isinstance(told, Failed):
            raise self._failed(_TOLD_WHY.get(told.why, Why.NONSENSE))
        if isinstance(told, Warm | Progress | Interim):
            raise self._failed(Why.NONSENSE)
        self.done += 1
        return told

    async def end(self) -> None:
        """Kill it, and let go of its pipes."""
        with trio.move_on_after(ENDS_WITHIN_S, shield=True):
            self._process.kill()
            await self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                await trio.aclose_forcefully(pipe)

    async def _converse(
        self,
        sent: bytes,
        most: int,
        within_s: float,
        note: Callable[[Step], None],
        watch: Limits | None = None,
    ) -> Told | None:
        """Send, and give the first answer that is no step on the way; None where the process ends before.

        most: bytes of a frame. watch: what to hold it to. Raises WorkFailed for nonsense and when it is late.
        """
        told: Told | None = None
        problem: ProtocolError | None = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._gather_words)
            if watch is not None:
                nursery.start_soon(self._watch, watch)
            with trio.move_on_after(within_s) as patience:
                try:
                    told = await self._answer(sent, Frames(most), note)
                except ProtocolError as error:
                    problem = error
            nursery.cancel_scope.cancel()
        if patience.cancelled_caught:
            raise self._failed(Why.TIME)
        if problem is not None:
            raise self._failed(Why.NONSENSE) from problem
        return told

    async def _answer(self, sent: bytes, frames: Frames, note: Callable[[Step], None]) -> Told | None:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise ValueError("a worker process without pipes")
        try:
            await stdin.send_all(sent)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return None
        while piece := await stdout.receive_some(PIECE):
            for frame in frames.receive(piece):
                told = told_in(frame)
                if not isinstance(told, Progress | Interim):
                    return told
                note(told)
        return None

    async def _gather_words(self) -> None:
        """Keep the newest of what it prints, and let it never wait for a reader."""
        pipe = self._process.stderr
        while pipe is not None and (piece := await pipe.receive_some(PIECE)):
            self._words += piece
            del self._words[:-MOST_WORDS]

    async def _watch(self, limits: Limits) -> None:
        before = appetite_of(self.pid)
        while before is not None and (now := appetite_of(self.pid)) is not None:
            if now.memory - before.memory > limits.memory:
                self._over = Why.MEMORY
            elif now.processor_s - before.processor_s > limits.processor_s:
                self._over = Why.PROCESSOR
            if self._over is not None:
                self._process.kill()
                return
            await trio.sleep(LOOK_EVERY_S)

    async def _why_it_ended(self, late: bool) -> Why:
        with trio.move_on_after(ENDS_WITHIN_S):
            await self._process.wait()
            with trio.move_on_after(ENDS_WITHIN_S):
                await self._gather_words()  # the last ones, which tell most
        if self._over is not None:
            return self._over
        if self._process.returncode == -getattr(signal, "SIGXCPU", 0):
            return Why.PROCESSOR
        return Why.TIME if late else Why.DIED

    def _failed(self, why: Why) -> WorkFailed:
        words = self._words.decode(errors="replace").strip()
        log.warning("work failed", why=why.name, pid=self.pid, code=self._process.returncode, said=words)
        return WorkFailed(why)


_TOLD_WHY = {"memory": Why.MEMORY, "answer": Why.ANSWER, "bug": Why.BUG}


def _unpacked(end: Done | Interim, answer: type[Answer]) -> Answer:
    try:
        return msgspec.msgpack.decode(end.answer, type=answer)
    except msgspec.MsgspecError as error:
        log.warning("work failed", why=Why.NONSENSE.name, said=str(error))
        raise WorkFailed(Why.NONSENSE) from error
