"""The circuit breaker of a printer: when requests pass, when they are refused, and which one tries."""

from __future__ import annotations

import inspect
import random
from datetime import UTC, datetime, timedelta
from unittest.mock import AsyncMock

import pytest
import trio

from farm.domain.printer import Breaker
from farm.drivers.base import AnswerLost, Driver
from farm.errors import Invalid, PrinterUnreachable, ProtocolError, Refused
from farm.printers.breaker import LONG_S, LONGEST_REST_S, MOST_FAILURES, CircuitBreaker, rest_s
from farm.printers.guarded import GuardedDriver

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SURE = type("Sure", (random.Random,), {"uniform": lambda self, least, most: most})()


@pytest.fixture
def breaker() -> CircuitBreaker:
    return CircuitBreaker("mk4", lambda: NOON + timedelta(seconds=trio.current_time()), SURE)


def fail(breaker: CircuitBreaker, problem: Exception, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(type(problem)), breaker.request():
            raise problem


LOST = AnswerLost("no answer came")


async def test_a_host_that_misses_an_answer_now_and_then_is_asked_on(autojump_clock, breaker):
    for _ in range(10):
        fail(breaker, LOST, MOST_FAILURES - 1)
        with breaker.request():
            pass
    assert breaker.state is Breaker.CLOSED
    assert breaker.next_try_at is None


@pytest.mark.parametrize("problem", [LOST, PrinterUnreachable("away"), ProtocolError("garbage")])
async def test_after_failures_in_a_row_requests_are_refused_at_once(autojump_clock, breaker, problem):
    fail(breaker, problem, MOST_FAILURES)

    assert breaker.state is Breaker.OPEN
    refused = pytest.raises(PrinterUnreachable, match=f"mk4 is left alone .*{problem}")
    with refused as refusal, breaker.request():
        raise AssertionError("it passed")
    assert type(refusal.value) is PrinterUnreachable  # and not AnswerLost: certainly nothing was sent
    in_half_a_second = NOON + timedelta(seconds=trio.current_time() + 0.5)
    assert abs(breaker.next_try_at - in_half_a_second) < timedelta(milliseconds=1)


async def test_half_open_one_request_tries_and_the_others_are_refused_meanwhile(autojump_clock, breaker):
    fail(breaker, LOST, MOST_FAILURES)
    await trio.sleep(0.6)
    assert breaker.state is Breaker.HALF_OPEN

    with breaker.request():
        with pytest.raises(PrinterUnreachable), breaker.request():
            raise AssertionError("a second one passed")
        await trio.sleep(1)

    assert breaker.state is Breaker.CLOSED
    with breaker.request(), breaker.request():
        pass


async def test_a_try_that_fails_opens_it_for_twice_as_long(autojump_clock, breaker):
    fail(breaker, LOST, MOST_FAILURES)
    rests = []
    for _ in range(7):
        rest = breaker.next_try_at - NOON - timedelta(seconds=trio.current_time())
        rests.append(rest.total_seconds())
        await trio.sleep(rests[-1] + 0.001)
        fail(breaker, LOST)

    assert rests == pytest.approx([0.5, 1, 2, 4, 8, LONGEST_REST_S, LONGEST_REST_S], abs=0.01)


async def test_a_refusal_is_an_answer(autojump_clock, breaker):
    fail(breaker, LOST, MOST_FAILURES - 1)
    fail(breaker, Refused("busy"))
    fail(breaker, LOST, MOST_FAILURES - 1)
    assert breaker.state is Breaker.CLOSED


async def test_what_says_nothing_about_the_host_changes_nothing(autojump_clock, breaker):
    fail(breaker, LOST, MOST_FAILURES - 1)
    fail(breaker, Invalid("no such axis", "axes"))
    fail(breaker, ZeroDivisionError())
    with trio.move_on_after(LONG_S / 2), breaker.request():  # somebody changed their mind
        await trio.sleep_forever()
    assert breaker.state is Breaker.CLOSED

    fail(breaker, LOST)
    assert breaker.state is Breaker.OPEN


async def test_an_answer_that_was_waited_for_in_vain_is_a_failure(autojump_clock, breaker):
    for _ in range(MOST_FAILURES):
        with trio.move_on_after(LONG_S + 0.1), breaker.request():
            await trio.sleep_forever()
    assert breaker.state is Breaker.OPEN
    assert breaker.problem == "mk4 does not answer"


async def test_a_try_that_says_nothing_makes_way_for_the_next(autojump_clock, breaker):
    fail(breaker, LOST, MOST_FAILURES)
    await trio.sleep(0.6)
    fail(breaker, Invalid("no such axis", "axes"))
    with breaker.request():
        pass
    assert breaker.state is Breaker.CLOSED


async def test_of_a_lost_printer_nothing_is_asked_until_it_is_found(autojump_clock, breaker):
    breaker.lose("mk4 refuses the connection", 2.0)
    for passed_s in (0, 3):
        await trio.sleep(passed_s)
        with pytest.raises(PrinterUnreachable, match="refuses the connection"), breaker.request(urgent=True):
            raise AssertionError("it passed")
    assert breaker.state is Breaker.HALF_OPEN  # it is being looked for

    breaker.find()
    with breaker.request():
        pass


async def test_an_answer_that_comes_after_the_loss_does_not_end_it(autojump_clock, breaker):
    with breaker.request():
        breaker.lose("gone", 2.0)
    assert breaker.state is Breaker.OPEN


async def test_who_wants_to_save_a_print_is_not_refused(autojump_clock, breaker):
    fail(breaker, LOST, MOST_FAILURES)
    with breaker.request(urgent=True):
        pass
    assert breaker.state is Breaker.CLOSED


def test_no_two_hosts_are_tried_in_step():
    chance = random.Random(1)
    rests = {rest_s(5, chance) for _ in range(100)}
    assert len(rests) == 100
    assert 4 <= min(rests) <= max(rests) <= 8


PASS_ALWAYS = {"identify", "watch", "emergency_stop", "aclose"}
REQUESTS = {
    name: inspect.signature(call)
    for name, call in vars(Driver).items()
    if inspect.iscoroutinefunction(call) and name not in PASS_ALWAYS
}


@pytest.mark.parametrize("name", REQUESTS)
async def test_every_request_of_a_driver_is_guarded(autojump_clock, breaker, name):
    driver = AsyncMock()
    request = getattr(GuardedDriver(driver, breaker), name)
    arguments = [object() for _ in list(REQUESTS[name].parameters)[1:]]

    assert await request(*arguments) is getattr(driver, name).return_value or name not in ANSWERED
    getattr(driver, name).assert_awaited_once_with(*arguments)
    breaker.lose("gone", 1.0)
    with pytest.raises(PrinterUnreachable):
        await request(*arguments)
    getattr(driver, name).assert_awaited_once()


ANSWERED = {"status", "upload", "copy", "outcome"}


async def test_an_emergency_stop_passes_whatever_was_before(autojump_clock, breaker):
    driver = AsyncMock()
    breaker.lose("gone", 1.0)
    await GuardedDriver(driver, breaker).emergency_stop()
    driver.emergency_stop.assert_awaited_once_with()
