"""What every driver promises, whatever its printer: one set of tests, run over each kind.

A kind gives a `bench` fixture, a `Bench` around an idle printer, and a subclass of `DriverContract`.
"""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import trio

from farm.domain.printer import BUSY, Operation
from farm.drivers.base import Capability, Driver, EndKind, Loss, OutcomeKind, Reading
from farm.drivers.websocket import VIGILANT
from farm.errors import FarmError, Forbidden, Invalid, NotFound, PrinterUnreachable, Refused

SOON_S = 15.0
AT_ONCE_S = 3.0


class Bench(ABC):
    """One printer on the bench: makes drivers for it and arranges what happens to it.

    short, long, heating: G-code of about a second, of a minute or more, and one that first waits some
    seconds for `heater` to reach `heats_to_degc`. What is not a driver blocks, and runs in a thread.
    lost_within_s, noticed_within_s: how soon a peer shows as lost that stopped, or answers nothing any more.
    """

    short: bytes
    long: bytes
    heating: bytes
    heater = "tool0"
    heats_to_degc: float
    vigilance = VIGILANT
    lost_within_s = AT_ONCE_S

    @property
    def noticed_within_s(self) -> float:
        return self.vigilance.ping_s + self.vigilance.pong_s + 1.5

    @abstractmethod
    def driver(self) -> Driver:
        """A new driver with our `vigilance`; the test closes it."""

    @abstractmethod
    def stranger(self) -> Driver:
        """A driver whose key the peer does not know."""

    @abstractmethod
    def stop(self, kill: bool = False) -> None: ...

    @abstractmethod
    def start(self) -> None: ...

    @abstractmethod
    def freeze(self) -> None:
        """The peer holds every answer, with its connections open."""

    @abstractmethod
    def thaw(self) -> None: ...

    @abstractmethod
    def start_at_the_machine(self, remote_name: str) -> None:
        """Somebody starts this file without the farm."""

    @abstractmethod
    def pause_at_the_machine(self) -> None: ...


class Watch:
    """A driver's `watch` in the background, and everything it told."""

    def __init__(self) -> None:
        self.readings: list[Reading] = []
        self.told_at: list[float] = []
        self.problem: FarmError | None = None
        self._news = trio.Event()

    async def run(self, driver: Driver) -> None:
        try:
            await driver.watch(self._take)
        except FarmError as problem:
            self.problem = problem
            self._wake()

    async def until(self, wanted: Callable[[Reading], object], within_s: float = SOON_S) -> Reading:
        """The first reading, from the latest on, that is as wanted."""
        with trio.fail_after(within_s):
            while not (self.readings and wanted(self.readings[-1])):
                assert self.problem is None, self.problem
                await self._news.wait()
        return self.readings[-1]

    async def lost(self, within_s: float) -> FarmError:
        with trio.fail_after(within_s):
            while self.problem is None:
                await self._news.wait()
        return self.problem

    def _take(self, reading: Reading) -> None:
        self.readings.append(reading)
        self.told_at.append(trio.current_time())
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = trio.Event()


async def arrange(what: Callable[..., None], *arguments: object) -> None:
    await trio.to_thread.run_sync(what, *arguments)


async def put(driver: Driver, folder: Path, content: bytes) -> str:
    """Uploads a file under a name of its own, as each attempt has one."""
    name = f"{secrets.token_hex(3)}_part.gcode"
    source = folder / name
    source.write_bytes(content)
    await driver.upload(source, name, len(content))
    return name


def is_doing(*operations: Operation) -> Callable[[Reading], bool]:
    return lambda reading: reading.operation in operations


def targets_of(reading: Reading) -> set[float | None]:
    """Of its heaters; what only measures has none."""
    return {sensor.target for sensor in reading.temperatures.values()} - {None}


async def status_until(driver: Driver, wanted: Callable[[Reading], object]) -> Reading:
    with trio.fail_after(SOON_S):
        while True:
            reading = await driver.status()
            if wanted(reading):
                return reading
            await trio.sleep(0.05)


async def outcome_of(driver: Driver, name: str, mark: str = "") -> OutcomeKind:
    """How it ended, once the peer has noted it."""
    with trio.fail_after(SOON_S):
        while True:
            outcome = await driver.outcome(name, mark)
            if outcome.kind not in (OutcomeKind.RUNNING, OutcomeKind.UNKNOWN):
                return outcome.kind
            await trio.sleep(0.05)


def nothing_known(driver: Driver) -> OutcomeKind:
    """What a peer says of a print that nobody saw the end of, or that never began."""
    return OutcomeKind.NO_RECORD if Capability.OUTCOME in driver.capabilities else OutcomeKind.UNKNOWN


def needs(driver: Driver, capability: Capability) -> None:
    if capability not in driver.capabilities:
        pytest.skip(f"this kind of printer has no {capability}")


class DriverContract:
    """The tests. `driver` and `watch` are made by the fixtures below."""

    @pytest.fixture
    async def driver(self, bench: Bench):
        driver = bench.driver()
        yield driver
        with trio.move_on_after(2, shield=True):
            await driver.aclose()

    @pytest.fixture
    async def watch(self, driver: Driver, nursery: trio.Nursery):
        """Looked at from before the test on."""
        watch = Watch()
        nursery.start_soon(watch.run, driver)
        await watch.until(is_doing(Operation.IDLE))
        return watch

    # -- looking -------------------------------------------------------------------------------------

    async def test_it_says_who_it_is(self, driver):
        identity = await driver.identify()

        assert identity.kind
        assert identity.version

    async def test_a_stranger_is_told_what_to_do_whatever_it_asks(self, bench):
        stranger = bench.stranger()
        for ask in (
            stranger.identify,
            stranger.status,
            stranger.cancel,
            stranger.emergency_stop,
            lambda: stranger.watch(lambda reading: None),
        ):
            with pytest.raises(Forbidden, match="key"):
                await ask()
        await stranger.aclose()

    async def test_an_idle_printer_is_idle_by_both_ways_of_looking(self, driver, watch):
        asked = await driver.status()
        told = await watch.until(lambda reading: reading.temperatures)

        for reading in (asked, told):
            assert (reading.machine_connected, reading.operation, reading.loss) == (
                True,
                Operation.IDLE,
                None,
            )
            assert not reading.stale
        assert told.temperatures["tool0"].actual is not None

    async def test_readings_come_twice_a_second_at_most(self, driver, watch, bench, tmp_path):
        await driver.start(await put(driver, tmp_path, bench.long))
        await trio.sleep(2)

        first, last = watch.told_at[0], watch.told_at[-1]
        assert len(watch.told_at) <= 2.5 * (last - first) + 2  # two ticks may come close together
        await driver.cancel()

    # -- printing ------------------------------------------------------------------------------------

    async def test_each_print_has_one_end_which_is_forgotten_when_the_next_begins(
        self, driver, watch, bench, tmp_path
    ):
        first, second = await put(driver, tmp_path, bench.short), await put(driver, tmp_path, bench.long)
        assert (await driver.outcome(first)).kind is nothing_known(driver)

        await driver.start(first)
        done = await watch.until(lambda reading: reading.ended is not None)
        assert (done.ended.remote_name, done.ended.kind) == (first, EndKind.FINISHED)
        assert done.ended.printed_s > 0
        await watch.until(is_doing(Operation.IDLE))
        assert await outcome_of(driver, first) is OutcomeKind.FINISHED
        assert {reading.ended for reading in watch.readings} == {None, done.ended}

        await driver.start(second)
        await watch.until(lambda reading: reading.operation in BUSY and reading.ended is None)
        await driver.cancel()
        again = await watch.until(lambda reading: reading.ended is not None)
        assert again.ended.remote_name == second

    async def test_a_print_is_paused_resumed_and_cancelled(self, driver, watch, bench, tmp_path):
        needs(driver, Capability.PAUSE)
        name = await put(driver, tmp_path, bench.long)
        await driver.start(name)
        await watch.until(lambda reading: reading.file is not None and reading.file.progress)
        assert (await driver.outcome(name)).kind is OutcomeKind.RUNNING

        await driver.pause()
        paused = await watch.until(is_doing(Operation.PAUSED))
        await driver.pause()  # once more does no harm
        assert paused.file.remote_name == name

        await driver.resume()
        await watch.until(lambda now: now.file is not None and now.file.progress > paused.file.progress)
        await driver.resume()

        await driver.cancel()
        over = await watch.until(is_doing(Operation.IDLE))
        assert over.ended.kind is EndKind.CANCELLED
        assert await outcome_of(driver, name) is OutcomeKind.FAILED
        assert len({reading.ended for reading in watch.readings} - {None}) == 1

    async def test_a_cancel_in_a_heat_up_is_accepted_first_and_done_later(
        self, driver, watch, bench, tmp_path
    ):
        name = await put(driver, tmp_path, bench.heating)
        await driver.start(name)
        await watch.until(lambda now: now.temperatures and targets_of(now) & {bench.heats_to_degc})

        await driver.cancel()

        over = await watch.until(is_doing(Operation.IDLE))
        assert any(reading.operation is Operation.CANCELLING for reading in watch.readings)
        assert over.ended.kind is EndKind.CANCELLED
        assert await outcome_of(driver, name) is OutcomeKind.FAILED

    async def test_an_emergency_stop_ends_everything_at_once(self, driver, watch, bench, tmp_path):
        needs(driver, Capability.EMERGENCY_STOP)
        name = await put(driver, tmp_path, bench.long)
        await driver.start(name)
        await watch.until(is_doing(Operation.PRINTING))

        with trio.fail_after(1):
            await driver.emergency_stop()

        stopped = await watch.until(lambda now: not now.machine_connected and now.ended, AT_ONCE_S)
        assert stopped.loss is Loss.EMERGENCY_STOP
        assert stopped.ended.kind is EndKind.FAILED
        assert stopped.ended.remote_name == name

    # -- commands ------------------------------------------------------------------------------------

    async def test_a_heater_is_set_and_switched_off(self, driver, watch, bench):
        needs(driver, Capability.TEMPERATURE)
        await watch.until(lambda now: bench.heater in now.temperatures)

        await driver.set_temperature(bench.heater, 45)
        await watch.until(lambda now: now.temperatures[bench.heater].target == 45)
        await driver.set_temperature(bench.heater, 0)
        await watch.until(lambda now: now.temperatures[bench.heater].target == 0)

    async def test_a_heater_that_is_not_there_heats_nothing(self, driver, watch):
        needs(driver, Capability.TEMPERATURE)
        await watch.until(lambda now: now.temperatures)

        for heater in ("tool7", "chamber", "", "tool0\nM112", "W"):
            with pytest.raises(Refused, match="no heater"):
                await driver.set_temperature(heater, 45)
        for degc in (float("nan"), float("inf"), 1e9):
            with pytest.raises(Invalid):
                await driver.set_temperature("tool0", degc)
        assert targets_of(await driver.status()) == {0}

    async def test_the_toolhead_homes_and_jogs(self, driver, watch):
        needs(driver, Capability.MOTION)

        await driver.home(["x", "y", "z"])
        await driver.jog(x=5, z=2.5)
        await driver.send_gcode(["M114"])

        await watch.until(lambda now: now.z_mm == 2.5)
        with pytest.raises(Invalid):
            await driver.jog()
        with pytest.raises(Invalid):
            await driver.home(["x", "e"])

    async def test_nothing_moves_by_hand_while_it_prints(self, driver, watch, bench, tmp_path):
        needs(driver, Capability.MOTION)
        await driver.start(await put(driver, tmp_path, bench.long))
        await watch.until(is_doing(Operation.PRINTING))

        for move in (lambda: driver.home(["x"]), lambda: driver.jog(z=1)):
            with pytest.raises(Refused, match="printing"):
                await move()
        await driver.cancel()

    async def test_one_line_of_gcode_stays_one_command(self, driver, watch, bench, tmp_path):
        needs(driver, Capability.GCODE)
        await driver.start(await put(driver, tmp_path, bench.long))
        await watch.until(is_doing(Operation.PRINTING))

        hotter = "M104 S66"
        await driver.send_gcode([f"M117 hello\n{hotter}", f"M117 there;\r{hotter}", " ", f";{hotter}"])

        await trio.sleep(2.5)
        assert all(66 not in targets_of(reading) for reading in watch.readings)
        assert watch.readings[-1].operation is Operation.PRINTING
        with pytest.raises(Invalid, match="no command"):
            await driver.send_gcode(["", "; only a comment", "\r\n"])
        await driver.cancel()

    async def test_what_a_printer_says_to_gcode_is_told_in_its_readings(self, driver, watch):
        needs(driver, Capability.CONSOLE)
        await watch.until(is_doing(Operation.IDLE))

        with suppress(Refused):  # some say it in their answer as well
            await driver.send_gcode(["NO_SUCH_COMMAND"])

        def has_said(_: Reading) -> bool:
            return any("NO_SUCH_COMMAND" in line for seen in watch.readings for line in seen.said)

        await watch.until(has_said)

    # -- refusals ------------------------------------------------------------------------------------

    async def test_commands_without_a_print_are_refused_with_a_sentence(self, driver):
        for command in (driver.pause, driver.resume, driver.cancel):
            with pytest.raises(Refused, match=r"\w+ \w+ \w+"):
                await command()

    async def test_nothing_second_starts_beside_a_print(self, driver, bench, tmp_path):
        running = await put(driver, tmp_path, bench.long)
        waiting = await put(driver, tmp_path, bench.short)
        await driver.start(running)

        for name in (running, waiting):
            with pytest.raises(Refused, match="does not start"):
                await driver.start(name)
        with pytest.raises(Refused, match="of that name is printing"):
            await driver.upload(tmp_path / running, running, len(bench.long))
        with pytest.raises(Refused, match="in use"):
            await driver.delete(running)

        await driver.cancel()
        await status_until(driver, is_doing(Operation.IDLE))
        assert (await driver.outcome(waiting)).kind is nothing_known(driver)

    async def test_a_missing_file_does_not_start(self, driver):
        with pytest.raises(NotFound):
            await driver.start("000000_gone.gcode")
        assert (await driver.outcome("000000_gone.gcode")).kind is OutcomeKind.UNKNOWN

    # -- copies --------------------------------------------------------------------------------------

    async def test_a_copy_is_a_file_of_its_own_and_its_print_has_an_end_of_its_own(
        self, driver, watch, bench, tmp_path
    ):
        needs(driver, Capability.COPY)
        first, size = await put(driver, tmp_path, bench.short), len(bench.short)
        lies_there = await driver.upload(tmp_path / first, first, size)
        await driver.start(first)
        assert await outcome_of(driver, first) is OutcomeKind.FINISHED
        await watch.until(is_doing(Operation.IDLE))

        second = f"{secrets.token_hex(3)}_part.gcode"
        copy = await driver.copy(first, second, size, lies_there.checksum)
        again = await driver.copy(first, second, size, lies_there.checksum)  # as after a lost answer

        assert copy == again
        assert copy.checksum == lies_there.checksum
        assert (await driver.outcome(second, copy.mark)).kind is OutcomeKind.NO_RECORD
        await driver.delete(first)
        await driver.start(second)
        assert await outcome_of(driver, second, copy.mark) is OutcomeKind.FINISHED

    async def test_nothing_is_copied_but_what_the_farm_put_there(self, driver, bench, tmp_path):
        needs(driver, Capability.COPY)
        name, size = await put(driver, tmp_path, bench.short), len(bench.short)
        lies_there = await driver.upload(tmp_path / name, name, size)
        other = f"{secrets.token_hex(3)}_part.gcode"

        with pytest.raises(NotFound):
            await driver.copy("000000_gone.gcode", other, size, lies_there.checksum)
        for wrong in ((size + 1, lies_there.checksum), (size, "0" * 40)):
            with pytest.raises(Refused, match="other content"):
                await driver.copy(name, other, *wrong)
        with pytest.raises(NotFound):
            await driver.start(other)

    async def test_what_runs_after_the_end_of_ours_is_not_taken_for_ours(
        self, driver, watch, bench, tmp_path
    ):
        needs(driver, Capability.OUTCOME)
        name = await put(driver, tmp_path, bench.long)
        await driver.start(name)
        await watch.until(is_doing(Operation.PRINTING))
        await driver.cancel()
        assert await outcome_of(driver, name) is OutcomeKind.FAILED
        await watch.until(is_doing(Operation.IDLE))

        await arrange(bench.start_at_the_machine, name)
        await watch.until(is_doing(Operation.PRINTING))

        assert (await driver.outcome(name)).kind is OutcomeKind.FAILED
        await driver.cancel()

    # -- files that go -------------------------------------------------------------------------------

    async def test_a_deleted_file_is_gone_and_deleting_it_again_is_fine(self, driver, bench, tmp_path):
        name = await put(driver, tmp_path, bench.short)

        await driver.delete(name)
        await driver.delete(name)

        with pytest.raises(NotFound):
            await driver.start(name)

    # -- the world -----------------------------------------------------------------------------------

    async def test_a_print_started_at_the_machine_is_seen_and_not_touched(
        self, driver, watch, bench, tmp_path
    ):
        foreign, ours = [await put(driver, tmp_path, bench.long) for _ in range(2)]
        await arrange(bench.start_at_the_machine, foreign)

        seen = await watch.until(is_doing(Operation.PRINTING))

        assert seen.file.remote_name == foreign
        with pytest.raises(Refused):
            await driver.start(ours)
        await arrange(bench.pause_at_the_machine)
        await watch.until(is_doing(Operation.PAUSED))
        await driver.cancel()

    async def test_a_new_driver_finds_the_print_by_its_name(self, driver, bench, tmp_path, nursery):
        name = await put(driver, tmp_path, bench.long)
        await driver.start(name)
        await driver.aclose()

        heir, watch = bench.driver(), Watch()
        nursery.start_soon(watch.run, heir)

        adopted = await watch.until(is_doing(Operation.PRINTING))
        assert adopted.file.remote_name == name
        assert (await heir.outcome(name)).kind is OutcomeKind.RUNNING
        await heir.cancel()
        over = await watch.until(lambda reading: reading.ended)
        assert (over.ended.remote_name, over.ended.kind) == (name, EndKind.CANCELLED)
        nursery.cancel_scope.cancel()
        await heir.aclose()

    async def test_a_machine_taken_off_and_put_on_again(self, driver, watch, bench, tmp_path):
        needs(driver, Capability.MACHINE_LINK)
        needs(driver, Capability.TAKE_UP)
        name = await put(driver, tmp_path, bench.short)

        await driver.disconnect_machine()
        away = await watch.until(lambda reading: not reading.machine_connected)
        assert (away.loss, away.operation) == (Loss.CLOSED, Operation.UNKNOWN)
        assert not away.temperatures
        assert (await driver.status()).loss is Loss.CLOSED
        for command in (lambda: driver.start(name), driver.emergency_stop, lambda: driver.home(["x"])):
            with pytest.raises(Refused):
                await command()

        await driver.connect_machine()
        await watch.until(is_doing(Operation.IDLE))

    async def test_a_peer_that_stops_is_lost_and_back_when_it_starts(
        self, driver, watch, bench, tmp_path, nursery
    ):
        name = await put(driver, tmp_path, bench.long)
        await driver.start(name)
        await watch.until(is_doing(Operation.PRINTING))

        await arrange(bench.stop, True)
        problem = await watch.lost(bench.lost_within_s)
        assert isinstance(problem, PrinterUnreachable)
        for ask in (driver.identify, driver.status, driver.emergency_stop):
            with pytest.raises(PrinterUnreachable, match="power"):
                await ask()
        await arrange(bench.start)

        again = Watch()
        nursery.start_soon(again.run, driver)
        await again.until(is_doing(Operation.IDLE))
        assert (await driver.outcome(name)).kind is nothing_known(driver)

    async def test_a_peer_that_answers_nothing_any_more_is_lost_in_time(self, driver, watch, bench):
        assert bench.noticed_within_s <= 10

        await arrange(bench.freeze)
        try:
            async with trio.open_nursery() as both:
                both.start_soon(self.emergency_stop_is_given_up_in_time, driver)
                problem = await watch.lost(bench.noticed_within_s)
        finally:
            await arrange(bench.thaw)

        assert isinstance(problem, PrinterUnreachable)
        with trio.fail_after(5):
            await driver.identify()

    async def emergency_stop_is_given_up_in_time(self, driver):
        with pytest.raises(PrinterUnreachable), trio.fail_after(4):
            await driver.emergency_stop()
