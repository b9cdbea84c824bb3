"""The farm with its live socket, told by lines on stdin what to publish.

Nothing is left out: real tree, real databases on disk, real web server, a real API key.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from sqlite3 import Connection
from typing import Any

import structlog
import trio

from farm import garbage
from farm.actors import ChildSpec
from farm.app import Farm
from farm.config import Files, Settings
from farm.data_folder import DataFolder
from farm.domain.clock import real_clock
from farm.domain.printer import Address, Operation, Plate, Printer, PrinterStatus, Temperature
from farm.domain.printer import Connection as Connected
from farm.domain.user import SYSTEM, Scope
from farm.live.messages import StatusChanged
from farm.platform import make_private_folder, raise_descriptor_limit
from farm.store import events
from farm.web.server import taken

ROOMS, EVENT = ("queue", "printers"), "bench.event"
PRINTERS = [
    Printer(f"mk4-{n:02}", f"Prusa MK4 {n:02}", Address("octoprint", "http://192.168.1.20"))
    for n in range(100)
]


def main(folder: str) -> None:
    """Serve from an empty data folder until stdin ends."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),  # what is on stdout are answers
    )
    garbage.begin()
    raise_descriptor_limit()
    make_private_folder(Path(folder))
    trio.run(_serve, DataFolder(Path(folder)))


async def _serve(folder: DataFolder) -> None:
    settings = replace(Settings(), files=Files(min_free_mb=0))
    async with Farm(settings, folder).running() as farm:
        _, token = await farm.gate.create_key(SYSTEM, "subscribers", [Scope.READ])
        listener = taken("127.0.0.1", 0)
        port = listener.getsockname()[1]
        web, _ = farm.web(listener)
        await farm.start(ChildSpec(name="web", run=web.run, door=True))
        garbage.settle_down()  # as a farm does that is up
        _say({"port": port, "token": token})
        async with trio.open_nursery() as nursery:
            watched = Watched()
            nursery.start_soon(watched.run, farm)
            async for line in trio.wrap_file(sys.stdin):
                order = json.loads(line)
                if order["do"] == "keep_pace":
                    _say(await _keep_pace(order))
                elif order["do"] == "publish":
                    watched.begin(order.get("watch_until"))
                    _say(await _publish(farm, order))
                    await watched.seen()
                else:
                    _say({"cut_s": watched.cut_s, "peak_rss_mb": watched.peak_rss_mb, "rss_mb": _rss_mb()})
            nursery.cancel_scope.cancel()


class Watched:
    """How much memory is used, and when there are only so many clients left."""

    def __init__(self) -> None:
        self._asked = trio.Event()
        self.begin(None)

    def begin(self, clients: int | None) -> None:
        """From now on, until there are only `clients`; None: nobody wants to know, and looking would cost."""
        self.peak_rss_mb, self.cut_s = 0.0, 0.0
        self._clients, self._begun = clients, time.monotonic()
        if clients is not None:
            self._asked.set()

    async def run(self, farm: Farm) -> None:
        """Look when asked to, for ever."""
        while True:
            await self._asked.wait()
            await trio.sleep(0.1)
            if self._clients is None:
                self._asked = trio.Event()
                continue
            self.peak_rss_mb = max(self.peak_rss_mb, _rss_mb())
            if not self.cut_s and farm.clients.numbers().clients <= self._clients:
                self.cut_s = time.monotonic() - self._begun

    async def seen(self) -> None:
        """Return when there are only so many left, or after 20 s."""
        with trio.move_on_after(20):
            while self._clients is not None and not self.cut_s:  # noqa: ASYNC110  # as above
                await trio.sleep(0.1)


async def _keep_pace(order: Mapping[str, Any]) -> Mapping[str, Any]:
    """As `_publish`, but of nothing: what it takes to wake up so often."""
    before, begun = time.process_time(), trio.current_time()
    total = round(order["rate"] * order["seconds"])
    for n in range(total):
        await trio.sleep_until(begun + n / order["rate"])
    await trio.sleep(order["settle_s"])
    return {"sent": total, "cpu_s": time.process_time() - before}


async def _publish(farm: Farm, order: Mapping[str, Any]) -> Mapping[str, Any]:
    """`rate` events a second for `seconds`; answers with the CPU seconds that all of it took.

    facts_in_ten: so many of ten events are facts, committed `per_commit` at a time, the others states of
    a hundred printers in turn. bytes: of what a fact carries.
    """
    before, begun = time.process_time(), trio.current_time()
    total, step = round(order["rate"] * order["seconds"]), order["per_commit"]
    for n in range(0, total, step):
        await trio.sleep_until(begun + n / order["rate"])
        if n % 10 < order["facts_in_ten"]:
            await farm.database.write(_record, range(n, n + step), order["bytes"])
        else:
            _show(farm, n)
    await trio.sleep(order["settle_s"])
    return {"sent": total, "cpu_s": time.process_time() - before}


def _record(db: Connection, numbers: range, size: int) -> None:
    for n in numbers:
        events.record(
            db, EVENT, (ROOMS[0],), real_clock(), {"n": n, "at": time.perf_counter(), "pad": "x" * size}
        )


def _show(farm: Farm, n: int) -> None:
    """A printer says something new, as it does once a second."""
    printer = PRINTERS[n % len(PRINTERS)]
    heaters = {"tool0": Temperature(214.8, 215.0), "bed": Temperature(60.1, 60.0)}
    told = f"{n} {time.perf_counter()}"
    status = PrinterStatus(
        Connected.ONLINE, Operation.PRINTING, Plate.OCCUPIED, temperatures=heaters, message=told
    )
    farm.address("events").tell_nowait(StatusChanged(printer, status))


def _rss_mb() -> float:
    import psutil

    return float(psutil.Process().memory_info().rss / 1e6)


def _say(answer: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
