"""An upload of 100 MB against OctoPrint, what 1 GB costs, and how soon after it a file is understood.

It is measured to its last durable byte, with the loop's delay meanwhile. Both are real servers on loopback
that take the same form from the same sender, in turn. The farm answers when the file is durable (fsync of
file and folder, its row committed); OctoPrint when it has moved it. OctoPrint's analysis is off, or it would
run beside the farm's next upload.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import httpx
import psutil
from werkzeug.sansio.multipart import Data, Epilogue, MultipartDecoder, NeedData

from farm.actors.vitals import BEAT_S, BEATS
from farm.multipart import FileRead, FormDecoder
from scripts.benches.figure import Figure, Rival, alternating
from scripts.environment import EnvironmentFailed
from scripts.test import PEER_LOCKS, locked_version, set_up_octoprint
from tests.peers.farm_process import FarmProcess
from tests.peers.octoprint import OctoPrint

MB = 1_000_000
PIECE = 64 * 1024  # bytes: what a server reads from its socket at once
BOUNDARY = "------------------------4ebf00fbcf09"  # as libcurl makes them
LINE = b"G1 X108.643 Y88.643 E0.04321 ; a move like a hundred thousand others\n"
CONTENT = (LINE * (MB // len(LINE) + 1))[:MB]
SAMPLE_S = 0.01
VASE = Path(__file__).parents[2] / "tests" / "data" / "gcode" / "ps292_vase.gcode"
AT_ONCE = 4
ANALYSED_WITHIN_S = 300.0
LATENESS_OVER_S = BEATS * BEAT_S


def run(quick: bool) -> list[Figure]:
    """Medians of several uploads in turn, then one of 1 GB."""
    rounds = 5 if quick else 11
    with tempfile.TemporaryDirectory(prefix="farm-bench-") as folder, _farm(Path(folder)) as farm:
        idle = psutil.Process(farm.process).memory_info().rss  # before it has taken anything
        compared = _against_octoprint(farm, Path(folder) / "octoprint", rounds)
        return [compared, *_one_gigabyte(farm, idle), _decoding(rounds), *_understood(farm, rounds)]


@dataclass(frozen=True, slots=True)
class Place:
    """Where to upload to. process: its id. forget: takes what was answered, and deletes the file."""

    url: str
    path: str
    process: int | None
    headers: dict[str, str]
    forget: Callable[[bytes], None]


def _against_octoprint(farm: Place, folder: Path, rounds: int) -> Figure:
    name, goal = "upload_100mb_stored", "ratio<=1.2"
    try:
        program = Path(os.environ.get("FARM_OCTOPRINT") or set_up_octoprint())
    except EnvironmentFailed as problem:
        print(f"no OctoPrint to compare with: {problem}", file=sys.stderr)
        return Figure(name, median(_upload(farm, 100) for _ in range(rounds)), "s")
    server = OctoPrint(program, folder)
    with (folder / "config.yaml").open("a") as config:
        config.write("gcodeAnalysis: {runAt: never}\n")
    with server:
        octoprint = _octoprint(server)
        for place in (farm, octoprint):
            _upload(place, 100)  # the first one warms up
        ours, theirs = alternating(lambda: _upload(farm, 100), lambda: _upload(octoprint, 100), rounds)
    return Figure(
        name,
        ours,
        "s",
        Rival(f"OctoPrint {locked_version(PEER_LOCKS / 'octoprint.txt', 'octoprint')}", theirs),
        goal,
    )


def _one_gigabyte(farm: Place, idle: int) -> list[Figure]:
    """idle: bytes of memory the server had before its first upload."""
    server, peak, done = psutil.Process(farm.process), 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(SAMPLE_S):
            peak = max(peak, server.memory_info().rss)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        seconds = _upload(farm, 1000)
    finally:
        done.set()
        watching.join()
    answer = httpx.get(f"{farm.url}/v1/system", headers=farm.headers, trust_env=False)
    lateness = answer.json()["resources"]
    return [
        Figure("upload_1gb_extra_memory", (peak - idle) / MB, "MB", goal="value<50"),
        Figure("upload_1gb_rate", 1000 / seconds, "MB/s"),
        Figure("loop_lateness_p99_beside_it", lateness["loop_lateness_p99_ms"], "ms", goal="value<20"),
        Figure("loop_lateness_max_beside_it", lateness["loop_lateness_max_ms"], "ms", goal="value<100"),
    ]


def _understood(farm: Place, rounds: int) -> list[Figure]:
    """From the last byte of 40 MB to the analysis, by a process that is warm; then four files at once."""
    moves = VASE.read_bytes()
    content = moves * (40 * MB // len(moves) + 1)
    with httpx.Client(base_url=farm.url, headers=farm.headers, trust_env=False, timeout=120) as client:
        _analysed(client, [_send(client, content)])  # the first one waits for what is compiled
        alone = median(_analysed(client, [_send(client, content)]) for _ in range(rounds))
        time.sleep(LATENESS_OVER_S)  # until only what follows is in the figures of the loop
        _analysed(client, [_send(client, content) for _ in range(AT_ONCE)])
        loop = client.get("/v1/system").json()["resources"]
    return [
        Figure("upload_40mb_analysed", alone, "s", goal="value<=0.8"),
        Figure("loop_lateness_p99_beside_4_analyses", loop["loop_lateness_p99_ms"], "ms", goal="value<20"),
    ]


def _send(client: httpx.Client, content: bytes) -> tuple[str, float]:
    """The id of a new file, and when its last byte was sent."""
    ended = 0.0

    def body() -> Iterator[bytes]:
        nonlocal ended
        yield b"; %d\n" % time.perf_counter_ns()
        for at in range(0, len(content), PIECE):
            yield content[at : at + PIECE]
        ended = time.perf_counter()

    answer = client.post("/v1/files?name=vases.gcode", content=body())
    answer.raise_for_status()
    return answer.json()["id"], ended


def _analysed(client: httpx.Client, sent: list[tuple[str, float]]) -> float:
    """Seconds from the last byte of the last file until all of them are understood.

    They are removed when they have been drawn, too: then the process has nothing to do any more.
    """
    waiting, deadline = {id for id, _ in sent}, time.perf_counter() + ANALYSED_WITHIN_S
    while waiting:
        for id in list(waiting):
            analysis = client.get(f"/v1/files/{id}").json()["analysis"]
            if analysis["state"] == "failed" or time.perf_counter() > deadline:
                raise RuntimeError(f"a file was not understood: {analysis}")
            if analysis["state"] == "ready":
                waiting.remove(id)
        time.sleep(SAMPLE_S)
    seconds = time.perf_counter() - max(ended for _, ended in sent)
    for id, _ in sent:
        while not client.get(f"/v1/files/{id}").json()["analysis"]["result"]["thumbnails"]:
            if time.perf_counter() > deadline:
                raise RuntimeError("a file was not drawn")
            time.sleep(SAMPLE_S)
        client.delete(f"/v1/files/{id}").raise_for_status()
    return seconds


def _decoding(rounds: int) -> Figure:
    """Taking a form apart, without network and disk."""
    form = b"".join(_form(100))
    ours, theirs = alternating(lambda: _decode(form), lambda: _decode_with_werkzeug(form), rounds)
    return Figure(
        "form_decoding", 100 / ours, "MB/s", Rival("Werkzeug's decoder", 100 / theirs), goal="value>=100"
    )


def _decode(form: bytes) -> float:
    begun, size, decoder = time.perf_counter(), 0, FormDecoder(BOUNDARY.encode())
    for at in range(0, len(form), PIECE):
        for event in decoder.receive(form[at : at + PIECE]):
            size += len(event.data) if isinstance(event, FileRead) else 0
    return _whole(time.perf_counter() - begun, size)


def _decode_with_werkzeug(form: bytes) -> float:
    begun, size, decoder = time.perf_counter(), 0, MultipartDecoder(BOUNDARY.encode())
    for at in range(0, len(form), PIECE):
        decoder.receive_data(form[at : at + PIECE])
        while not isinstance(event := decoder.next_event(), NeedData | Epilogue):
            size += len(event.data) if isinstance(event, Data) else 0
    return _whole(time.perf_counter() - begun, size)


def _whole(seconds: float, size: int) -> float:
    if size < 100 * MB:
        raise ValueError(f"only {size} bytes came out of the form")
    return seconds


# -- both servers and what sends to them


@contextmanager
def _farm(folder: Path) -> Iterator[Place]:
    with httpx.Client(trust_env=False) as client:
        server = FarmProcess(folder / "data", client)
        process = server.start()
        try:
            server.make_owner()

            def forget(answer: bytes) -> None:
                deleted = server.ask("DELETE", f"/v1/files/{json.loads(answer)['id']}")
                deleted.raise_for_status()

            yield Place(server.url, "/v1/files", process.pid, server.headers, forget)
        finally:
            server.kill()


def _octoprint(server: OctoPrint) -> Place:
    def forget(answer: bytes) -> None:
        local = json.loads(answer)["files"]["local"]["path"]
        server.request("DELETE", f"/api/files/local/{local}").raise_for_status()

    return Place(server.url, "/api/files/local", None, {"X-Api-Key": server.api_key}, forget)


def _upload(place: Place, megabytes: int) -> float:
    """Seconds from the first byte to the answer; the file is deleted afterwards, and the disk at rest."""
    address = urlsplit(place.url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=120)
    form = _form(megabytes)
    begun = time.perf_counter()
    connection.putrequest("POST", place.path)
    for name, value in place.headers.items():
        connection.putheader(name, value)
    connection.putheader("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
    connection.putheader("Content-Length", str(sum(map(len, form))))
    connection.endheaders()
    for piece in form:
        connection.send(piece)
    answer = connection.getresponse()
    told = answer.read()
    seconds = time.perf_counter() - begun
    connection.close()
    if answer.status != 201:
        raise RuntimeError(f"{place.url} answered {answer.status}: {told!r}")
    place.forget(told)
    if hasattr(os, "sync"):
        os.sync()
    return seconds


def _form(megabytes: int) -> list[bytes]:
    """A form in PrusaSlicer's order, with another content each time."""
    field = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
    begin = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="bench.gcode"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    first = f"; {time.perf_counter_ns()}\n".encode().ljust(len(LINE), b"x") + CONTENT[len(LINE) :]
    return [
        (field % ("print", "false") + field % ("path", "") + begin).encode(),
        first,
        *[CONTENT] * (megabytes - 1),
        f"\r\n--{BOUNDARY}--\r\n".encode(),
    ]
