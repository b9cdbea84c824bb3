"""Who answers at an address, asked of each kind of print host in turn."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from farm.domain.printer import PRINT_HOSTS, Printer
from farm.drivers.base import AnswerLost, Identity
from farm.drivers.kinds import KINDS
from farm.errors import Forbidden, Invalid, PrinterUnreachable, ProtocolError
from farm.printers.messages import Probed, ProbePrinter
from farm.printers.probe import probe

WISH = ProbePrinter("http://192.168.1.20/", "key", "system")
LAST = list(PRINT_HOSTS)[-1]
FIRST = next(iter(PRINT_HOSTS))


class Host:
    """What answers at the address, as each kind's driver sees it; who is not named meets a stranger."""

    def __init__(self, seen: Mapping[str, Identity | Exception]) -> None:
        self.seen = seen
        self.asked: list[str] = []
        self.closed = 0

    def driver(self, printer: Printer) -> _Driver:
        return _Driver(self, printer.address.kind)


class _Driver:
    def __init__(self, host: Host, kind: str) -> None:
        self.host, self.kind = host, kind

    async def identify(self) -> Identity:
        self.host.asked.append(self.kind)
        answer = self.host.seen.get(self.kind, ProtocolError(f"This is no {self.kind}."))
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def aclose(self) -> None:
        self.host.closed += 1


async def test_kinds_are_asked_in_turn_until_one_knows_the_host():
    host = Host({LAST: Identity(LAST, "1.2", "")})

    assert await probe(WISH, host.driver) == Probed(LAST, "1.2", None)
    assert host.asked == list(PRINT_HOSTS)
    assert host.closed == len(PRINT_HOSTS)


async def test_a_host_of_no_kind_is_told_with_what_was_looked_for():
    host = Host({})

    found = await probe(WISH, host.driver)

    assert found.kind is None
    assert all(peer in found.problem for peer in PRINT_HOSTS.values())
    assert found.problem.endswith(f"This is no {LAST}.")


async def test_nobody_is_asked_again_where_nobody_is():
    host = Host({FIRST: PrinterUnreachable(f"{PRINT_HOSTS[FIRST]} at http://192.168.1.20 refuses.")})

    assert (await probe(WISH, host.driver)).problem == "The print host at http://192.168.1.20 refuses."
    assert host.asked == [FIRST]


@pytest.mark.parametrize("problem", [Forbidden("Enter a key."), Invalid("The key holds odd characters.")])
async def test_a_key_that_is_not_taken_is_what_is_told(problem):
    host = Host({LAST: problem})

    assert (await probe(WISH, host.driver)).problem == str(problem)


async def test_a_host_that_is_starting_is_told_as_such():
    host = Host({FIRST: AnswerLost("It is starting; wait a moment.")})

    assert (await probe(WISH, host.driver)).problem == "It is starting; wait a moment."


async def test_an_address_that_is_none_is_asked_by_nobody():
    host = Host({})

    assert "is no address" in (await probe(ProbePrinter("ftp://x"), host.driver)).problem
    assert host.asked == []


def test_every_kind_of_print_host_has_its_driver():
    assert set(KINDS) == set(PRINT_HOSTS)


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        ({"octoprint": Forbidden("Of OctoPrint."), "prusalink": Forbidden("Of PrusaLink.")}, "Of PrusaLink."),
        ({"moonraker": Forbidden("Of Moonraker."), "octoprint": Forbidden("Of OctoPrint.")}, "Of Moonraker."),
        ({"octoprint": Forbidden("Of OctoPrint.")}, "Of OctoPrint."),
    ],
)
async def test_who_knows_the_host_best_says_what_to_enter(seen, told):
    assert (await probe(WISH, Host(seen).driver)).problem == told


async def test_a_user_and_a_password_are_shown_only_to_hosts_that_take_them():
    host = Host({"prusalink": Identity("prusalink", "2.1.2", "MK4")})

    found = await probe(ProbePrinter("http://192.168.1.20", username="maker", password="secret"), host.driver)

    assert found == Probed("prusalink", "2.1.2", "MK4")
    assert host.asked == ["moonraker", "prusalink"]
