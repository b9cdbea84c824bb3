"""A farm whose printers are in another network, and the cable between the two is pulled.

Run in a network namespace of its own (`unshare --net`), as root: it makes a second one for the simulated
printers, joined to its own by a pair of virtual network cards. Pulling the cable is taking the far card down:
whatever is sent vanishes without a word, as it does in a real cut. Prints what it measured as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import trio

from farm.app import Farm
from farm.config import Files, Queue, Settings
from farm.data_folder import DataFolder
from farm.domain.printer import Address, Connection, Printer
from farm.live.messages import ReportStatuses
from farm.printers.messages import AddPrinter

NEAR, FAR = "10.203.0.1", "10.203.0.2"
PRINTERS = "octoprint:2,moonraker:2,prusalink:2"
SOON_S = 60.0
LOOK_EVERY_S = 0.05


@contextmanager
def other_network() -> Iterator[str]:
    """The name of a namespace that can be reached at FAR."""
    name = f"farm-test-{os.getpid()}"
    ip("netns", "add", name)
    try:
        ip("link", "set", "lo", "up")
        ip("link", "add", "near", "type", "veth", "peer", "name", "far", "netns", name)
        ip("address", "add", f"{NEAR}/30", "dev", "near")
        ip("link", "set", "near", "up")
        ip("-n", name, "address", "add", f"{FAR}/30", "dev", "far")
        ip("-n", name, "link", "set", "lo", "up")
        plug(name, "up")
        yield name
    finally:
        ip("netns", "delete", name)


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=10)


def plug(network: str, state: str) -> None:
    """state: "down" pulls the cable, "up" puts it back."""
    ip("-n", network, "link", "set", "far", state)


@asynccontextmanager
async def running_there(network: str, *command: str) -> AsyncIterator[str]:
    """The first line of a program that runs in the other network until this is left."""
    process = await trio.lowlevel.open_process(
        ["ip", "netns", "exec", network, sys.executable, "-P", "-m", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        line = b""
        with trio.fail_after(SOON_S):
            while not line.endswith(b"\n"):
                line += await process.stdout.receive_some()
        yield line.decode()
    finally:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + 10):
            process.terminate()
            await process.wait()


class Watched:
    """A farm, and how long its printers take to be shown otherwise."""

    def __init__(self, farm: Farm) -> None:
        self._farm = farm

    async def within(self, names: set[str], connection: Connection) -> dict[str, float]:
        """Seconds from now until each of these is shown so, and not for a moment only."""
        began, found = trio.current_time(), dict[str, float]()
        with trio.fail_after(SOON_S):
            while set(found) != names:
                statuses = await self._farm.address("events").ask(ReportStatuses())
                for name in names:
                    if name not in statuses or statuses[name].connection is not connection:
                        found.pop(name, None)
                    else:
                        found.setdefault(name, round(trio.current_time() - began, 2))
                await trio.sleep(LOOK_EVERY_S)
        return found


async def measure(network: str, folder: Path) -> dict[str, Any]:
    simulate = ("farm", "simulate", "--json", "--until-input-ends", "--printers", PRINTERS)
    async with running_there(network, *simulate) as told:
        printers = {
            f"{printer['dialect']}-{number}": (printer["dialect"], printer["url"], printer["api_key"])
            for number, printer in enumerate(json.loads(told)["printers"])
        }
        ports = [url.rpartition(":")[2].strip("/") for _, url, _ in printers.values()]
        async with running_there(network, "tests.peers.relay", FAR, *ports):
            farm = Farm(Settings(files=Files(min_free_mb=0), queue=Queue()), DataFolder(folder))
            async with farm.running():
                for name, (kind, url, key) in printers.items():
                    there = Address(kind, url.replace("127.0.0.1", FAR), key)
                    await farm.address("printers").ask(AddPrinter(Printer(name, name, there)))
                return await cut_and_mend(network, Watched(farm), set(printers))


async def cut_and_mend(network: str, shop: Watched, names: set[str]) -> dict[str, Any]:
    await shop.within(names, Connection.ONLINE)
    plug(network, "down")
    offline_s = await shop.within(names, Connection.OFFLINE)
    await trio.sleep(10.0)  # a cut of half a minute in all
    plug(network, "up")
    return {"offline_s": offline_s, "back_s": await shop.within(names, Connection.ONLINE)}


if __name__ == "__main__":
    with other_network() as there, tempfile.TemporaryDirectory() as place:
        found = trio.run(measure, there, Path(place))
    print(json.dumps(found))  # noqa: T201
