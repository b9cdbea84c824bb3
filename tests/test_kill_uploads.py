"""kill -9 of the server while files come in: what it acknowledged is there whole, and nothing else stays."""

from __future__ import annotations

import hashlib
import os
import random
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import httpx
import pytest

from tests.peers.dying_farm import POINTS
from tests.peers.farm_process import FarmProcess, running_farm

SCALE = float(os.environ.get("FARM_TEST_SCALE", "0.1"))
UPLOADS = int(500 * SCALE)
A_LIFE = 8  # uploads acknowledged before a kill, at most
AT_ONCE = 4
LARGEST = 3_000_000  # bytes

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="kills with SIGKILL"),
    pytest.mark.timeout(1800),
]


@dataclass
class Shop:
    """The server, what it acknowledged (hash by the file's id), and what was begun at all."""

    server: FarmProcess
    acknowledged: dict[str, str] = field(default_factory=dict)
    begun: int = 0

    def send(self, name: str, content: bytes) -> None:
        """One upload; remembered when it is answered, and not when the server dies under it."""
        self.begun += 1
        address = f"{self.server.url}/v1/files?name={name}"
        try:
            answer = httpx.post(
                address, content=content, headers=self.server.headers, timeout=30, trust_env=False
            )
        except httpx.TransportError:
            return
        assert answer.status_code == 201, answer.text
        assert answer.json()["sha256"] == hashlib.sha256(content).hexdigest()
        self.acknowledged[answer.json()["id"]] = answer.json()["sha256"]

    def check(self, ids: set[str]) -> None:
        """What was acknowledged is there, whatever else is in the list is whole, and nothing is left over."""
        for id in ids:
            content = self.server.ask("GET", f"/v1/files/{id}/content")
            assert hashlib.sha256(content.content).hexdigest() == self.acknowledged[id]
        listed = dict(self.server.rows("SELECT id, sha256 FROM files"))
        assert set(self.acknowledged) <= set(listed)
        self.wait_until_swept(set(listed.values()))
        assert list((self.server.folder / "files" / "incoming").iterdir()) == []
        assert self.server.rows("PRAGMA integrity_check") == [("ok",)]

    def contents(self) -> dict[str, Path]:
        places = (self.server.folder / "files" / "content").rglob("*")
        return {path.name: path for path in places if path.is_file()}

    def wait_until_swept(self, wanted: set[str], within_s: float = 10.0) -> None:
        deadline = time.monotonic() + within_s
        while set(self.contents()) != wanted:
            assert time.monotonic() < deadline, f"left over: {set(self.contents()) - wanted}"
            time.sleep(0.05)
        for sha256, path in self.contents().items():
            assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256

    def wait_until_analysed(self, within_s: float = 20.0) -> None:
        """The analysis that a kill cut off was taken up again, and each file's end told once."""
        deadline = time.monotonic() + within_s
        while self.server.rows("SELECT count(*) FROM files WHERE state NOT IN ('ready', 'failed')") != [(0,)]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        told = self.server.rows("SELECT count(*) FROM events WHERE type = 'file.processed'")
        assert told == self.server.rows("SELECT count(*) FROM files")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with running_farm(tmp_path / "data") as server:
        yield Shop(server)


def test_nothing_acknowledged_is_lost_whenever_the_server_is_killed(shop: Shop):
    chance = random.Random(3)
    kills = 0
    while shop.begun < UPLOADS:
        before = set(shop.acknowledged)
        send_until_killed(shop, chance)
        kills += 1
        shop.server.start()
        shop.check(set(shop.acknowledged) - before)
    shop.check(set(shop.acknowledged))
    shop.wait_until_analysed()
    print(f"\n{shop.begun} uploads, {len(shop.acknowledged)} acknowledged, {kills} kills")  # noqa: T201
    assert shop.begun - len(shop.acknowledged) >= kills  # it was killed at work


def send_until_killed(shop: Shop, chance: random.Random) -> None:
    """Several at once, one after the other, until the server is gone."""
    dead = Event()
    seeds = [chance.randrange(2**32) for _ in range(AT_ONCE)]

    def send_on(seed: int) -> None:
        mine = random.Random(seed)
        while not dead.is_set():
            size = int(LARGEST ** mine.random())
            shop.send(f"{mine.getrandbits(40):x}.gcode", mine.randbytes(max(size, 1)))

    with ThreadPoolExecutor(AT_ONCE) as senders:
        sending = [senders.submit(send_on, seed) for seed in seeds]
        patience = len(shop.acknowledged) + chance.randint(0, A_LIFE)
        while len(shop.acknowledged) < patience:
            time.sleep(0.002)
        time.sleep(chance.random() * 0.03)
        dead.set()
        shop.server.kill()
        for one in sending:
            one.result()


def test_killed_at_each_point_of_its_way_a_file_is_there_whole_or_not_at_all(shop: Shop):
    dying = (sys.executable, "-P", "-m", "tests.peers.dying_farm")
    shop.server.kill()
    for point in POINTS:
        shop.server.start(dying, DIE_AT=point)
        shop.check(set())  # after the point before this one
        name = point.replace(" ", "-").replace(",", "") + ".gcode"
        shop.send(name, (point.encode() + b"\nG28\n") * 100_000)
        shop.server.wait()
        kept = {name for (name,) in shop.server.rows("SELECT name FROM files")}
        assert kept == ({name} if point == "committed, not answered" else set()), point
    shop.server.start()
    shop.check(set())
    assert shop.acknowledged == {}
