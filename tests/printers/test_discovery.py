"""Print hosts that announce themselves: who they are, where, and which of them are in the farm already."""

from __future__ import annotations

import contextlib
import ipaddress
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from zeroconf import DNSOutgoing, DNSPointer, ServiceInfo, Zeroconf, const

import farm.printers.fleet
from farm.domain.printer import Address, Printer
from farm.domain.user import Principal, Role
from farm.errors import Forbidden, Overloaded, PrinterUnreachable
from farm.printers.discovery import (
    ANSWERS_WITHIN_S,
    ANYTHING,
    MOST_HEARD,
    OURS,
    SERVICES,
    Announced,
    Neighbour,
    listen,
    neighbours,
)
from farm.printers.messages import Discover
from farm.printers.settings import checked_url
from tests.multicast import LOOPBACK
from tests.simulation.shop import open_shop

OCTOPRINT, MOONRAKER = "_octoprint._tcp.local.", "_moonraker._tcp.local."
PRUSALINK = "_prusalink._tcp.local."
EVERY = "0.0.0.0"  # noqa: S104 - nothing is bound


def announced(
    type: str, name: str, address: str = "10.0.0.5", port: int = 80, **properties: str
) -> Announced:
    return Announced(type, f"{name}.{type}", f"{name}.local.", port, [address], properties)


def test_each_print_host_is_named_once_with_an_address_to_add_it_by():
    heard = [
        announced(OCTOPRINT, "OctoPrint instance on ender", "10.0.0.5", 5000, path="/"),
        announced(ANYTHING, "OctoPrint instance on ender", "10.0.0.5", 5000),
        announced(MOONRAKER, "voron", "10.0.0.6", 7125),
        announced(OCTOPRINT, "two behind one", "10.0.0.7", 80, path="/octo2/"),
        announced(ANYTHING, "PrusaLink mk4", "10.0.0.8"),
        announced(ANYTHING, "Television", "10.0.0.9"),
    ]
    assert [(each.kind, each.name, each.url) for each in neighbours(heard, [])] == [
        ("octoprint", "OctoPrint instance on ender", "http://10.0.0.5:5000"),
        ("prusalink", "PrusaLink mk4", "http://10.0.0.8"),
        ("octoprint", "two behind one", "http://10.0.0.7/octo2"),
        ("moonraker", "voron", "http://10.0.0.6:7125"),
    ]


def test_those_that_are_in_the_farm_already_come_last_whatever_their_address_is_called():
    printers = [
        Printer("a", "A", Address("octoprint", "http://10.0.0.5:80")),
        Printer("b", "B", Address("moonraker", "http://voron.local:7125")),
    ]
    heard = [
        announced(OCTOPRINT, "ender"),
        announced(MOONRAKER, "voron", "10.0.0.6", 7125),
        announced(OCTOPRINT, "new", "10.0.0.7"),
    ]
    assert [(each.name, each.known) for each in neighbours(heard, printers)] == [
        ("new", None), ("ender", "a"), ("voron", "b"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "odd",
    [
        Announced(OCTOPRINT, f"far.{OCTOPRINT}", "far.example.", 80, ["fe80::1"]),
        Announced(OCTOPRINT, f"nowhere.{OCTOPRINT}", "", 80, []),
        announced(OCTOPRINT, "ourselves", **{OURS: "1.0"}),
    ],
    ids=["only on its own cable", "without an address", "a farm"],
)
def test_what_nobody_could_use_is_left_out(odd):
    assert neighbours([odd], []) == []


def test_hostile_names_and_paths_are_text():
    (found,) = neighbours([announced(OCTOPRINT, "x\n<b>" + "y" * 500, path="/../etc?a=b")], [])
    assert found.url == "http://10.0.0.5"
    assert "\n" not in found.name
    assert len(found.name) <= 80
    assert neighbours([Announced(OCTOPRINT, f"six.{OCTOPRINT}", "six.", 80, ["fd00::7"])], [])[0].url == (
        "http://[fd00::7]"
    )
    assert MOST_HEARD < 1000


@pytest.mark.parametrize(
    "types", [[PRUSALINK, OCTOPRINT, ANYTHING], [ANYTHING, OCTOPRINT, PRUSALINK], [OCTOPRINT]]
)
def test_a_prusalink_is_one_whatever_else_it_is_for_old_slicers(types):
    heard = [announced(type, "PrusaLink at pi", path="/") for type in types]
    assert [(each.kind, each.name) for each in neighbours(heard, [])] == [("prusalink", "PrusaLink at pi")]


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "169.254.7.7", "224.0.0.251", EVERY, "255.255.255.255", "::1", "fe80::1", "fe80::1%3",
     "ff02::fb", "::ffff:127.0.0.1", "example.com", "", "1.2.3"],
)  # fmt: skip
def test_an_address_that_no_other_computer_has_is_not_offered(address):
    odd = Announced(OCTOPRINT, f"x.{OCTOPRINT}", "evil.example.com.", 80, [address])
    assert neighbours([odd], []) == []
    assert [each.url for each in neighbours([replace(odd, addresses=[address, "10.0.0.5"])], [])] == [
        "http://10.0.0.5"
    ]


def test_of_several_addresses_the_likeliest_is_offered_and_all_are_known():
    host = announced(OCTOPRINT, "ender")
    several = ["fd00::7", "172.17.0.1", "192.168.1.20"]
    for left, best in ((3, "192.168.1.20"), (2, "172.17.0.1"), (1, "[fd00::7]"), (0, "ender.local")):
        heard = [replace(host, addresses=several[:left])]
        assert [each.url for each in neighbours(heard, [])] == [f"http://{best}"]
    printers = [Printer("a", "A", Address("octoprint", "http://[fd00::7]"))]
    assert neighbours([replace(host, addresses=several)], printers)[0].known == "a"


anything_heard = st.builds(
    Announced,
    type=st.sampled_from([*SERVICES, ANYTHING]),
    name=st.text(max_size=300),
    host=st.text(max_size=80) | st.just("octopi.local."),
    port=st.integers(-1, 70_000),
    addresses=st.lists(st.ip_addresses().map(str) | st.text(max_size=20) | st.just("10.0.0.5"), max_size=4),
    properties=st.fixed_dictionaries(
        {
            "path": st.text(max_size=60)
            | st.sampled_from(["/", "/octo", "//evil.example", "/../x", "?a", "#b"])
        }
    ),
)


@given(st.lists(anything_heard, max_size=20))
def test_whatever_is_heard_can_be_shown_and_set_up(heard):
    found = neighbours(heard, [Printer("a", "A", Address("octoprint", "http://10.0.0.5"))])
    for each in found:
        assert each.kind in SERVICES.values()
        assert each.name
        assert each.name.isprintable()
        assert checked_url(each.url) == each.url
        host = urlsplit(each.url).hostname
        assert host.endswith(".local") or not ipaddress.ip_address(host).is_loopback
    assert len({each.url for each in found}) == len(found)


# As OctoPrint 1.11, Moonraker 0.11 and PrusaLink 0.8 announce themselves: type, name, port, TXT record.
REAL: list[tuple[str, str, int, dict[str, str]]] = [
    (OCTOPRINT, 'OctoPrint instance "ender"', 5123, {"path": "/octo/", "version": "1.11.8", "api": "0.1"}),
    (MOONRAKER, "Moonraker-1b2c @ voron", 7125, {"uuid": "1b2c", "https_port": "", "version": "v0.11.0"}),
    (PRUSALINK, "PrusaLink at pi:5124", 5124, {"path": "/"}),
    (ANYTHING, "PrusaLink at pi:5124", 5124, {"path": "/"}),
    (OCTOPRINT, "PrusaLink at pi:5124", 5124, {"path": "/"}),
]


@pytest.mark.usefixtures("multicast")
async def test_hosts_that_announce_themselves_on_this_computer_are_heard():
    def announce() -> Zeroconf:
        line = Zeroconf(interfaces=[LOOPBACK])
        for type, name, port, properties in REAL:
            info = ServiceInfo(
                type,
                f"{name}.{type}",
                parsed_addresses=["192.0.2.7"],
                port=port,
                properties=properties,
                server="farm-test.local.",
            )
            line.register_service(info, cooperating_responders=True)  # nobody else is called so
        return line

    line = await trio.to_thread.run_sync(announce)
    try:
        with trio.fail_after(20):
            heard = await listen(2, [LOOPBACK])
    finally:
        await trio.to_thread.run_sync(line.close)
    ours = [each for each in neighbours(heard, []) if each.host == "farm-test.local"]
    assert [(each.kind, each.name, each.url) for each in ours] == [
        ("moonraker", "Moonraker-1b2c @ voron", "http://192.0.2.7:7125"),
        ("octoprint", 'OctoPrint instance "ender"', "http://192.0.2.7:5123/octo"),
        ("prusalink", "PrusaLink at pi:5124", "http://192.0.2.7:5124"),
    ]


@pytest.mark.prusalink
@pytest.mark.usefixtures("multicast")
async def test_a_real_prusalink_is_heard(prusalink):
    port = urlsplit(prusalink.url).port
    found: list[Neighbour] = []
    with trio.fail_after(40):  # it announces itself when it has seen that its own page answers
        while not found:
            heard = neighbours(await listen(2, [LOOPBACK]), [])
            found = [each for each in heard if urlsplit(each.url).port == port]
    assert [each.kind for each in found] == ["prusalink"]
    assert found[0].name.startswith("PrusaLink at ")


@pytest.mark.usefixtures("multicast")
async def test_listening_ends_soon_when_nobody_wants_to_know_any_more():
    with trio.fail_after(5), trio.move_on_after(0.5) as gone:
        await listen(60, [LOOPBACK])
    assert gone.cancelled_caught


@contextlib.contextmanager
def somebody_says(names: Sequence[str]) -> Iterator[None]:
    """These are OctoPrints, says somebody on loopback again and again, and nothing of where they are."""
    over = threading.Event()

    def say() -> None:
        line = Zeroconf(interfaces=[LOOPBACK])
        while not over.wait(0.1):
            for first in range(0, len(names), 20):
                packet = DNSOutgoing(const._FLAGS_QR_RESPONSE)
                for name in names[first : first + 20]:
                    pointer = DNSPointer(OCTOPRINT, const._TYPE_PTR, const._CLASS_IN, 1, name)
                    packet.add_answer_at_time(pointer, 0)
                line.send(packet)
        line.close()

    liar = threading.Thread(target=say)
    liar.start()
    try:
        yield
    finally:
        over.set()
        liar.join(10)


@pytest.mark.usefixtures("multicast")
async def test_hosts_that_do_not_say_where_they_are_hold_nobody_up():
    names = [f"nobody {number}.{OCTOPRINT}" for number in range(30)]
    with somebody_says([*names, "evil.local.", OCTOPRINT]), trio.fail_after(1 + ANSWERS_WITHIN_S + 5):
        heard = await listen(1, [LOOPBACK])
    assert [each for each in heard if each.name in names] == []


@pytest.mark.usefixtures("multicast")
async def test_who_announces_without_end_is_listened_to_no_longer(monkeypatch):
    monkeypatch.setattr("farm.printers.discovery.MOST_HEARD", 50)
    with somebody_says([f"nobody {number}.{OCTOPRINT}" for number in range(100)]), trio.fail_after(20):
        assert len(await listen(60, [LOOPBACK])) <= 50


@pytest.mark.parametrize(
    "problem", [PermissionError(1, "Operation not permitted"), RuntimeError("No interfaces to listen on")]
)
async def test_a_computer_that_cannot_listen_says_so(monkeypatch, problem):
    def fail(**how: object) -> None:
        raise problem

    monkeypatch.setattr("zeroconf.asyncio.AsyncZeroconf", fail)
    with pytest.raises(PrinterUnreachable, match="cannot listen") as told:
        await listen(1)
    assert str(problem) in str(told.value)


class Network:
    """One print host, which announces itself after a while."""

    def __init__(self) -> None:
        self.listened: list[float] = []

    async def hear(self, seconds: float) -> list[Announced]:
        self.listened.append(seconds)
        await trio.sleep(seconds)
        return [announced(OCTOPRINT, "ender")]


@pytest.fixture
def network(monkeypatch) -> Network:
    network = Network()
    monkeypatch.setattr("farm.printers.discovery.hear_nobody", network.hear)
    return network


async def test_all_who_ask_meanwhile_are_told_what_one_search_finds(autojump_clock, network):
    told: list[tuple[float, str]] = []

    async def ask(fleet, after_s: float) -> None:
        await trio.sleep(after_s)
        found = await fleet.ask(Discover(3))
        told.append((trio.current_time(), found.neighbours[0].name))

    async with open_shop() as shop:
        begun = trio.current_time()
        async with trio.open_nursery() as nursery:
            for after_s in (0, 1, 2.5):
                nursery.start_soon(ask, shop.farm.address("printers"), after_s)
        assert told == [(pytest.approx(begun + 3), "ender")] * 3
        await shop.farm.address("printers").ask(Discover(1))
        assert network.listened == [3, 1]


async def test_only_who_may_set_printers_up_looks_and_not_a_crowd(autojump_clock, network, monkeypatch):
    monkeypatch.setattr(farm.printers.fleet, "MOST_LOOKING", 1)
    operator = Principal("user", "1", "Vera", role=Role.OPERATOR)
    async with open_shop() as shop, trio.open_nursery() as nursery:
        fleet = shop.farm.address("printers")
        with pytest.raises(Forbidden):
            await fleet.ask(Discover(1), by=operator)
        assert network.listened == []
        nursery.start_soon(fleet.ask, Discover(3))
        await trio.sleep(1)
        with pytest.raises(Overloaded, match="looking already"):
            await fleet.ask(Discover(3))
