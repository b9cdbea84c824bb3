"""The farm lets itself be found: where others can reach it, and never on loopback but for this test."""

from __future__ import annotations

import pytest
import trio
from zeroconf import ServiceInfo, Zeroconf

from farm.actors import ChildSpec, Supervisor
from farm.actors.supervisor import Runtime
from farm.printers.discovery import OURS, listen, neighbours
from farm.web import announcement
from farm.web.announcement import TYPES, Announcement, addresses_of, is_for_others

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


def ask(type: str, patience_ms: int = 2000) -> ServiceInfo | None:
    line = Zeroconf(interfaces=["127.0.0.1"])
    try:
        name = f"Printer farm on {announcement.socket.gethostname().partition('.')[0]}.{type}"
        return line.get_service_info(type, name, timeout=patience_ms)
    finally:
        line.close()


async def test_it_is_found_as_long_as_it_runs_and_not_taken_for_a_printer():
    async with Supervisor(Runtime()).running() as supervisor:
        actor = Announcement("127.0.0.1", 8123, "1.2.3", ["127.0.0.1"])
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
    def refuse(actor: Announcement) -> Zeroconf:
        raise OSError("no such network")

    monkeypatch.setattr(Announcement, "_announce", refuse)
    async with Supervisor(Runtime()).running() as supervisor:
        await supervisor.start(ChildSpec(name="announcement", run=Announcement("192.0.2.1", 1, "1").run))
        await trio.sleep(0.1)
        with trio.fail_after(2):
            await supervisor.stop("announcement")
