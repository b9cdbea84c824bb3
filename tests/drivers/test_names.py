"""Host names that nobody knows: a lookup of them takes long, and cannot be stopped."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import trio

from farm.drivers.names import NameLookups

LOOKED_UP = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80))]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """How often the system was asked for each name. It never answers for names that begin with "dead"."""
    counts: Counter[str] = Counter()
    over = threading.Event()
    system = socket.getaddrinfo

    def getaddrinfo(host: Any, *more: Any) -> list[Any]:
        if more[-1] & socket.AI_NUMERICHOST:
            return system(host, *more)
        name = host.decode()
        counts[name] += 1
        if name.startswith("dead"):
            over.wait(10)
        if name.startswith("unknown"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return LOOKED_UP

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield counts
    over.set()


async def test_names_that_nobody_knows_hold_up_no_others(asked: Counter[str]) -> None:
    trio.socket.set_custom_hostname_resolver(NameLookups())
    dead = [f"dead-{number}.local" for number in range(60)]

    for _ in range(3):  # each is tried again and again, and given up
        async with trio.open_nursery() as nursery:
            nursery.cancel_scope.deadline = trio.current_time() + 0.1
            for name in dead:
                nursery.start_soon(trio.socket.getaddrinfo, name, 80)

    with trio.fail_after(5):
        assert await trio.socket.getaddrinfo("mk4.local", 80) == LOOKED_UP
    assert asked == {"mk4.local": 1, **dict.fromkeys(dead, 1)}


async def test_all_who_ask_meanwhile_get_the_one_answer(asked: Counter[str]) -> None:
    trio.socket.set_custom_hostname_resolver(NameLookups())
    answers, problems = [], []

    async def ask(name: str) -> None:
        try:
            answers.append(await trio.socket.getaddrinfo(name, 80))
        except OSError as problem:
            problems.append(problem.errno)

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(ask, "mk4.local")
            nursery.start_soon(ask, "unknown.local")

    assert answers == [LOOKED_UP] * 5
    assert problems == [socket.EAI_NONAME] * 5
    assert asked == {"mk4.local": 1, "unknown.local": 1}

    await ask("mk4.local")  # and later anew: addresses change
    assert asked["mk4.local"] == 2


async def test_a_lookup_that_hangs_stops_nobody_from_ending(asked: Counter[str]) -> None:
    trio.socket.set_custom_hostname_resolver(NameLookups())
    with trio.move_on_after(0.1):
        await trio.socket.getaddrinfo("dead.local", 80)
