"""kill -9 of the server while jobs are sent with keys, and sent again: each is there once, and answered."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.peers.farm_process import running_farm

SCALE = float(os.environ.get("FARM_TEST_SCALE", "0.1"))
KILLS = max(3, int(30 * SCALE))
SENDERS = 4
GIVE_UP_S = 240.0


def test_no_request_is_done_twice_nor_lost_however_often_the_server_is_killed(tmp_path):
    chance = random.Random(7)
    with running_farm(tmp_path / "data") as farm:
        file = farm.ask("POST", "/v1/files?name=part.gcode", content=b"G28\n" * 50).json()["id"]
        enough = threading.Event()
        with ThreadPoolExecutor(SENDERS) as senders:
            working = [senders.submit(send_jobs, farm, file, f"s{n}", enough) for n in range(SENDERS)]
            try:
                for _ in range(KILLS):
                    time.sleep(chance.uniform(0.05, 0.6))
                    farm.kill()
                    farm.start()
            finally:
                enough.set()
            answered = [answer for sender in working for answer in sender.result()]
        rows = farm.rows("SELECT id, name FROM print_jobs")

    assert len(answered) > KILLS
    assert Counter(name for _, name in rows) == Counter(name for _, name in answered)
    assert set(rows) == set(answered)


def send_jobs(farm, file, sender, enough):
    """Send job after job, each as often as it takes to be answered; the ids and names of all."""
    answered = []
    while not enough.is_set():
        name = f"{sender}-{len(answered)}"
        answered.append((send_until_answered(farm, file, name), name))
    return answered


def send_until_answered(farm, file, name):
    give_up_at = time.monotonic() + GIVE_UP_S
    while time.monotonic() < give_up_at:
        try:
            answer = farm.ask(
                "POST",
                "/v1/jobs",
                {"Idempotency-Key": name},
                json={"file": file, "name": name, "hold": True},
            )
        except httpx.TransportError:  # it was just killed
            time.sleep(0.02)
            continue
        if answer.status_code == 201:
            return answer.json()["id"]
        assert answer.status_code == 503, answer.text  # on its way up, or down
    raise AssertionError(f"{name} was never answered")
