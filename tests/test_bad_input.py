"""Mad print hosts, files that vanish and hostile names, at a whole farm: a state and a sentence, no crash."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from farm.app import Farm, Seams
from farm.config import Files, Queue, Settings
from farm.data_folder import DataFolder
from farm.domain.file import StoredFile, kind_of, readable_name
from farm.domain.job import JobState, Print, PrintState
from farm.domain.printer import Address, Connection, Operation, Plate, Printer, PrinterStatus
from farm.drivers.octoprint.driver import OctoPrintDriver
from farm.errors import FarmError, Refused
from farm.live.messages import ReportStatuses
from farm.printers.messages import AddPrinter
from farm.queue.messages import AddJob, ClearPlate
from farm.simulator.server import Plan
from farm.store import files, jobs, prints
from tests.drivers.test_driver_http import WITH_A_WRONG_ONE, WITHOUT_AN_ANSWER
from tests.peers.raw_peer import Behaviour, answering, raw_peer
from tests.simulator.conversation import LONG, SHORT
from tests.simulator.fleet import Fleet, running_fleet
from tests.simulator.fleet import Printer as Simulated

NAMES = json.loads((Path(__file__).parent / "web" / "data" / "file_names.json").read_text("utf-8"))["names"]
A_SENTENCE = re.compile(r"\S+ .*\S+", re.DOTALL)
SOON_S = 60.0


@dataclass
class Shop:
    """A farm in this process, and the simulator that some of its printers live in."""

    farm: Farm
    fleet: Fleet

    async def add(self, name: str, address: Address) -> None:
        await self.farm.address("printers").ask(AddPrinter(Printer(name, name, address, max_retries=1)))

    async def simulated(self, name: str, **wish: Any) -> Simulated:
        printer = await self.fleet.add(id=name, **wish)
        await self.add(name, printer.address)
        await self.until(partial(self.shows, name, operation=Operation.IDLE))
        return printer

    async def wish(self, name: str, gcode: str, **more: Any) -> str:
        """Queue a file of this name as people would send it; the job's id."""
        async with self.farm.storage.upload(limit=1_000_000) as upload:
            await upload.write(gcode.encode())
            content = await upload.keep()
        shown = readable_name(name)
        kind, id = kind_of(shown), hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:12]
        file = StoredFile(id, shown, kind, content.size, content.sha256, "test", datetime.now(UTC))
        stored, _ = await self.farm.database.write(files.add, file)
        return (await self.farm.address("queue").ask(AddJob(stored.id, **more))).id

    async def clear(self, *names: str) -> None:
        for name in names:
            await self.farm.address("queue").ask(ClearPlate(name))

    async def statuses(self) -> dict[str, PrinterStatus]:
        return dict(await self.farm.address("events").ask(ReportStatuses()))

    async def shows(self, name: str, **wanted: object) -> bool:
        status = (await self.statuses()).get(name, PrinterStatus())
        return all(getattr(status, field) == value for field, value in wanted.items())

    async def prints(self, job: str) -> list[Print]:
        return await self.farm.database.read(prints.of_job, job)

    async def job_is(self, job: str, state: JobState) -> bool:
        return (await self.farm.database.read(jobs.existing, job)).state is state

    async def until(self, wanted: Callable[[], Any], within_s: float = SOON_S) -> None:
        with trio.fail_after(within_s):
            while not await wanted():  # noqa: ASYNC110
                await trio.sleep(0.1)

    def restarts(self) -> dict[str, int]:
        return {report.name: report.restarts for report in self.farm.runtime.reports() if report.restarts}


@asynccontextmanager
async def open_shop(folder: Path, driver: Callable[[Printer], Any] | None = None) -> AsyncIterator[Shop]:
    """Leaving it shows that no actor crashed, whatever the printers did."""
    for part in ("simulator", "data"):
        (folder / part).mkdir()
    settings = Settings(files=Files(min_free_mb=0), queue=Queue(plate_undo_s=0.05))
    async with trio.open_nursery() as nursery:
        fleet = await running_fleet(nursery, folder / "simulator", Plan(printers={}, speed=20, seed=1))
        farm = Farm(settings, DataFolder(folder / "data"), Seams(driver=driver))
        async with farm.running():
            shop = Shop(farm, fleet)
            yield shop
            assert shop.restarts() == {}
        await fleet.aclose()
        nursery.cancel_scope.cancel()


# -- print hosts that say what none should -------------------------------------------------------


def saying(bodies: dict[str, str]) -> Behaviour:
    """Answers a path that begins so with this body, all others with 404."""

    async def behave(stream: trio.SocketStream, request: bytes) -> None:
        path = request.split(b" ", 2)[1].decode()
        for beginning, body in bodies.items():
            if path.startswith(beginning):
                await answering("200 OK", body.encode(), "Content-Type: application/json")(stream, request)
                return
        await answering("404 Not Found", b"{}", "Content-Type: application/json")(stream, request)

    return behave


GREETING = {
    "/api/version": '{"api": "0.1", "server": "1.11.8", "text": "OctoPrint 1.11.8"}',
    "/api/login": '{"name": "admin", "session": "s"}',
}
IDLE = '{"state": {"text": "Operational", "flags": {"operational": true, "ready": true}}%s}'
NO_JOB = '{"job": {"file": {}}, "progress": {}, "state": "Operational"}'
ODD_READINGS = [
    ', "temperature": {"tool0": {"actual": NaN, "target": Infinity}, "bed": {"actual": "hot"}}',
    ', "temperature": {"tool0": {"actual": 1e999, "target": null}}',
    ', "temperature": [1, 2, 3]',
    ', "temperature": {"tool0": {"actual": ' + "9" * 500 + ', "target": -0.0}}',
]
WRONG_STRUCTURES = [
    {"/api/printer": '{"state": [1]}', "/api/job": NO_JOB},
    {"/api/printer": '{"state": {"flags": "yes"}}', "/api/job": NO_JOB},
    {"/api/printer": "7", "/api/job": NO_JOB},
    {"/api/printer": IDLE % "", "/api/job": '{"job": null}'},
    {"/api/printer": IDLE % "", "/api/job": '{"job": {"file": 5}}'},
    {"/api/login": '{"name": 1, "session": []}'},
    {"/api/version": '{"text": null}'},
]


@pytest.mark.timeout(180)
async def test_mad_print_hosts_are_offline_with_a_sentence_and_harm_nobody(tmp_path, nursery):
    mad = [*WITHOUT_AN_ANSWER, *WITH_A_WRONG_ONE, *(saying({**GREETING, **odd}) for odd in WRONG_STRUCTURES)]
    async with open_shop(tmp_path) as shop:
        await shop.simulated("sound")
        for number, behaviour in enumerate(mad):
            url = await raw_peer(nursery, behaviour)
            await shop.add(f"mad{number}", Address("octoprint", url, "k" * 32))

        async def all_told() -> bool:
            shown = await shop.statuses()
            return all(
                shown[f"mad{number}"].connection is Connection.OFFLINE
                and A_SENTENCE.fullmatch(shown[f"mad{number}"].message)
                for number in range(len(mad))
            )

        await shop.until(all_told, within_s=90)
        job = await shop.wish("part.gcode", SHORT, required_printers=frozenset({"sound"}))
        await shop.clear("sound")
        await shop.until(partial(shop.job_is, job, JobState.DONE))


async def test_odd_readings_are_no_readings_and_their_printer_stays_online(tmp_path, nursery):
    async with open_shop(tmp_path) as shop:
        for number, odd in enumerate(ODD_READINGS):
            bodies = {**GREETING, "/api/printer": IDLE % odd, "/api/job": NO_JOB}
            url = await raw_peer(nursery, saying(bodies))
            await shop.add(f"odd{number}", Address("octoprint", url, "k" * 32))
        for number in range(len(ODD_READINGS)):
            await shop.until(partial(shop.shows, f"odd{number}", operation=Operation.IDLE))
            for heater in (await shop.statuses())[f"odd{number}"].temperatures.values():
                assert heater.actual is None
                assert heater.target in (None, 0.0)


@pytest.mark.timeout(180)
async def test_a_host_that_goes_mad_in_mid_print_finds_its_print_again(tmp_path):
    manners = ("garbage", "half", "500", "drop", "half_open", "refuse")
    async with open_shop(tmp_path) as shop:
        made = {manner: await shop.simulated(manner.replace("_", "-"), speed=1) for manner in manners}
        wishes = {}
        for manner, printer in made.items():
            wishes[manner] = await shop.wish(
                f"{manner}.gcode", f"; {manner}\n{LONG}", required_printers=frozenset({printer.id})
            )
            await shop.clear(printer.id)
        for printer in made.values():
            await shop.until(partial(shop.shows, printer.id, operation=Operation.PRINTING))
        for manner, printer in made.items():
            await printer.switch(manner=manner)
        await trio.sleep(15)
        for printer in made.values():
            await printer.switch(manner="well")
        for manner, printer in made.items():
            await shop.until(partial(shop.shows, printer.id, connection=Connection.ONLINE))
            await shop.until(partial(shop.shows, printer.id, operation=Operation.PRINTING, foreign=False))
            (attempt,) = await shop.prints(wishes[manner])
            assert attempt.state is PrintState.PRINTING
            assert (await printer.told())["starts"] == {attempt.remote_name: 1}


# -- files that vanish ---------------------------------------------------------------------------


async def test_a_file_that_is_gone_from_our_disk_stops_its_job_with_the_reason(tmp_path):
    async with open_shop(tmp_path) as shop:
        await shop.simulated("mk4")
        job = await shop.wish("part.gcode", SHORT)
        shop.farm.storage.path_of(hashlib.sha256(SHORT.encode()).hexdigest()).unlink()
        await shop.clear("mk4")
        await shop.until(partial(shop.job_is, job, JobState.QUARANTINED))
        for attempt in await shop.prints(job):
            assert attempt.state is PrintState.FAILED
            assert "copy of the file cannot be read" in attempt.reason
        assert await shop.shows("mk4", plate=Plate.CLEAR)  # nothing was begun


class Thief(OctoPrintDriver):
    """Somebody takes each file away between the moment it was looked at and the start."""

    async def start(self, remote_name: str) -> None:
        await self.delete(remote_name)
        await super().start(remote_name)


async def test_a_file_that_is_gone_from_its_printer_is_never_begun_and_the_plate_stays_clear(tmp_path):
    async with open_shop(tmp_path, lambda printer: Thief(printer.address)) as shop:
        printer = await shop.simulated("mk4")
        job = await shop.wish("part.gcode", SHORT)
        await shop.clear("mk4")
        await shop.until(partial(shop.job_is, job, JobState.QUARANTINED))
        for attempt in await shop.prints(job):
            assert attempt.state is PrintState.FAILED
            assert "does not have the file" in attempt.reason
        assert await shop.shows("mk4", plate=Plate.CLEAR)
        assert (await printer.told())["starts"] == {}


# -- names ---------------------------------------------------------------------------------------


@pytest.mark.timeout(240)
async def test_every_name_that_is_taken_is_printed_and_reaches_its_printer_as_a_plain_one(tmp_path):
    printers = [f"p{number}" for number in range(6)]
    async with open_shop(tmp_path) as shop:
        made = [await shop.simulated(name) for name in printers]
        wishes, refused = [], []
        for number, name in enumerate(NAMES):
            try:
                wishes.append(await shop.wish(name, f"; {number}\n{SHORT}"))
            except FarmError:
                refused.append(name)
        assert len(wishes) > 25

        async def all_printed() -> bool:
            for name in printers:
                if await shop.shows(name, operation=Operation.IDLE) and not await shop.shows(
                    name, plate=Plate.CLEAR
                ):
                    with suppress(Refused):  # it was given the next print meanwhile
                        await shop.clear(name)
            return all([await shop.job_is(job, JobState.DONE) for job in wishes])

        await shop.until(all_printed, within_s=200)
        starts: Counter[str] = Counter()
        for printer in made:
            starts.update((await printer.told())["starts"])
        assert len(starts) == len(wishes)
        for remote, count in starts.items():
            assert count == 1
            assert re.fullmatch(r"[a-z0-9]{6}_[A-Za-z0-9_-]+\.(gcode|gco|g)", remote), remote
