"""A fleet of simulated printers in one process: a port for each, and one for the switches."""

from __future__ import annotations

import random
import secrets
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h11
import trio

from farm.drivers.exchange import Answer
from farm.errors import Refused
from farm.platform import listening_socket
from farm.simulator.control import Add, Do, Mishap, What, control, do
from farm.simulator.dialects import DIALECTS
from farm.simulator.machine import Machine
from farm.simulator.station import BEAT_S, HOST, Station
from farm.simulator.wire import MAX_BODY, Wire

MAX_PRINTERS = 1200  # each takes a descriptor, and a few more for its clients

_ENDS_OF = {What.GO_AWOL: What.COME_BACK, What.FILAMENT_OUT: What.FILAMENT_IN}
"""What ends a mishap when its time is over."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to simulate.

    printers: how many, by their dialect. speed: how much faster than real time the machines live. seed: of
    keys and noise. port: of the switches, and the first printer's is the next one; 0 takes free ones.
    """

    printers: Mapping[str, int] = field(default_factory=lambda: {"octoprint": 4})
    speed: float = 1.0
    seed: int | None = None
    port: int = 0


@dataclass(frozen=True, slots=True)
class Running:
    """Where a fleet can be reached: the address of its switches, and its printers."""

    control: str
    stations: tuple[Station, ...]


class SimulatedFleet:
    """The stations, each running in `nursery` for as long as it is there. folder: for their files."""

    def __init__(self, plan: Plan, folder: Path, nursery: trio.Nursery) -> None:
        self.stations: dict[str, Station] = {}
        self._plan = plan
        self._folder = folder
        self._nursery = nursery
        self._ends: dict[str, trio.CancelScope] = {}
        self._mishaps: dict[str, trio.CancelScope] = {}
        self._random = secrets.SystemRandom() if plan.seed is None else random.Random(plan.seed)
        self._added = 0
        self.path = f"/{self.new_key()}/control"
        """Of the switches. Who does not know it reaches none: pages in a browser get at this port too."""

    def add(self, wish: Add) -> Station:
        """A further printer.

        Raises OSError when its port is taken, ValueError when its id is or its dialect is not known.
        """
        self._added += 1
        id = wish.id or f"sim-{self._added:03}"
        if id in self.stations or len(self.stations) >= MAX_PRINTERS:
            raise ValueError(f"there is a printer {id}" if id in self.stations else "the fleet is full")
        if wish.dialect not in DIALECTS:
            raise ValueError(f"nobody here speaks {wish.dialect}")
        seed = self._random.getrandbits(32) if wish.seed is None else wish.seed
        speed = self._plan.speed if wish.speed is None else wish.speed
        folder = self._folder / f"{self._added}"
        folder.mkdir()
        now = trio.current_time()
        speaks = DIALECTS[wish.dialect]
        host = speaks(Machine(seed, speed), folder, self.new_key(), now, time.time() - now)
        station = Station(id, host, wish.port)
        self.stations[id], self._ends[id] = station, trio.CancelScope()
        self._nursery.start_soon(self._run, station, self._ends[id])
        return station

    def new_key(self) -> str:
        return f"{self._random.getrandbits(128):032x}"

    def remove(self, id: str) -> None:
        """Takes a printer away, with its files."""
        self.befall(self.stations[id], ())
        self._ends.pop(id).cancel()
        shutil.rmtree(self.stations.pop(id).host.folder, ignore_errors=True)

    def befall(self, station: Station, mishaps: tuple[Mishap, ...]) -> None:
        """From now on these befall it, and no others."""
        if station.id in self._mishaps:
            self._mishaps.pop(station.id).cancel()
        if mishaps:
            scope = self._mishaps[station.id] = trio.CancelScope()
            self._nursery.start_soon(self._befall, station, mishaps, scope)

    async def _befall(self, station: Station, mishaps: tuple[Mishap, ...], scope: trio.CancelScope) -> None:
        with scope:
            async with trio.open_nursery() as nursery:
                for mishap in mishaps:
                    nursery.start_soon(self._happen, station, mishap)

    async def _happen(self, station: Station, mishap: Mishap) -> None:
        while True:
            await trio.sleep(self._random.expovariate(1 / mishap.every_s))
            do(self, station, Do(mishap.what, mishap.for_s), trio.current_time())
            await trio.sleep(mishap.for_s)
            if (end := _ENDS_OF.get(mishap.what)) is not None:
                do(self, station, Do(end), trio.current_time())

    def soon(self, what: Callable[..., Any], *arguments: Any) -> None:
        self._nursery.start_soon(what, *arguments)

    async def beat(self) -> None:
        """Lets everybody's time pass."""
        while True:
            await trio.sleep(BEAT_S)
            now = trio.current_time()
            for station in list(self.stations.values()):
                if now >= station.wake_at:
                    station.beat(now)

    async def serve_switches(self, stream: trio.SocketStream) -> None:
        """One connection to the control port."""
        wire = Wire(stream, trio.lowlevel.checkpoint)
        try:
            async with stream:
                while (request := await wire.next_request()) is not None:
                    body = bytearray()
                    while piece := await wire.next_piece():
                        body += piece[: MAX_BODY - len(body)]
                    answer = self._switch(request, bytes(body))
                    await wire.answer(answer.status, answer.headers, answer.body)
        except (trio.BrokenResourceError, trio.ClosedResourceError, h11.ProtocolError):
            pass

    def _switch(self, request: h11.Request, body: bytes) -> Answer:
        key, _, rest = request.target.decode("latin-1").partition("?")[0].partition("/control")
        path = f"/control{rest}" if f"{key}/control" == self.path else ""
        return control(self, request.method.decode("latin-1"), path, body, trio.current_time())

    async def _run(self, station: Station, end: trio.CancelScope) -> None:
        with end:
            await station.run()


async def simulate(plan: Plan, folder: Path, announce: Callable[[Running], None]) -> None:
    """Runs a fleet until it is cancelled, and announces it once every printer can be reached.

    folder: an empty one for the printers' files. Raises Refused when a port is taken.
    """
    async with trio.open_nursery() as nursery:
        fleet = SimulatedFleet(plan, folder, nursery)
        nursery.start_soon(fleet.beat)
        try:
            switches = listening_socket(HOST, plan.port)
            dialects = [dialect for dialect, many in plan.printers.items() for _ in range(many)]
            for number, dialect in enumerate(dialects, 1):
                fleet.add(Add(dialect=dialect, port=plan.port + number if plan.port else 0))
        except OSError as error:
            raise Refused(f"A port for the simulated printers is not free: {error}.") from error
        address = f"http://{HOST}:{switches.getsockname()[1]}{fleet.path}"
        announce(Running(address, tuple(fleet.stations.values())))
        listener = trio.SocketListener(trio.socket.from_stdlib_socket(switches))
        await trio.serve_listeners(fleet.serve_switches, [listener])
