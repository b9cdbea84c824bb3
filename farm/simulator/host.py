"""What every simulated print host has, whatever it speaks: a machine, files, a key, and a time that passes.

A host holds no sockets and no clock: requests and messages come in as values, together with `now`, seconds
of any steady clock; answers and messages go out as values. `station` puts it on a port.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeAlias
from urllib.parse import parse_qs, unquote, urlsplit

from farm.drivers.exchange import Answer
from farm.simulator.faults import Faults, Swallowed
from farm.simulator.machine import Machine
from farm.simulator.upload import Form, Taker

Json: TypeAlias = dict[str, Any]
"""An object of JSON."""

Reply: TypeAlias = Callable[[Answer], None]
"""Takes the answer to one request, at once or when the host has it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. path: decoded. headers: names in lower case. form: of an upload, whose file is stored."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    form: Form | None = None


def asked(method: str, target: str, headers: Mapping[str, str]) -> Asked:
    """The head of a request, its target taken apart."""
    parts = urlsplit(target)
    query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    return Asked(method, unquote(parts.path), query, headers)


@dataclass
class StoredFile:
    """A file as the host keeps it, with what became of its prints. date: seconds since 1970."""

    name: str
    path: Path
    size: int
    digest: str
    date: float
    successes: int = 0
    failures: int = 0


@dataclass
class Counted:
    """What came in since the simulator was started, so that a test can show that nothing came twice."""

    requests: int = 0
    pushed: int = 0  # messages
    starts: Counter[str] = field(default_factory=Counter)  # by remote name, prints that really began
    uploads: Counter[str] = field(default_factory=Counter)  # by remote name, files stored whole
    finished: Counter[str] = field(default_factory=Counter)  # by remote name, prints that ended well
    copies: Counter[str] = field(default_factory=Counter)  # by remote name, files copied to it
    commands: Counter[str] = field(default_factory=Counter)  # accepted: pause, cancel, gcode and so on
    stopped_at: float | None = None  # seconds since 1970, when the last emergency stop came in


class Push(Protocol):
    """One client of the host's WebSocket.

    waiting: the messages to send. wake_at: when `tick` wants to be called again. over: whether the client is
    to be cut off, for it reads too slowly or the host hangs up.
    """

    waiting: deque[bytes]
    wake_at: float

    @property
    def over(self) -> bool: ...

    def receive(self, text: str, now: float) -> None: ...

    def tick(self, now: float) -> None: ...

    def repeat(self, times: int, now: float) -> None:
        """Adds so many messages in which nothing is new, as far as there is room for them."""
        ...

    def close(self) -> None: ...


class Host(ABC):
    """One print host. Every call that changes something first lets the time pass until `now`.

    kind: what it speaks. push_path: where its WebSocket lies; "" where it has none. starting: what answers
    in its place while it starts; None where it answers itself as soon as its port is open.
    """

    kind: ClassVar[str]
    push_path: ClassVar[str] = ""
    starting: ClassVar[Answer | None] = None

    files: Mapping[str, StoredFile]

    def __init__(self, machine: Machine, folder: Path, api_key: str, wall_offset: float) -> None:
        """folder: for its files. wall_offset: seconds since 1970 when the clock of `now` showed 0."""
        self.machine = machine
        self.folder = folder
        self.api_key = api_key
        self.counted = Counted()
        self.gives_up_after_s = math.inf
        """How long it waits for a machine that answers nothing."""
        self.end_shows_s = 0.0
        """How long it shows the end of a print, where that is a state of its own."""
        self.stamped = False
        """Whether each push carries a fresh reading of the nozzle that says when it was taken."""
        self._wall_offset = wall_offset
        self._steps: list[tuple[float, Callable[[float], None]]] = []

    # -- time ----------------------------------------------------------------------------------------

    def wall(self, now: float) -> float:
        """Seconds since 1970."""
        return now + self._wall_offset

    @property
    @abstractmethod
    def wake_at(self) -> float:
        """When something happens next by itself, so that `tick` is wanted; `math.inf` for never."""

    @abstractmethod
    def tick(self, now: float) -> None:
        """Lets happen what is due until `now`."""

    def later(self, when: float, what: Callable[[float], None]) -> None:
        """Calls `what` with the time, once that is at `when` or past it."""
        self._steps.append((when, what))
        self._steps.sort(key=lambda step: step[0])

    def _take_steps(self, now: float) -> None:
        while self._steps and self._steps[0][0] <= now:
            self._steps.pop(0)[1](now)

    # -- talking -------------------------------------------------------------------------------------

    def means(self, question: Asked) -> frozenset[Swallowed]:
        """What this request is about, for the fault that swallows answers."""
        return frozenset()

    def take_upload(self, head: Asked) -> Taker | None:
        """Takes in the body of an upload; None for everything that is none, or may not be."""
        return None

    @abstractmethod
    def answer(self, question: Asked, now: float, reply: Reply) -> None:
        """Carries a request out, and replies once: at once, or when it is done."""

    def push(self, head: Asked, faults: Faults, now: float, on_news: Callable[[], None]) -> Push | None:
        """A new client of the WebSocket; None where there is none. on_news: messages came to wait."""
        return None

    # -- what can befall it --------------------------------------------------------------------------

    @property
    @abstractmethod
    def text(self) -> str:
        """What the printer does, in the host's word."""

    @abstractmethod
    def connect(self, now: float) -> None:
        """Takes the machine up again, which resets it. Nothing happens where it has it."""

    @abstractmethod
    def lose_line(self, now: float) -> None:
        """The line to the machine breaks; a print on it fails."""

    @abstractmethod
    def break_down(self, now: float) -> None:
        """The firmware sees a thermal runaway and kills everything."""

    @abstractmethod
    def go_awol(self, now: float) -> None:
        """The machine answers nothing more; after `gives_up_after_s` the host gives up."""

    @abstractmethod
    def restarted(self, now: float) -> None:
        """The print host itself went away and comes back: its files and their history are all it keeps."""

    @abstractmethod
    def run_out(self, now: float) -> None:
        """The filament of a print ends, and it stands until somebody comes."""

    @abstractmethod
    def be_tended(self, now: float) -> None:
        """Somebody put in new filament and lets the print go on."""

    def come_back(self, now: float) -> None:
        """The machine answers again."""
        self.machine.come_back(now)

    def went_down(self) -> None:
        """The print host's computer goes away."""
        self.machine.abandon()
