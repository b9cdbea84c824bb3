"""A fleet of simulated printers in one process: a port for each, and one for the switches."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h11
import trio

from farm.errors import Refused
from farm.platform import listening_socket
from farm.simulator.control import Add, control
from farm.simulator.machine import Machine
from farm.simulator.station import BEAT_S, HOST, Station
from farm.simulator.wire import MAX_BODY, Wire

MAX_PRINTERS = 500  # each takes a descriptor, and one more for every client


@dataclass(frozen=True, slots=True)
class Plan:
    """What to simulate.

    speed: how much faster than real time the machines live. seed: of keys and noise. port: of the
    switches, and the first printer's is the next one; 0 takes free ones.
    """

    printers: int = 4
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
        self._random = random.Random(secrets.randbits(64) if plan.seed is None else plan.seed)
        self._added = 0

    def add(self, wish: Add) -> Station:
        """A further printer. Raises OSError when its port is taken, ValueError when its id is."""
        self._added += 1
        id = wish.id or f"sim-{self._added:03}"
        if id in self.stations or len(self.stations) >= MAX_PRINTERS:
            raise ValueError(f"there is a printer {id}" if id in self.stations else "the fleet is full")
        seed = self._random.getrandbits(32) if wish.seed is None else wish.seed
        speed = self._plan.speed if wish.speed is None else wish.speed
        folder = self._folder / f"{self._added}"
        folder.mkdir()
        station = Station(
            id, Machine(seed, speed), folder, f"{self._random.getrandbits(128):032x}", wish.port
        )
        self.stations[id], self._ends[id] = station, trio.CancelScope()
        self._nursery.start_soon(self._run, station, self._ends[id])
        return station

    def remove(self, id: str) -> None:
        self._ends.pop(id).cancel()
        del self.stations[id]

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
                    path = request.target.decode("latin-1").partition("?")[0]
                    method = request.method.decode("latin-1")
                    answer = control(self, method, path, bytes(body), trio.current_time())
                    await wire.answer(answer.status, answer.headers, answer.body)
        except (trio.BrokenResourceError, trio.ClosedResourceError, h11.ProtocolError):
            pass

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
            for number in range(1, plan.printers + 1):
                fleet.add(Add(port=plan.port + number if plan.port else 0))
        except OSError as error:
            raise Refused(f"A port for the simulated printers is not free: {error}.") from error
        address = f"http://{HOST}:{switches.getsockname()[1]}/control"
        announce(Running(address, tuple(fleet.stations.values())))
        listener = trio.SocketListener(trio.socket.from_stdlib_socket(switches))
        await trio.serve_listeners(fleet.serve_switches, [listener])
