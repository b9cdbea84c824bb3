"""A simulated PrusaLink: its job, its files, whom it lets in, and every fault as a bare client meets it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from farm.drivers.exchange import Answer
from farm.simulator.host import Asked
from farm.simulator.machine import Machine
from farm.simulator.prusalink import digest
from farm.simulator.prusalink.dialect import PrusaLink
from farm.simulator.stamp import age_s
from farm.simulator.upload import Form
from tests.simulator.fleet import NO_TLS, Fleet, Printer

KEY = "0123456789abcdef"
STEP_S = 0.05
LONG = b"G28\n" + b"".join(b"M73 P%d R%d\nG1 X%d F1200\n" % (n, 100 - n, 20 * (n % 2)) for n in range(100))
HEATING = b"M109 S200\nG1 X10 F6000\n"
SHORT = b"G1 X10 F600\n"
FILE = "/api/v1/files/local/a1_part.gcode"


class Bench:
    """One PrusaLink and a time that passes when told."""

    def __init__(self, folder: Path, speed: float = 1.0) -> None:
        self.host = PrusaLink(Machine(speed=speed), folder, KEY, now=0.0, wall_offset=1e9)
        self.now = 10.0
        self.ask("GET", "/api/version")

    def pass_time(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP_S)):
            self.now = round(self.now + STEP_S, 6)
            self.host.tick(self.now)

    def ask(self, method: str, path: str, form: Form | None = None, **headers: str) -> Answer:
        head = {"accept": "application/json", "x-api-key": KEY}
        head |= {name.replace("_", "-"): value for name, value in headers.items()}
        answers: list[Answer] = []
        self.host.answer(Asked(method, path, headers=head, form=form), self.now, answers.append)
        if not answers:
            self.pass_time(1.2)
        (answer,) = answers
        return answer

    def put(self, content: bytes = LONG, path: str = FILE, **headers: str) -> Answer:
        stored = self.host.folder / f"{len(list(self.host.folder.iterdir()))}"
        stored.write_bytes(content)
        form = Form(self.host.folder, path.rpartition("/")[2], len(content), "sum", True, {}, stored)
        return self.ask("PUT", path, form, **{"content_type": "text/x.gcode", **headers})

    def look(self, what: str = "status") -> dict[str, Any]:
        answer = self.ask("GET", f"/api/v1/{what}")
        return dict(json.loads(answer.body)) if answer.body else {}

    def start(self, content: bytes = LONG) -> str:
        """The path of the job's commands."""
        self.put(content)
        self.pass_time(1)
        assert self.ask("POST", FILE).status == 204
        return f"/api/v1/job/{self.look()['job']['id']}"

    def until(self, state: str, within_s: float = 60.0) -> None:
        until = self.now + within_s
        while self.host.text != state:
            assert self.now < until, f"{self.host.text}, not {state}"
            self.pass_time(STEP_S)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.host.machine.abandon()  # which closes the file it prints


def test_an_idle_printer_shows_its_temperatures_and_no_job(bench: Bench) -> None:
    status = bench.look()

    assert status["printer"]["state"] == "IDLE"
    assert status["printer"]["temp_nozzle"] == pytest.approx(21.3, abs=1)
    assert {"axis_x", "axis_y", "axis_z"} <= set(status["printer"])
    assert "job" not in status
    assert bench.ask("GET", "/api/v1/job").status == 204


def test_a_job_is_accepted_first_and_done_later(bench: Bench) -> None:
    job = bench.start()
    bench.pass_time(10)
    status = bench.look()
    assert status["printer"]["state"] == "PRINTING"
    assert not {"axis_x", "axis_y"} & set(status["printer"])
    assert status["job"]["progress"] > 3  # as the file itself says
    assert status["job"]["time_remaining"] < 100 * 60
    assert 9 <= status["job"]["time_printing"] <= 10

    assert bench.ask("PUT", f"{job}/pause").status == 204
    assert bench.look()["printer"]["state"] == "PRINTING"
    bench.until("PAUSED", 2)
    assert bench.ask("PUT", f"{job}/pause").status == 409
    bench.pass_time(5)
    assert bench.look("job")["time_printing"] <= 11
    assert bench.ask("PUT", f"{job}/resume").status == 204
    assert bench.ask("PUT", f"{job}/resume").status == 409
    assert bench.ask("DELETE", job).status == 204
    bench.until("STOPPED", 2)
    assert bench.ask("DELETE", job).status == 409
    assert bench.ask("POST", FILE).status == 409  # not yet
    bench.until("IDLE", 12)
    assert bench.ask("PUT", "/api/v1/job/77/pause").status == 404


def test_a_print_is_finished_for_a_while_and_the_next_has_another_number(bench: Bench) -> None:
    first = bench.start(SHORT)
    bench.until("FINISHED", 3)
    assert "job" not in bench.look()
    bench.until("IDLE", 12)
    assert bench.start(SHORT) != first
    assert bench.host.counted.finished == {"a1_part.gcode": 1}


def test_in_a_heat_up_it_goes_on_printing_until_it_is_hot(bench: Bench) -> None:
    job = bench.start(HEATING)
    bench.pass_time(2)
    assert bench.ask("DELETE", job).status == 204
    bench.pass_time(10)
    assert bench.look()["printer"]["state"] == "PRINTING"
    bench.until("STOPPED", 30)


def test_a_file_that_just_came_is_not_there_yet_and_one_that_just_went_still_is(bench: Bench) -> None:
    assert bench.put().status == 201
    assert bench.ask("GET", FILE).status == 404
    assert bench.ask("POST", FILE).status == 404
    bench.pass_time(1)
    assert json.loads(bench.ask("GET", FILE).body)["size"] == len(LONG)
    assert bench.look("files/local")["children"][0]["name"] == "a1_part.gcode"

    assert bench.ask("DELETE", FILE).status == 204
    assert bench.ask("GET", FILE).status == 200
    assert bench.ask("DELETE", FILE).status == 500
    bench.pass_time(1)
    assert bench.ask("GET", FILE).status == 404
    assert bench.ask("DELETE", FILE).status == 404


def test_uploads_are_refused_with_their_reasons(bench: Bench) -> None:
    bench.put()
    assert bench.put().status == 409
    assert bench.put(overwrite="?1").status == 201
    assert bench.put(overwrite="1").status == 409
    assert bench.put(path="/api/v1/files/local/b2.gcode", content_type="").status == 415
    assert bench.put(b"", path="/api/v1/files/local/b2.gcode").status == 411
    assert bench.put(path="/api/v1/files/cloud/b2.gcode").status == 404
    assert bench.put(path="/api/v1/files/sdcard/b2.gcode").status == 409
    told = json.loads(bench.put().body)
    assert (told["title"], told["url"]) == (
        "File Already Exists",
        "http://localhost/error/file-already-exists",
    )
    assert bench.ask("DELETE", FILE, accept="text/html").headers["content-type"].startswith("text/")


def test_what_is_to_be_printed_is_seen_first_and_not_beside_a_print(bench: Bench) -> None:
    assert bench.put(print_after_upload="?1").status == 201
    assert bench.look()["printer"]["state"] == "PRINTING"
    assert bench.ask("DELETE", FILE).status == 409
    assert bench.put().status == 409
    beside = "/api/v1/files/local/b2_part.gcode"
    assert bench.put(SHORT, path=beside, print_after_upload="?1").status == 409
    bench.pass_time(1)
    assert bench.ask("GET", beside).status == 200
    assert bench.host.counted.starts == {"a1_part.gcode": 1}


def test_while_it_starts_it_is_busy_and_knows_no_temperatures(bench: Bench) -> None:
    job = bench.start()
    bench.host.went_down()
    bench.host.restarted(bench.now)

    assert bench.look()["printer"]["state"] == "BUSY"
    bench.until("IDLE", 3)
    assert not {"temp_nozzle", "temp_bed", "axis_z"} & set(bench.look()["printer"])
    bench.pass_time(2.5)
    assert "temp_nozzle" in bench.look()["printer"]
    assert "job" not in bench.look()
    assert bench.start(SHORT) != job


@pytest.mark.parametrize(
    ("trouble", "words"),
    [("lose_line", "Serial device does not exist"), ("break_down", "Firmware detected a hardware issue")],
)
def test_a_print_ends_with_its_printer_and_a_hand_brings_that_back(
    bench: Bench, trouble: str, words: str
) -> None:
    bench.start()
    getattr(bench.host, trouble)(bench.now)

    printer = bench.look()["printer"]
    assert (printer["state"], printer["status_printer"]) == ("ERROR", {"ok": False, "message": words})
    assert bench.ask("POST", FILE).status == 409
    bench.host.connect(bench.now)
    bench.until("IDLE", 3)


def test_without_filament_it_wants_somebody_and_takes_no_commands(bench: Bench) -> None:
    job = bench.start()
    bench.host.run_out(bench.now)
    bench.until("ATTENTION", 4)

    assert bench.look()["job"]["id"]
    assert [bench.ask("DELETE", job).status, bench.ask("PUT", f"{job}/resume").status] == [409, 409]
    bench.host.be_tended(bench.now)
    assert bench.look()["printer"]["state"] == "PRINTING"


def test_a_printer_that_answers_nothing_stands_still(bench: Bench) -> None:
    bench.start()
    bench.pass_time(3)
    bench.host.go_awol(bench.now)
    before = bench.look()
    bench.pass_time(200)
    after = bench.look()

    assert after["printer"] == before["printer"]
    assert after["job"]["progress"] == before["job"]["progress"]


def test_stamped_readings_tell_when_they_were_taken(bench: Bench) -> None:
    bench.host.stamped = True
    nozzle = bench.look()["printer"]["temp_nozzle"]

    assert age_s(nozzle, bench.host.wall(bench.now)) == pytest.approx(0, abs=0.001)


@given(text=st.text(max_size=60) | st.text(max_size=40).map(lambda text: f"Digest {text}"))
def test_no_nonsense_proves_anything(text: str) -> None:
    assert not digest.proves(text, "maker", "secret", "nonce", "GET", "/api/version")


# -- on its port -------------------------------------------------------------------------------------


@pytest.fixture
async def printer(fleet: Fleet) -> Printer:
    return await fleet.add(dialect="prusalink")


@pytest.fixture
async def http(printer: Printer) -> AsyncIterator[httpx.AsyncClient]:
    url, key = printer.address.url, {"X-Api-Key": printer.address.api_key, "Accept": "application/json"}
    async with httpx.AsyncClient(
        base_url=url, headers=key, trust_env=False, verify=NO_TLS, timeout=1.5
    ) as http:
        yield http


GCODE = {"Content-Type": "text/x.gcode"}


async def test_it_lets_in_who_has_its_key_or_its_password(printer: Printer, http: httpx.AsyncClient) -> None:
    assert (await http.get("/api/version")).json()["text"] == "PrusaLink 0.8.1"
    wrong = await http.get("/api/version", headers={"X-Api-Key": "0" * 16})
    assert (wrong.status_code, wrong.text) == (403, "Bad X-Api-Key.")
    content = b"G1 X1\n" * 100_000
    async with httpx.AsyncClient(base_url=printer.address.url, trust_env=False, verify=NO_TLS) as stranger:
        refused = await stranger.put(FILE, content=content, headers=GCODE)
        assert refused.status_code == 401
        assert 'qop="auth",algorithm="MD5-sess"' in refused.headers["www-authenticate"]
        for password, status in ((printer.address.api_key, 201), ("guess", 401)):
            auth = httpx.DigestAuth("maker", password)
            over = {**GCODE, "Overwrite": "?1"}
            assert (await stranger.put(FILE, content=content, headers=over, auth=auth)).status_code == status
    assert (await printer.told())["uploads"] == {"a1_part.gcode": 1}


@pytest.mark.parametrize(
    ("manner", "problem"),
    [
        ("drop", httpx.RemoteProtocolError),
        ("half_open", httpx.ReadTimeout),
        ("refuse", httpx.TransportError),
        ("silent", httpx.TimeoutException),
    ],
)
async def test_it_is_away_in_every_manner_and_well_again(
    printer: Printer, http: httpx.AsyncClient, manner: str, problem: type[Exception]
) -> None:
    http.timeout = httpx.Timeout(0.4)
    await http.get("/api/v1/status")
    await printer.switch(manner=manner)
    with pytest.raises(problem):
        await http.get("/api/v1/status")

    await printer.switch(manner="well")
    assert (await http.get("/api/v1/status")).status_code == 200


async def test_it_answers_wrongly_and_late(printer: Printer, http: httpx.AsyncClient) -> None:
    await printer.switch(manner="500")
    assert (await http.get("/api/v1/status")).status_code == 500
    await printer.switch(manner="half", slow_ms=300)
    began = trio.current_time()
    with pytest.raises(json.JSONDecodeError):
        (await http.get("/api/v1/status")).json()
    assert trio.current_time() - began >= 0.3


@pytest.mark.parametrize(
    ("what", "method", "count"), [("upload", "PUT", "uploads"), ("start", "POST", "starts")]
)
async def test_an_answer_is_lost_and_done_nevertheless(
    printer: Printer, http: httpx.AsyncClient, what: str, method: str, count: str
) -> None:
    if what == "start":
        await http.put(FILE, content=LONG, headers=GCODE)
        await trio.sleep(1)
    await printer.switch(swallow={"what": what, "then": "close"})
    with pytest.raises(httpx.RemoteProtocolError):
        await http.request(method, FILE, content=LONG, headers=GCODE)

    assert (await printer.told())[count] == {"a1_part.gcode": 1}


async def test_after_a_restart_it_is_unavailable_then_busy_then_idle(
    printer: Printer, http: httpx.AsyncClient
) -> None:
    await printer.do("restart", down_s=0.2)
    seen: list[object] = []
    with trio.fail_after(8):
        while not seen or seen[-1] != "IDLE":
            try:
                answer = await http.get("/api/v1/status")
                ok = answer.status_code == 200
                seen.append(answer.json()["printer"]["state"] if ok else answer.status_code)
            except httpx.TransportError:
                seen.append("away")
            await trio.sleep(0.02)

    assert {"away", 503, "BUSY", "IDLE"} <= set(seen)
