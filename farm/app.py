"""Builds the tree and hands out addresses. The only place that knows everyone."""

from __future__ import annotations

import os
import random
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import structlog
import trio

from farm import __version__, garbage
from farm.access.gate import Gate
from farm.access.passwords import Hasher
from farm.access.secrets import Seal
from farm.access.tokens import TokenKeys
from farm.actors import Address as ActorAddress
from farm.actors import ChildSpec, Directions, Exhausted, Mailbox, RestartPolicy, Supervisor, WhenFull
from farm.actors.supervisor import Escalated, Runtime
from farm.actors.vitals import Vitals
from farm.actors.watchdog import Watchdog
from farm.clocks.actor import Clocks, ClocksParts
from farm.config import Processing, Settings
from farm.data_folder import DataFolder, LocalAccess, local_url, new_local_token
from farm.demo import prepare
from farm.demo.actor import People
from farm.domain.clock import Randomness, WallClock, real_clock
from farm.domain.event import Fact
from farm.domain.file import Quota
from farm.domain.printer import SIMULATED, Address, Printer
from farm.domain.user import SYSTEM
from farm.drivers.base import Driver
from farm.drivers.http import PATIENT
from farm.drivers.kinds import capabilities_at, make_driver
from farm.drivers.names import NameLookups
from farm.files.actor import Files
from farm.files.analyser import MB, Analyser, InlineAnalyser, ProcessAnalyser, limits_of
from farm.files.copier import ProcessCopier
from farm.files.ejections import EjectionFiles
from farm.files.messages import CopiesWanted
from farm.files.parts import FilesParts
from farm.files.storage import Storage
from farm.history.actor import History, HistoryParts
from farm.history.messages import HistoryMessage
from farm.live.bell import Bell
from farm.live.broadcaster import Broadcaster
from farm.live.clients import Clients
from farm.live.messages import FactsCommitted
from farm.platform import lived_s, notify_service_manager, raise_descriptor_limit
from farm.printers import discovery
from farm.printers.actor import PrinterParts
from farm.printers.fleet import Fleet, FleetParts
from farm.printers.messages import WatchOtherwise
from farm.printers.turnstile import Turnstile
from farm.queue.actor import Queue
from farm.queue.dispatch import hold_everything
from farm.queue.parts import QueueParts
from farm.queue.planned import FollowedPlan
from farm.schedule.actor import Scheduler, SchedulerParts
from farm.schedule.planner import NoPlanner, Planner, ProcessPlanner
from farm.schedule.questions import InlineQuestions, ProcessQuestions
from farm.simulator.actor import Simulator
from farm.simulator.messages import EndSimulation
from farm.simulator.process import fleet_process
from farm.store import printers
from farm.store.connection import FARM, TELEMETRY, Keeping
from farm.store.database import Database
from farm.store.opening import Opened, restore_settled
from farm.telemetry.actor import Telemetry, TelemetryParts
from farm.telemetry.writer import Keeping as KeepingReadings
from farm.web.announcement import Announcement, is_for_others
from farm.web.app import build
from farm.web.desk import Desk
from farm.web.idempotency import Memory, Running
from farm.web.server import Web, taken
from farm.workers.surroundings import Surroundings

log = structlog.get_logger(__name__)

# Who may wait for whom, by kind of actor: asks, and tells that wait for room. In the other direction
# goes what never waits: `tell_nowait` and `Latest`. A test reads the code and keeps this list true.
WAITING = frozenset(
    {
        ("queue", "database"),
        ("queue", "printer"),
        ("printers", "database"),
        ("printer", "database"),
        ("printer", "simulator"),
        ("files", "database"),
        ("scheduler", "database"),
        ("scheduler", "events"),
        ("telemetry", "database"),
        ("clocks", "database"),
        ("history", "database"),
        ("client", "database"),
        ("client", "queue"),
        ("client", "printer"),
        ("web", "database"),
        ("web", "events"),
        ("web", "queue"),
        ("web", "printers"),
        ("web", "printer"),
        ("web", "scheduler"),
    }
)

# What becomes of an actor that crashes five times without a minute's calm. Single printers are
# `faulted` and tried again for ever (printers/fleet.py); clients are never restarted (live/clients.py).
_STOP_THE_PROCESS = RestartPolicy(exhausted=Exhausted.ESCALATE)
_GO_ON_WITHOUT = RestartPolicy(exhausted=Exhausted.DEGRADED)
WHEN_IT_KEEPS_CRASHING = {
    "database": _STOP_THE_PROCESS,
    "database:telemetry": _GO_ON_WITHOUT,
    "events": _STOP_THE_PROCESS,
    "queue": _STOP_THE_PROCESS,
    "files": _GO_ON_WITHOUT,
    "scheduler": _GO_ON_WITHOUT,
    "telemetry": _GO_ON_WITHOUT,
    "history": _GO_ON_WITHOUT,
    "simulator": _GO_ON_WITHOUT,
    "printers": _STOP_THE_PROCESS,
    "clients": _GO_ON_WITHOUT,
    "clocks": _GO_ON_WITHOUT,
    "announcement": _GO_ON_WITHOUT,
    "demo": _GO_ON_WITHOUT,
    "web": _STOP_THE_PROCESS,
}

CHANGE_COPIES = frozenset(
    {
        "file.processed",
        "file.removed",
        "job.queued",
        "job.changed",
        "job.amended",
        "printer.added",
        "printer.changed",
        "printer.removed",
    }
)
"""Facts after which other smaller copies of files may be wanted than before."""

LOCK_WITHIN_S = 2.0  # a command that uses the data folder is over by then
HOUR_S, DAY_S = 3600.0, 86_400.0
CALM_WITHIN_S = 30.0  # what is put off while printers are connected to is put off no longer
HURRY_S = 2.0  # a second SIGTERM: stop within this, whatever is left undone


@dataclass(frozen=True, slots=True)
class Seams:
    """Where time, chance and the world outside come in. A replay hands in its own.

    driver: makes the driver of a printer; None is the real one for its kind. planner: makes plans;
    None is the real one, or none where the clock is virtual. lived: seconds since the computer began, with
    all sleep; None is the real one, or the virtual clock that never sleeps.
    inline: databases (in memory), files and password hashes work on the loop instead of in threads, so
    that nothing outside a virtual clock is waited for, nor anybody in the network listened to.
    """

    clock: WallClock = real_clock
    chance: Randomness = field(default_factory=random.SystemRandom)
    driver: Callable[[Printer], Driver] | None = None
    planner: Planner | None = None
    lived: Callable[[], float] | None = None
    inline: bool = False


class Farm:
    """Everybody in the shop but the web, wired up."""

    def __init__(self, settings: Settings, folder: DataFolder, seams: Seams | None = None) -> None:
        self._settings = settings
        self._folder = folder
        self._seams = seams = seams or Seams()
        self.runtime = Runtime(chance=seams.chance, directions=Directions(WAITING))
        self.supervisor = Supervisor(self.runtime)
        self.plan = FollowedPlan()
        self.bell = Bell()
        self.vitals = Vitals(folder.path)
        self._turnstile = Turnstile()
        self.database = self._database(folder.farm_db, FARM)
        self.database.on_facts = self._tell_of_facts
        self.readings = self._database(folder.telemetry_db, TELEMETRY)
        self.storage = Storage(folder.files, min_free=settings.files.min_free_mb * MB, inline=seams.inline)
        self.files = self._files()
        self._telemetry = Telemetry(self._telemetry_parts())
        self.scheduler = Scheduler(self._scheduler_parts())

    def _database(self, path: Path, keeping: Keeping) -> Database:
        seams = self._seams
        return Database(
            None if seams.inline else path,
            keeping,
            backups=self._folder.backups,
            inline=seams.inline,
            chance=seams.chance,
            clock=seams.clock,
        )

    def _tell_of_facts(self, facts: list[Fact]) -> None:
        self.bell.ring()
        for actor in ("events", "scheduler"):
            if actor in self.runtime.children:  # else it finds them in the table when it starts
                self.address(actor).tell_nowait(FactsCommitted(tuple(facts)))
        changed = any(fact.type == "schedule.settingsChanged" for fact in facts)
        if changed and "printers" in self.runtime.children:
            self.address("printers").tell_nowait(WatchOtherwise())
        if "files" in self.runtime.children and any(fact.type in CHANGE_COPIES for fact in facts):
            self.address("files").tell_nowait(CopiesWanted())

    def address(self, name: str) -> ActorAddress[Any]:
        """The address of an actor. Raises NotFound."""
        return self.runtime.address(name)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Farm]:
        """The tree, each child ready before the next starts; leaving stops it in reverse."""
        opened = await self.database.open()
        try:
            await self.readings.open()
            await self.storage.open()
            self.gate = self._gate()
            self.seal = await self._load_seal()
            fleet = self._fleet()
            self.clients = Clients(
                self.runtime, self.gate, lambda: self.address("events"), self._settings.live
            )
            async with self.supervisor.running():
                await self.start(self.database.spec())
                await self.start(self.readings.spec())
                await self._hold_if_restored(opened)
                self.setup_code = await self.gate.prepare()
                for spec in self._specs(fleet):
                    await self.start(spec)
                yield self
        finally:
            self.readings.close()
            self.database.close()

    async def start(self, spec: ChildSpec[Any]) -> None:
        """Start a child of the tree, and wait until it is ready."""
        await self.supervisor.start(replace(spec, policy=WHEN_IT_KEEPS_CRASHING[spec.name]))

    async def calm(self) -> None:
        """Wait until no more printers are being connected to for the first time, or long enough."""
        with trio.move_on_after(CALM_WITHIN_S):
            await self._turnstile.calm()

    async def _hold_if_restored(self, opened: Opened) -> None:
        """After a restored backup nobody knows what was begun since: a person reviews every open job."""
        if opened.restored_from is None:
            return
        log.error("database restored from a backup; open jobs need review", backup=opened.restored_from)
        await self.database.write(hold_everything, self._seams.clock(), str(SYSTEM), opened.restored_from)
        await self.database.write(restore_settled)

    def _gate(self) -> Gate:
        folder, seams = self._folder, self._seams
        keys = TokenKeys.load(folder.token_keys, seams.clock(), secrets.token_urlsafe)
        hasher = Hasher(inline=seams.inline)
        return Gate(self.database, folder.path, keys, hasher, clock=seams.clock, chance=seams.chance)

    def _specs(self, fleet: Fleet) -> Sequence[ChildSpec[Any]]:
        seams = self._seams
        broadcaster = Broadcaster(
            self.database,
            lambda: self.address("clients"),
            self._settings.live,
            self.plan,
            telemetry=lambda: self.address("telemetry"),
            clock=seams.clock,
        )
        queue = QueueParts(
            database=self.database,
            printer=lambda printer: self.address(f"printer:{printer}"),
            content_of=self.storage.path_of,
            keep_ejection=EjectionFiles(self._folder.ejections, self.storage.run).keep,
            clock=seams.clock,
            chance=seams.chance,
            plan=self.plan,
            undo_s=self._settings.queue.plate_undo_s,
        )
        simulator = Simulator(partial(fleet_process, 0, modest=True))
        lived = seams.lived or (trio.current_time if seams.inline else lived_s)
        clocks = Clocks(ClocksParts(self.database, self.address, seams.clock, lived))
        return (
            broadcaster.spec(),
            ChildSpec(name="queue", run=lambda mailbox: Queue(queue).run(mailbox), mailbox_size=256),
            ChildSpec(name="files", run=self.files.run, mailbox_size=4),
            ChildSpec(
                name="scheduler",
                run=self.scheduler.run,
                mailbox_size=256,
                when_full=WhenFull.DROP_OLDEST,  # hints, which the next look makes good
            ),
            ChildSpec(
                name="telemetry", run=self._telemetry.run, mailbox_size=1000, when_full=WhenFull.DROP_OLDEST
            ),
            ChildSpec(name="history", run=self._history, mailbox_size=1000, when_full=WhenFull.DROP_OLDEST),
            ChildSpec(name="simulator", run=simulator.run, mailbox_size=256, stop_within_s=7.0),
            ChildSpec(name="printers", run=fleet.run, stop_within_s=7.0),
            self.clients.spec(),
            ChildSpec(name="clocks", run=clocks.run),
        )

    async def _history(self, mailbox: Mailbox[HistoryMessage]) -> None:
        """Begun anew with each life: what is not over is read from the database."""
        await History(HistoryParts(self.database, self._seams.clock)).run(mailbox)

    def _files(self) -> Files:
        settings, seams = self._settings.files, self._seams
        limits = limits_of(settings.worker_memory_mb, settings.worker_time_s)
        surroundings = Surroundings(self._folder.workers.resolve())

        def analyser(*, glance: bool = False) -> Analyser:
            if seams.inline:
                return InlineAnalyser(self.storage)
            return ProcessAnalyser(self.storage, surroundings, limits, glance=glance)

        parts = FilesParts(
            runtime=self.runtime,
            database=self.database,
            storage=self.storage,
            events=lambda: self.address("events"),
            queue=lambda: self.address("queue"),
            analyser=analyser,
            glancer=partial(analyser, glance=True),
            workers=1 if seams.inline else settings.workers or _file_workers(),
            clock=seams.clock,
            calm=self.calm,
            copier=None if seams.inline else ProcessCopier(self.storage, surroundings, limits),
            quota=self._quota(),
        )
        return Files(parts)

    def _scheduler_parts(self) -> SchedulerParts:
        settings, seams = self._settings.scheduling, self._seams
        surroundings = Surroundings(self._folder.workers.resolve())
        planner = ProcessPlanner(surroundings) if settings.optimise and not seams.inline else NoPlanner()
        return SchedulerParts(
            database=self.database,
            events=lambda: self.address("events"),
            queue=lambda: self.address("queue"),
            planner=seams.planner or planner,
            questions=InlineQuestions() if seams.inline else ProcessQuestions(surroundings),
            clock=seams.clock,
            chance=seams.chance,
            seconds=settings.seconds,
        )

    def _telemetry_parts(self) -> TelemetryParts:
        settings = self._settings.processing
        return TelemetryParts(
            database=self.readings,
            clock=self._seams.clock,
            events=lambda: self.address("events"),
            interval_s=settings.interval_s,
            window=settings.buffer_size,
            keeping=_keeping(settings),
        )

    def _quota(self) -> Quota:
        return Quota(self._settings.files.quota_mb * MB, self._settings.files.user_quota_mb * MB)

    def _fleet(self) -> Fleet:
        seams = self._seams
        parts = PrinterParts(
            database=self.database,
            queue=lambda: self.address("queue"),
            events=lambda: self.address("events"),
            telemetry=lambda: self.address("telemetry"),
            history=lambda: self.address("history"),
            driver=seams.driver or self._driver,
            content_of=self.storage.path_of,
            clock=seams.clock,
            chance=seams.chance,
            turnstile=self._turnstile,
        )
        hear = discovery.hear_nobody if seams.inline else discovery.listen
        return Fleet(FleetParts(self.runtime, self.seal, parts, self._removed, hear))

    async def _load_seal(self) -> Seal:
        nothing_sealed = not await self.database.read(printers.everything)
        return Seal.load(self._folder.secret_key, first_run=nothing_sealed)

    def _driver(self, printer: Printer) -> Driver:
        if printer.address.kind != SIMULATED:
            return self._network_driver(printer.address)
        from farm.simulator.driver import SimulatedDriver  # with machines and all: most farms have none

        can = capabilities_at(printer.address)
        return SimulatedDriver(printer, lambda: self.address("simulator"), self._network_driver, can)

    def _network_driver(self, address: Address) -> Driver:
        patience = replace(PATIENT, connect_s=self._settings.printers.connect_timeout_s)
        return make_driver(address, patience)

    def _removed(self, printer: Printer) -> None:
        if printer.address.kind == SIMULATED:
            self.address("simulator").tell_nowait(EndSimulation(printer.id))

    def is_announced_at(self, host: str) -> bool:
        """Whether the farm lets itself be found where it listens on `host`."""
        return self._settings.server.announce and is_for_others(host)

    def web(self, listener: socket.socket) -> tuple[Web, str]:
        """The front door on an address that was taken, and how people write that."""
        host, port = listener.getsockname()[:2]
        compression = self._settings.live.compression
        web = Web(
            build(self.desk()), host, port, lambda url: None, listener=listener, compression=compression
        )
        return web, web.bind()

    def desk(self) -> Desk:
        """What the routes may talk to."""
        return Desk(
            gate=self.gate,
            database=self.database,
            readings=self.readings,
            queue=self.address("queue"),
            plan=self.plan,
            fleet=self.address("printers"),
            printer=lambda printer: self.address(f"printer:{printer}"),
            events=self.address("events"),
            files=self.address("files"),
            scheduler=self.address("scheduler"),
            file_workers=self.files.states,
            planner=lambda: self.scheduler.state,
            telemetry=self._telemetry.numbers,
            readings_kept=self._telemetry.kept,
            storage=self.storage,
            clients=self.clients,
            bell=self.bell,
            vitals=self.vitals,
            reports=self.runtime.reports,
            memory=Memory(self.database, self.seal, self._seams.clock, Running()),
            clock=self._seams.clock,
            chance=self._seams.chance,
            max_upload=self._settings.files.max_upload_mb * MB,
            quota=self._quota(),
            undo_s=self._settings.queue.plate_undo_s,
            version=__version__,
        )


def _keeping(wanted: Processing) -> KeepingReadings:
    return KeepingReadings(
        raw_s=wanted.metrics_retention_h * HOUR_S,
        minutes_s=wanted.minutes_retention_d * DAY_S,
        hours_s=wanted.hours_retention_d * DAY_S,
        size=wanted.history_size_mb * MB,
    )


def _file_workers() -> int:
    """As many as leave the shop PC room for everything else: half of its cores, no more than four."""
    return max(1, min(4, (os.cpu_count() or 1) // 2))


def serve(settings: Settings, folder: DataFolder, say: Callable[[str], None], *, demo: bool = False) -> int:
    """Run the farm until it is told to stop. Returns the exit code; `say` gets the lines for the user.

    demo: make the folder anew, with a simulated shop at work in it.
    Raises SettingsError, Refused and the like when it cannot start.
    """
    raise_descriptor_limit()
    with (
        folder.lock(wait_s=LOCK_WITHIN_S),
        closing(taken(settings.server.host, settings.server.port)) as listener,
    ):
        if demo:
            prepare.empty(folder)
        else:  # from now on it is somebody's own, which no demo may take away
            folder.demo_mark.unlink(missing_ok=True)
        return trio.run(_serve, settings, folder, listener, say, demo)


async def _serve(
    settings: Settings,
    folder: DataFolder,
    listener: socket.socket,
    say: Callable[[str], None],
    demo: bool,
) -> int:
    garbage.set_modules_aside()
    trio.socket.set_custom_hostname_resolver(NameLookups())
    credentials = await prepare.furnish(folder) if demo else None
    farm = Farm(settings, folder)
    stop, hurry = trio.Event(), trio.CancelScope()
    code = 0
    async with trio.open_nursery() as nursery:
        await nursery.start(_hear_signals, stop, hurry)
        nursery.start_soon(farm.vitals.run)
        nursery.start_soon(Watchdog(alive=lambda: notify_service_manager("WATCHDOG=1")).run)
        try:
            with hurry:
                async with farm.running():
                    await _serve_the_web(farm, folder, listener, say, stop, credentials)
        except* Escalated as lost:
            log.critical("the farm cannot go on", why=str(lost.exceptions[0]))
            code = 1
        nursery.cancel_scope.cancel()
    return 1 if hurry.cancelled_caught else code


async def _settle_down(farm: Farm) -> None:
    await farm.calm()
    garbage.settle_down()


async def _serve_the_web(
    farm: Farm,
    folder: DataFolder,
    listener: socket.socket,
    say: Callable[[str], None],
    stop: trio.Event,
    demo: prepare.Credentials | None,
) -> None:
    web, address = farm.web(listener)
    host, port = listener.getsockname()[:2]
    local = LocalAccess(local_url(host, port), new_local_token())
    farm.gate.trust_local(local.token)
    with folder.announced(local):
        await farm.start(ChildSpec(name="web", run=web.run, door=True))
        say(f"Listening on {address}")
        if farm.setup_code is not None:
            say(f"Set up: {local.url}/setup#code={farm.setup_code}")
        if demo is None and farm.is_announced_at(host):
            await farm.start(ChildSpec(name="announcement", run=Announcement(host, port, __version__).run))
        if demo is not None:
            say(f"Demo user: {prepare.USER} password: {demo.password}")
            await farm.start(ChildSpec(name="demo", run=People(local.url, demo).run))
        notify_service_manager("READY=1")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_settle_down, farm)
            try:
                await stop.wait()
            finally:
                farm.bell.fall_silent()  # or whoever waits for facts would be waited for
            nursery.cancel_scope.cancel()
        notify_service_manager("STOPPING=1")
        log.info("stopping")


async def _hear_signals(
    stop: trio.Event, hurry: trio.CancelScope, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """The first SIGTERM or Ctrl-C stops in order, the second in a hurry."""
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        async for _ in signals:
            if stop.is_set():
                hurry.deadline = trio.current_time() + HURRY_S
            stop.set()
