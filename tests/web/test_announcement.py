"""The farm lets itself be found: where others can reach it, and never on loopback but for this test."""

from __future__ import annotations

from socket import AF_INET
from types import SimpleNamespace

import pytest
import trio
from zeroconf import ServiceInfo, Zeroconf

from farm.actors import ChildSpec, Supervisor
from farm.actors.supervisor import Runtime
from farm.printers.discovery import OURS, listen, neighbours
from farm.web import announcement
from farm.web.announcement import TYPES, Announcement, addresses_of, is_for_others, name_of

EVERY = "0.0.0.0"  # noqa: S104 - nothing is bound


@pytest.mark.parametrize(
    ("host", "others"),
    [
        ("127.0.0.1", False), ("::1", False), ("localhost", False),
        (EVERY, True), ("::", True), ("192.168.1.5", True), ("shop-pc", True),
    ],
)  # fmt: skip
def test_who_can_reach_it(host, others):
    assert is_for_others(host) is others


def test_its_addresses_are_those_at_which_others_reach_it():
    assert addresses_of("192.168.1.5") == ["192.168.1.5"]
    assert addresses_of("fd00::1") == []
    assert "127.0.0.1" not in addresses_of(EVERY)


def test_networks_of_containers_are_not_told(monkeypatch):
    there = {
        "lo": ["127.0.0.1"], "eth0": ["192.168.1.5", "169.254.3.3"], "wlan0": ["10.0.0.5"],
        "docker0": ["172.17.0.1"], "br-1f2e": ["172.18.0.1"], "tun0": [],
    }  # fmt: skip
    at = {name: [SimpleNamespace(family=AF_INET, address=one) for one in all] for name, all in there.items()}
    monkeypatch.setattr(announcement.psutil, "net_if_addrs", lambda: at)
    assert addresses_of(EVERY) == addresses_of("::") == ["10.0.0.5", "192.168.1.5"]


@pytest.mark.parametrize(
    ("host", "name"),
    [("Shop-PC.lan", "Shop-PC"), ("a_pc", "a-pc"), ("", "shop"), ("._.", "shop"), ("x" * 64, "x" * 40)],
)
def test_a_pc_of_any_name_has_one_for_the_network(host, name):
    assert name_of(host) == name


async def test_other_addresses_are_announced_anew(monkeypatch):
    said: list[str] = []

    class Line:
        def __init__(self, addresses: list[str]) -> None:
            self.at = " and ".join(addresses)
            said.append(f"at {self.at}")

        def close(self) -> None:
            said.append(f"no longer at {self.at}")

    over = trio.Event()
    moments = iter([[], ["10.0.0.5"], ["10.0.0.5"], [], ["10.0.0.6", "10.1.0.6"]])

    def now(host: str) -> list[str]:
        found = next(moments, None)
        if found is None:
            trio.from_thread.run_sync(over.set)
        return ["10.0.0.6", "10.1.0.6"] if found is None else found

    monkeypatch.setattr(announcement, "LOOK_EVERY_S", 0)
    monkeypatch.setattr(announcement, "addresses_of", now)
    monkeypatch.setattr(Announcement, "_announce", lambda actor, addresses: Line(addresses))
    async with Supervisor(Runtime()).running() as supervisor:
        await supervisor.start(ChildSpec(name="announcement", run=Announcement(EVERY, 1, "1").run))
        with trio.fail_after(5):
            await over.wait()
        await supervisor.stop("announcement")
    assert said == [
        "at 10.0.0.5",
        "no longer at 10.0.0.5",
        "at 10.0.0.6 and 10.1.0.6",
        "no longer at 10.0.0.6 and 10.1.0.6",
    ]


def ask(type: str, patience_ms: int = 2000) -> ServiceInfo | None:
    line = Zeroconf(interfaces=["127.0.0.1"])
    try:
        name = f"Printer farm on {name_of(announcement.socket.gethostname())}.{type}"
        return line.get_service_info(type, name, timeout=patience_ms)
    finally:
        line.close()


@pytest.mark.usefixtures("multicast")
async def test_it_is_found_as_long_as_it_runs_and_not_taken_for_a_printer():
    async with Supervisor(Runtime()).running() as supervisor:
        actor = Announcement("127.0.0.1", 8123, "1.2.3")
        await supervisor.start(ChildSpec(name="announcement", run=actor.run))
        with trio.fail_after(20):
            while (info := await trio.to_thread.run_sync(ask, TYPES[1])) is None:  # it asks for a while
                pass
        assert (info.port, info.decoded_properties[OURS]) == (8123, "1.2.3")
        with trio.fail_after(20):
            heard = await listen(1.0, ["127.0.0.1"])
        assert not any(each.url.endswith(":8123") for each in neighbours(heard, []))
        await supervisor.stop("announcement")
    assert await trio.to_thread.run_sync(ask, TYPES[1], 700) is None


async def test_a_network_that_cannot_be_told_is_no_failure(monkeypatch):
    def refuse(actor: Announcement, addresses: list[str]) -> Zeroconf:
        raise OSError("no such network")

    monkeypatch.setattr(Announcement, "_announce", refuse)
    async with Supervisor(Runtime()).running() as supervisor:
        await supervisor.start(ChildSpec(name="announcement", run=Announcement("192.0.2.1", 1, "1").run))
        await trio.sleep(0.1)
        with trio.fail_after(2):
            await supervisor.stop("announcement")
