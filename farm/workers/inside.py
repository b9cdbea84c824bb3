"""The inside of a worker process: reads errands from one pipe, tells of them through another.

What it does stands in a module, named on the command line, with these functions:

    def work(asked: Asked, tell: Tell) -> Answer:  # raises Invalid with words for people
    def warm_up() -> None:  # may be missing

`Asked` and `Answer` are whatever msgspec can carry; `tell` takes the share that is done, and answers that
are good already, should the time run out for a better one. The process has no sockets, writes nothing but
small files unless its errand may, and does not outlive the server: it ends with its input.
"""

from __future__ import annotations

import faulthandler
import importlib
import os
import queue
import sys
import threading
import time
import traceback
import typing
from collections.abc import Callable
from types import ModuleType
from typing import Any, NoReturn, Protocol

import msgspec

from farm.errors import FarmError, ProtocolError
from farm.platform import (
    SMALL_FILE,
    allow_files_of,
    allow_more_memory,
    allow_more_processor_time,
    forbid_large_files,
    memory_is_free_again,
    yield_to_others,
)
from farm.workers.wire import (
    MOST_ASKED,
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
    errand_in,
    framed,
    packed,
)

TELL_EVERY_S = 0.1  # nobody sees finer progress
PIECE = 64 * 1024  # bytes

_OUTSIDE = ("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.system", "pty.")
"""Audit events of what nothing in a worker has a reason to do, once it is warm."""


class Tell(Protocol):
    """How work that goes on is told of."""

    def __call__(self, share: float) -> None:
        """How much is done, 0 to 1; as often as one likes."""

    def interim(self, answer: object) -> None:
        """The best answer so far."""


def live(name: str) -> None:
    """Work until the server ends, or ends this process."""
    asking, telling = _private_pipes()
    tell = _Telling(telling)
    errands: queue.SimpleQueue[Errand] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(asking, errands), daemon=True).start()
    yield_to_others()
    module = importlib.import_module(name)
    if hasattr(module, "warm_up"):
        module.warm_up()
    sys.addaudithook(_stay_inside)
    forbid_large_files()
    tell.say(Warm())
    asked = _argument_of(module)
    while True:
        if not _do(errands.get(), module.work, asked, tell):
            return


def _private_pipes() -> tuple[int, int]:
    """Keep the two pipes for us: what the work reads is empty, and what it prints goes into the log."""
    asking, telling = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return asking, telling


def _listen(pipe: int, errands: queue.SimpleQueue[Errand]) -> NoReturn:
    """In a thread, so that a worker notices at work, too, that the server is gone."""
    frames = Frames(MOST_ASKED + MOST_ROUND)
    try:
        while piece := os.read(pipe, PIECE):
            for frame in frames.receive(piece):
                errands.put(errand_in(frame))
    except (OSError, ProtocolError):
        traceback.print_exc()
    os._exit(0)  # at once, whatever the other thread is at


def _argument_of(module: ModuleType) -> Any:
    return typing.get_type_hints(module.work)["asked"]


def _stay_inside(event: str, _: object) -> None:
    """No jail, for code that wants out finds a way; but no library opens a connection by mistake."""
    if event.startswith(_OUTSIDE):
        raise PermissionError(f"a worker process does no such thing: {event}")


def _do(errand: Errand, work: Callable[..., object], asked: Any, tell: _Telling) -> bool:
    """One errand, within its limits. Whether this process is fit for another one."""
    with _Limited(errand.limits):
        end = _end(errand, work, asked, tell)
    tell.say(end)
    return not isinstance(end, Failed)


def _end(errand: Errand, work: Callable[..., object], asked: Any, tell: _Telling) -> Told:
    try:
        argument = msgspec.msgpack.decode(errand.asked, type=asked)
        answer = packed(work(argument, tell))
    except FarmError as problem:
        return TurnedDown(str(problem)[: MOST_ROUND // 4])
    except MemoryError:
        return Failed("memory")
    except Exception:
        traceback.print_exc()
        return Failed("bug")
    return Done(answer) if len(memoryview(answer)) <= errand.limits.answer else Failed("answer")


class _Limited:
    """Holds one errand to its limits, as far as this system can; the server watches over the rest."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def __enter__(self) -> None:
        allow_more_memory(self._limits.memory)
        allow_files_of(self._limits.file)
        allow_more_processor_time(self._limits.processor_s)
        # Also where a library holds the interpreter and no thread of ours gets its turn; tells where.
        faulthandler.dump_traceback_later(self._limits.wall_s, exit=True)

    def __exit__(self, *_: object) -> None:
        faulthandler.cancel_dump_traceback_later()
        allow_files_of(SMALL_FILE)
        memory_is_free_again()


class _Telling:
    """Writes frames. Only the thread that works uses it."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._next_at = 0.0

    def say(self, message: Told) -> None:
        rest = memoryview(framed(message))
        while rest:
            rest = rest[os.write(self._pipe, rest) :]

    def __call__(self, share: float) -> None:
        now = time.monotonic()
        if now >= self._next_at:
            self._next_at = now + TELL_EVERY_S
            self.say(Progress(min(1.0, max(0.0, share))))

    def interim(self, answer: object) -> None:
        self.say(Interim(packed(answer)))
