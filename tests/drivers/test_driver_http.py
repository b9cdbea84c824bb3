"""Print hosts that misbehave on the wire: each gives one sentence, in time, with bounded memory."""

from __future__ import annotations

import hashlib
import socket
import ssl
import time
import tracemalloc
from pathlib import Path
from typing import NoReturn

import pytest
import trio
import trio.testing

from farm.domain.printer import Address
from farm.drivers.base import AnswerLost
from farm.drivers.exchange import Request, file_envelope
from farm.drivers.http import MAX_ANSWER, PIECE, Http, Patience
from farm.drivers.octoprint.driver import OctoPrintDriver
from farm.errors import FarmError, Invalid, PrinterUnreachable, ProtocolError, StorageFailed
from tests.peers.mad_peer import (
    NAMES,
    WITH_A_WRONG_ONE,
    WITHOUT_AN_ANSWER,
    hang_up,
    say_garbage,
    say_nothing,
)
from tests.peers.raw_peer import Behaviour, answering, raw_peer, read_request

KEY = "5ec4e7f00dfeed5ec4e7f00dfeed5ec4"
BRIEF = Patience(connect_s=1.0, silence_s=0.2, whole_s=0.4, command_s=0.4, stored_s=0.2)
LOOK = Request("GET", "/api/version")


def driver_for(url: str) -> OctoPrintDriver:
    return OctoPrintDriver(Address("octoprint", url, KEY), BRIEF)


@pytest.mark.parametrize("behaviour", WITHOUT_AN_ANSWER, **NAMES)
async def test_a_peer_that_gives_no_answer_is_an_answer_lost(
    nursery: trio.Nursery, behaviour: Behaviour
) -> None:
    driver = driver_for(await raw_peer(nursery, behaviour))
    began = time.monotonic()

    for ask in (driver.identify, driver.status, driver.cancel):
        with pytest.raises(AnswerLost):
            await ask()

    assert time.monotonic() - began < 5
    await driver.aclose()


@pytest.mark.parametrize("behaviour", WITH_A_WRONG_ONE, **NAMES)
async def test_a_wrong_answer_is_a_protocol_error_with_a_sentence(
    nursery: trio.Nursery, behaviour: Behaviour
) -> None:
    driver = driver_for(await raw_peer(nursery, behaviour))

    for look in (driver.identify, driver.status):
        with pytest.raises(ProtocolError, match=r"^[A-Z].*\.$"):
            await look()
    await driver.aclose()


@pytest.mark.parametrize("behaviour", [*WITHOUT_AN_ANSWER, *WITH_A_WRONG_ONE[:-1]], **NAMES)
async def test_a_start_without_a_clear_answer_may_be_printing(
    nursery: trio.Nursery, behaviour: Behaviour
) -> None:
    driver = driver_for(await raw_peer(nursery, behaviour))

    with pytest.raises(AnswerLost):
        await driver.start("ab12cd_part.gcode")
    await driver.aclose()


async def test_a_start_that_nobody_listened_to_was_never_sent() -> None:
    with trio.socket.socket() as taken:
        await taken.bind(("127.0.0.1", 0))  # bound but not listening: every connection is refused
        driver = driver_for(f"http://127.0.0.1:{taken.getsockname()[1]}")

        with pytest.raises(PrinterUnreachable, match="refuses the connection: check its power") as caught:
            await driver.start("ab12cd_part.gcode")

    assert not isinstance(caught.value, AnswerLost)
    await driver.aclose()


async def test_a_name_that_nobody_knows_is_unreachable() -> None:
    class NobodyKnows(trio.abc.HostnameResolver):
        async def getaddrinfo(self, *args: object, **kwargs: object) -> NoReturn:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        async def getnameinfo(self, *args: object) -> NoReturn:
            raise AssertionError("not asked")

    trio.socket.set_custom_hostname_resolver(NobodyKnows())
    driver = driver_for("http://mk4-03.local:5000")

    with pytest.raises(PrinterUnreachable, match="name that is not known"):
        await driver.status()
    await driver.aclose()


async def test_a_name_that_cannot_be_looked_up_is_unreachable() -> None:
    driver = driver_for(f"http://{'a' * 70}.invalid")  # names end at 63, and Python raises UnicodeError

    with pytest.raises(PrinterUnreachable, match="name that is not known"):
        await driver.status()
    await driver.aclose()


async def test_an_endless_answer_is_cut_at_its_limit(nursery: trio.Nursery) -> None:
    sent = 0

    async def pour(stream: trio.SocketStream, request: bytes) -> None:
        nonlocal sent
        await stream.send_all(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            await stream.send_all(b" " * 65536)
            sent += 65536

    http = Http(await raw_peer(nursery, pour), "OctoPrint", {})

    with pytest.raises(ProtocolError, match="more than 4 MiB"):
        await http.send(LOOK)

    assert sent < 4 * MAX_ANSWER  # what the sockets' own buffers take comes on top of the limit
    await http.aclose()


async def test_a_cancelled_request_frees_its_connection(nursery: trio.Nursery) -> None:
    http = Http(await raw_peer(nursery, say_nothing), "OctoPrint", {})

    for _ in range(10):  # more than the pool has
        with trio.move_on_after(0.02) as scope:
            await http.send(LOOK)
        assert scope.cancelled_caught
    await http.aclose()


async def test_a_busy_pool_says_so_instead_of_waiting_for_ever(nursery: trio.Nursery) -> None:
    http = Http(await raw_peer(nursery, say_nothing), "OctoPrint", {}, Patience(connect_s=0.3))

    async with trio.open_nursery() as uploads:
        for _ in range(4):
            uploads.start_soon(http.send, LOOK)
        await trio.testing.wait_all_tasks_blocked(0.05)
        with pytest.raises(PrinterUnreachable, match="does not answer"):
            await http.send(LOOK)
        uploads.cancel_scope.cancel()
    await http.aclose()


async def test_one_connection_serves_many_requests(nursery: trio.Nursery) -> None:
    connections = 0

    async def keep_alive(stream: trio.SocketStream, request: bytes) -> None:
        nonlocal connections
        connections += 1
        while request:
            await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            request = await stream.receive_some()

    http = Http(await raw_peer(nursery, keep_alive), "OctoPrint", {})
    for _ in range(5):
        assert (await http.send(LOOK)).body == b"{}"

    assert connections == 1
    await http.aclose()


async def test_requests_carry_the_key_the_path_prefix_and_nothing_from_the_environment(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []

    async def note(stream: trio.SocketStream, request: bytes) -> None:
        asked.append(request)
        await answering("204 No Content", b"")(stream, request)

    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:3128")
    driver = driver_for(await raw_peer(nursery, note) + "/mk4/")
    await driver.start("50% of Größe.gcode")

    head, _, body = asked[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /mk4/api/files/local/50%25%20of%20Gr%C3%B6%C3%9Fe.gcode HTTP/1.1\r\n")
    assert f"X-Api-Key: {KEY}".encode() in head
    assert body == b'{"command": "select", "print": true}'
    await driver.aclose()


async def test_paths_that_lie_elsewhere_are_found_there(nursery: trio.Nursery) -> None:
    asked: list[bytes] = []

    async def note(stream: trio.SocketStream, request: bytes) -> None:
        asked.append(request.split(b" ")[1])
        await answering("204 No Content", b"")(stream, request)

    url = await raw_peer(nursery, note)
    driver = OctoPrintDriver(Address("octoprint", url, KEY, endpoints={"api": "/octo/v1"}), BRIEF)
    await driver.start("part.gcode")
    await driver.pause()
    await driver.emergency_stop()  # over a connection of its own

    assert asked[:2] == [b"/octo/v1/files/local/part.gcode", b"/octo/v1/job"]
    assert asked[2].startswith(b"/octo/v1/printer/")
    await driver.aclose()


@pytest.mark.parametrize("behaviour", [hang_up, say_garbage, say_nothing], **NAMES)
async def test_the_key_is_in_no_error(nursery: trio.Nursery, behaviour: Behaviour) -> None:
    driver = driver_for(await raw_peer(nursery, behaviour))

    with pytest.raises(FarmError) as caught:
        await driver.identify()

    error: BaseException | None = caught.value
    while error is not None:
        assert KEY not in repr(error)
        error = error.__cause__ or error.__context__
    await driver.aclose()


@pytest.mark.parametrize(
    ("url", "key", "field"),
    [
        ("192.168.1.100", KEY, "connection.url"),
        ("ftp://printer", KEY, "connection.url"),
        ("http://", KEY, "connection.url"),
        ("http://[::1", KEY, "connection.url"),
        ("http://printer:99999", KEY, "connection.url"),
        ("http://printer/?x=1", KEY, "connection.url"),
        ("http://admin:hunter2@printer", KEY, "connection.url"),
        ("http://printer", "Schlüssel", "connection.api_key"),
        ("http://printer", "a\r\nX-Evil: 1", "connection.api_key"),
    ],
)
def test_an_address_or_key_that_cannot_work_names_its_field(url: str, key: str, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        OctoPrintDriver(Address("octoprint", url, key))

    assert caught.value.field == field
    assert "hunter2" not in str(caught.value)


def test_printers_share_their_certificates() -> None:
    contexts = {
        Http(f"https://printer{number}", "OctoPrint", {})._transport._pool._ssl_context for number in range(3)
    }

    assert [context.verify_mode for context in contexts] == [ssl.CERT_REQUIRED]


# -- uploads -------------------------------------------------------------------------------------


async def send_file(url: str, source: Path, size: int, patience: Patience = BRIEF, checksum: str = "") -> str:
    http = Http(url, "OctoPrint", {}, patience)
    try:
        envelope = file_envelope(source.name, "b0undary", checksum)
        _, digest = await http.send_file(Request("POST", "/files"), source, size, envelope)
        return digest
    finally:
        await http.aclose()


@pytest.mark.parametrize("size", [0, 1, PIECE, 600_001])
async def test_a_file_arrives_whole_inside_its_envelope(
    nursery: trio.Nursery, tmp_path: Path, size: int
) -> None:
    arrived: list[bytes] = []

    async def store(stream: trio.SocketStream, request: bytes) -> None:
        arrived.append(request)
        await answering("201 Created", b"{}")(stream, request)

    source = tmp_path / 'a "quoted" name.gcode'
    source.write_bytes(bytes(range(251)) * (size // 251) + b"x" * (size % 251))
    await send_file(await raw_peer(nursery, store), source, size)

    form = arrived[0].partition(b"\r\n\r\n")[2]
    head, _, rest = form.partition(b"\r\n\r\n")
    assert b'name="file"; filename="a %22quoted%22 name.gcode"' in head
    assert rest == source.read_bytes() + b"\r\n--b0undary--\r\n"


async def test_a_peer_that_checks_what_it_gets_is_told_its_hash_after_it(
    nursery: trio.Nursery, tmp_path: Path
) -> None:
    arrived: list[bytes] = []

    async def store(stream: trio.SocketStream, request: bytes) -> None:
        arrived.append(request)
        await answering("201 Created", b"{}")(stream, request)

    source = tmp_path / "part.gcode"
    source.write_bytes(b"G28\n")
    digest = await send_file(await raw_peer(nursery, store), source, 4, checksum="sha256")

    assert digest == hashlib.sha256(b"G28\n").hexdigest()
    rest = arrived[0].partition(b"G28\n\r\n--b0undary\r\n")[2].decode()
    assert rest.startswith('Content-Disposition: form-data; name="checksum"')
    assert rest.endswith(f"\r\n\r\n{digest}\r\n--b0undary--\r\n")


async def test_an_upload_that_stalls_is_given_up(nursery: trio.Nursery, tmp_path: Path) -> None:
    async def read_nothing(stream: trio.SocketStream) -> None:
        await trio.sleep_forever()

    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, read_nothing, [listener])
    source = tmp_path / "large.gcode"
    source.write_bytes(b";" * 20_000_000)
    began = time.monotonic()

    with pytest.raises(AnswerLost, match="did not answer in time"):
        await send_file(f"http://127.0.0.1:{listener.socket.getsockname()[1]}", source, 20_000_000)

    assert time.monotonic() - began < 5


async def test_our_own_missing_or_changed_file_is_our_problem_not_the_printers(
    nursery: trio.Nursery, tmp_path: Path
) -> None:
    url = await raw_peer(nursery, answering("201 Created", b"{}"))
    short = tmp_path / "short.gcode"
    short.write_bytes(b"G28\n")

    with pytest.raises(StorageFailed, match="cannot be read"):
        await send_file(url, tmp_path / "gone.gcode", 10)
    with pytest.raises(StorageFailed, match="4 bytes instead of 10"):
        await send_file(url, short, 10)
    with pytest.raises(StorageFailed, match="cannot be read"):
        await send_file(url, tmp_path, 10)


async def test_a_file_cut_while_it_is_sent_ends_the_upload(nursery: trio.Nursery, tmp_path: Path) -> None:
    source = tmp_path / "shrinking.gcode"
    source.write_bytes(b";" * 30_000_000)

    async def cut_the_source(stream: trio.SocketStream) -> None:
        await stream.receive_some(1000)
        with source.open("r+b") as file:
            file.truncate(1_000_000)
        while await stream.receive_some():
            pass

    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, cut_the_source, [listener])

    with pytest.raises(StorageFailed, match="became shorter"):
        await send_file(f"http://127.0.0.1:{listener.socket.getsockname()[1]}", source, 30_000_000)


async def test_an_upload_is_never_in_memory_as_a_whole(nursery: trio.Nursery, tmp_path: Path) -> None:
    size = 50_000_000

    async def swallow(stream: trio.SocketStream) -> None:
        left = size
        while left > 0:
            left -= len(await stream.receive_some())
        await stream.send_all(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")

    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, swallow, [listener])
    source = tmp_path / "large.gcode"
    with source.open("wb") as file:
        file.truncate(size)
    url = f"http://127.0.0.1:{listener.socket.getsockname()[1]}"

    tracemalloc.start()
    try:
        await send_file(url, source, size, Patience())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 5_000_000


def keeping(answers: int, status: str = "200 OK") -> tuple[Behaviour, list[bytes]]:
    """Answers so many requests on each connection, and hangs up; and what it was asked, by connection."""
    asked: list[bytes] = []

    async def behave(stream: trio.SocketStream, request: bytes) -> None:
        asked.append(request)
        for _ in range(answers):
            await stream.send_all(f"HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\n{{}}".encode())
            if not await read_request(stream):
                return

    return behave, asked


async def test_a_line_is_kept_for_what_is_asked_again_and_again(nursery: trio.Nursery) -> None:
    behave, connections = keeping(5)
    http = Http(await raw_peer(nursery, behave), "OctoPrint", {"X-Api-Key": KEY}, BRIEF)

    for _ in range(5):
        assert (await http.send_kept(LOOK)).body == b"{}"

    assert len(connections) == 1
    assert b"Connection: keep-alive" in connections[0]
    await http.aclose()


async def test_a_kept_line_that_the_peer_has_closed_is_made_anew(nursery: trio.Nursery) -> None:
    behave, connections = keeping(1)
    http = Http(await raw_peer(nursery, behave), "OctoPrint", {}, BRIEF)

    for _ in range(3):
        assert (await http.send_kept(LOOK)).status == 200
        await trio.sleep(0.01)

    assert len(connections) == 3
    await http.aclose()


async def test_of_the_lines_of_two_who_ask_at_once_one_is_kept_and_no_other_left_open(
    nursery: trio.Nursery,
) -> None:
    closed = 0

    async def behave(stream: trio.SocketStream, request: bytes) -> None:
        nonlocal closed
        while request:
            await trio.sleep(0.05)
            await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            request = await read_request(stream)
        closed += 1

    http = Http(await raw_peer(nursery, behave), "OctoPrint", {}, BRIEF)
    async with trio.open_nursery() as asking:
        asking.start_soon(http.send_kept, LOOK)
        asking.start_soon(http.send_kept, LOOK)
    assert (await http.send_kept(LOOK)).status == 200
    assert closed == 1
    await http.aclose()


@pytest.mark.parametrize("behaviour", WITHOUT_AN_ANSWER, **NAMES)
async def test_a_peer_that_dies_on_a_kept_line_is_lost_and_found_again(
    nursery: trio.Nursery, behaviour: Behaviour
) -> None:
    lives = True

    async def behave(stream: trio.SocketStream, request: bytes) -> None:
        while request:
            if not lives:
                await behaviour(stream, request)
                return
            await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            request = await read_request(stream)

    http = Http(await raw_peer(nursery, behave), "OctoPrint", {}, BRIEF)
    assert (await http.send_kept(LOOK)).status == 200

    lives = False
    with pytest.raises(AnswerLost):
        await http.send_kept(LOOK)

    lives = True
    assert (await http.send_kept(LOOK)).status == 200
    await http.aclose()
