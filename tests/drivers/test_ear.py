"""One task listens for all: whoever has something to read is called, in its own context, and nobody else."""

from __future__ import annotations

import socket
from contextvars import ContextVar

import pytest
import trio

from farm import platform
from farm.drivers.ear import IN_A_TURN, Ear

whose: ContextVar[str] = ContextVar("whose", default="nobody's")


@pytest.fixture(params=["together", "each alone"], autouse=True)
def way(request, monkeypatch):
    """As with epoll and kqueue, and as where there is nothing like that."""
    if request.param == "each alone":
        monkeypatch.setattr(platform, "many_as_one", lambda: None)
    return request.param


@pytest.fixture
def line():
    """Our end and the peer's."""
    here, there = socket.socketpair()
    here.setblocking(False)
    with here, there:
        yield here, there


def words(sock: socket.socket, enough: str):
    """Reads until it has heard so much."""
    heard = ""

    def look() -> str | None:
        nonlocal heard
        heard += sock.recv(100).decode()
        return heard if heard.endswith(enough) else None

    return look


async def test_it_is_called_until_it_has_found_what_it_looks_for(line):
    here, there = line
    async with trio.open_nursery() as nursery:
        nursery.start_soon(say_slowly, there, "one ", "two ", "three")
        with trio.fail_after(5):
            assert await Ear.of_this_run().first(here, words(here, "three")) == "one two three"
            there.send(b"more")
            assert await Ear.of_this_run().first(here, words(here, "more")) == "more"


async def say_slowly(sock: socket.socket, *said: str) -> None:
    for word in said:
        sock.send(word.encode())
        await trio.sleep(0.03)


async def test_it_runs_in_the_context_of_who_waits(line):
    here, there = line
    there.send(b"x")
    whose.set("mine")
    with trio.fail_after(5):
        assert await Ear.of_this_run().first(here, whose.get) == "mine"


async def test_what_it_raises_comes_out_and_the_others_are_heard_on(line):
    here, there = line
    beside, beyond = socket.socketpair()
    beside.setblocking(False)

    def stumble() -> None:
        here.recv(1)
        raise ZeroDivisionError

    with beside, beyond:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(say_slowly, there, "x", "y")
            nursery.start_soon(say_slowly, beyond, "one", "two")
            with trio.fail_after(5):
                with pytest.raises(ZeroDivisionError):
                    await Ear.of_this_run().first(here, stumble)
                assert await Ear.of_this_run().first(beside, words(beside, "two")) == "onetwo"


async def test_who_gave_up_is_not_called_any_more(line):
    here, there = line
    called = 0

    def count() -> None:
        nonlocal called
        called += 1

    with trio.move_on_after(0.05):
        await Ear.of_this_run().first(here, count)
    there.send(b"x")
    await trio.sleep(0.1)
    assert called == 0


async def test_who_is_given_up_in_the_same_turn_is_not_called_either(way):
    """A turn is parted so that others have theirs; who is cancelled in between must not be looked at."""
    if way == "each alone":
        pytest.skip("there are no turns where each waits alone")
    pairs = [socket.socketpair() for _ in range(3 * IN_A_TURN)]
    called = 0
    scope = trio.CancelScope()

    def first_cancels_all(sock: socket.socket) -> None:
        nonlocal called
        called += 1
        sock.recv(1)
        scope.cancel()

    with scope:
        async with trio.open_nursery() as nursery:
            for here, there in pairs:
                here.setblocking(False)
                there.send(b"x")
                nursery.start_soon(Ear.of_this_run().first, here, lambda sock=here: first_cancels_all(sock))
    for pair in pairs:
        for end in pair:
            end.close()
    assert 1 <= called <= IN_A_TURN
