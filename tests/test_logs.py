"""Log lines: one way out for everybody, no secret in them, and nobody waits for a stopped terminal."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import threading
import time
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import pytest
import structlog
import trio

from farm import logs
from farm.access.keys import KeyText
from farm.access.tokens import Claims, TokenKeys
from farm.data_folder import new_local_token


@pytest.fixture(autouse=True)
def as_before():
    """Leave the process's logging as it was: pytest has handlers of its own."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    chatty = {name: logging.getLogger(name).level for name in ("httpx", "httpcore")}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in chatty.items():
        logging.getLogger(name).setLevel(before)
    logging.captureWarnings(False)
    structlog.reset_defaults()


class Terminal(io.StringIO):
    def isatty(self):
        return True


def written(stream):
    logs.flush()
    return stream.getvalue()


@pytest.fixture(params=["json", "console"])
def stream(request):
    """Where lines go, in either style."""
    stream = io.StringIO()
    logs.set_up("debug", request.param, stream)
    return stream


@dataclass
class Login:
    """A value as somebody might log it by mistake."""

    username: str
    password: str


class Unprintable:
    def __repr__(self):
        raise RuntimeError("broken")


CANARY = "canary-7Kq9wZr2Lm4Xp8"
PLACES = [
    {"password": CANARY},
    {"api_key": CANARY},
    {"apiKey": CANARY},
    {"X-Api-Key": CANARY},
    {"Authorization": f"Bearer {CANARY}"},
    {"set-cookie": f"session={CANARY}; HttpOnly"},
    {"refresh_token": CANARY.encode()},
    {"code": CANARY},
    {"setup_code": CANARY},
    {"headers": {"cookie": CANARY}},
    {"headers": [("x-api-key", CANARY)]},
    {"headers": [(b"authorization", CANARY.encode())]},
    {"headers": httpx.Headers({"X-Api-Key": CANARY})},
    {"deep": [{"er": ({"secret": [CANARY, {"a": CANARY}]},)}]},
    {"user": Login("anna", CANARY)},
    {"users": {"anna": Login("anna", CANARY)}},
    {"body": json.dumps({"username": "anna", "password": CANARY})},
    {"body": repr(json.dumps({"access_token": CANARY}))},
    {"request": f"GET / HTTP/1.1\r\nX-Api-Key: {CANARY}\r\nHost: pc\r\n"},
    {"request": f"Cookie: a=b; session={CANARY}"},
    {"url": f"http://pc/api?apikey={CANARY}&x=1"},
    {"url": f"http://anna:{CANARY}@pc/"},
    {"error": ValueError(f"password={CANARY}")},
    {"key": f"-----BEGIN PRIVATE KEY-----\n{CANARY.replace('-', '')}\n-----END PRIVATE KEY-----"},
]


@pytest.mark.parametrize("fields", PLACES, ids=lambda fields: "-".join(fields))
def test_a_planted_secret_is_in_no_line(stream, fields):
    log = structlog.get_logger("farm.test")
    log.info("planted", **fields)
    log.info("planted", inside=fields, beside=[fields])
    with structlog.contextvars.bound_contextvars(**fields):
        logging.getLogger("some.library").info("planted around")

    text = written(stream)

    assert text.count("planted") == 3
    assert CANARY not in text
    assert CANARY.replace("-", "") not in text


@pytest.mark.parametrize("fields", [*PLACES[:13], *PLACES[14:]], ids=lambda fields: "-".join(fields))
def test_a_planted_secret_is_in_no_line_of_a_library_that_puts_it_into_the_text(stream, fields):
    logging.getLogger("some.library").warning("planted %r", fields)
    structlog.get_logger("farm.test").info("planted %r", fields)

    text = written(stream)

    assert text.count("planted") == 2
    assert CANARY not in text
    assert CANARY.replace("-", "") not in text


def test_tokens_and_keys_as_the_farm_makes_them_are_masked_wherever_they_stand(stream, tmp_path):
    now = datetime(2026, 3, 2, tzinfo=UTC)
    jwt = TokenKeys.load(tmp_path / "keys", now, lambda size: "k" * size * 2).sign(Claims("u", "f", 1), now)
    key = str(KeyText("abcdefghijkl", "S3cret_-" * 5 + "xyz"))
    local = new_local_token()
    argon = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo"
    for secret in (jwt, key, local, argon):
        structlog.get_logger("farm.test").info(f"got {secret} here", note=[secret], **{f"as {secret}": 1})

    text = written(stream)

    for secret in (jwt, key, local, argon):
        assert secret[-20:] not in text
    assert "farm_abcdefghijkl_***" in text  # which key it was is worth knowing, and no secret


@pytest.mark.parametrize("name", ["farm", "quart.app"])
def test_secrets_are_masked_in_tracebacks_and_groups_and_causes(stream, name):
    try:
        try:
            raise OSError(f"refused: X-Api-Key: {CANARY}")
        except OSError as cause:
            raise ExceptionGroup("two", [ValueError(f"password='{CANARY}'")]) from cause
    except ExceptionGroup:
        logging.getLogger(name).exception("failed")
        structlog.get_logger(name).exception("failed too")

    text = written(stream)

    assert text.count("ExceptionGroup") >= 2
    assert text.count("OSError: refused: X-Api-Key: ***") == 2
    assert CANARY not in text


def test_what_is_no_secret_stays_readable():
    fields = {
        "printer": "mk4-03",
        "code": 404,
        "gcode": "G28",
        "keys": 3,
        "password": None,
        "print": {"progress": 0.5, "file": "benchy.gcode"},
        "note": "no password was given; the token has ended; authorization failed",
        "place": "http://pc:80/api/files?printer=a",
        "seen": ("a", 1, True, None),
    }
    assert logs.mask_secrets(None, "info", dict(fields)) == {**fields, "seen": ["a", 1, True, None]}


def test_a_value_that_cannot_be_shown_or_contains_itself_is_no_trouble():
    endless = []
    endless.append(endless)
    shown = logs.mask_secrets(None, "info", {"endless": endless, "broken": Unprintable()})
    assert "…" in str(shown["endless"])
    assert shown["broken"] == "<a Unprintable that cannot be shown: RuntimeError>"


def test_a_very_long_text_loses_its_middle():
    text = logs.mask_text("begin " + "x y" * 100_000 + " end")
    assert len(text) < logs.LONGEST + 100
    assert text.startswith("begin ")
    assert text.endswith(" end")
    assert "characters left out" in text


@pytest.mark.parametrize(
    "piece",
    [
        "a-",
        "eyJ-",
        "eyJaaaaaa.",
        '"password":"',
        "token,",
        "cookie:",
        "://a:",
        "api_",
        "\\",
        "bearer ",
        "farm_abcd_",
    ],
)
def test_no_text_makes_masking_slow(piece):
    text = (piece * logs.LONGEST)[: logs.LONGEST]
    started = time.perf_counter()
    logs.mask_text(text)
    assert time.perf_counter() - started < 0.5  # about 0.02 s; a pattern that backtracks takes minutes


def test_json_lines_have_time_level_name_and_fields():
    stream = io.StringIO()
    logs.set_up("info", "auto", stream)
    with structlog.contextvars.bound_contextvars(request="r1"):
        structlog.get_logger("farm.queue").info("print started", printer="mk4-03")
        logging.getLogger("hypercorn.error").error("lost %s", "it")

    ours, theirs = map(json.loads, written(stream).splitlines())

    at = datetime.fromisoformat(ours.pop("at"))
    assert at.utcoffset().total_seconds() == 0
    assert abs((datetime.now(UTC) - at).total_seconds()) < 60
    assert ours == {
        "event": "print started",
        "level": "info",
        "logger": "farm.queue",
        "printer": "mk4-03",
        "request": "r1",
    }
    assert (theirs["event"], theirs["level"], theirs["request"]) == ("lost it", "error", "r1")


def test_a_terminal_gets_lines_for_people_and_colours_unless_told_otherwise(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured, plain = Terminal(), Terminal()
    logs.set_up("info", "auto", coloured)
    structlog.get_logger().info("print started", printer="mk4-03")
    monkeypatch.setenv("NO_COLOR", "1")
    logs.set_up("info", "auto", plain)
    structlog.get_logger().info("print started", printer="mk4-03")

    assert "\x1b[" in written(coloured)
    assert "print started" in written(plain)
    assert "printer=mk4-03" in written(plain)
    assert "\x1b[" not in written(plain)


def test_a_name_from_the_network_cannot_colour_the_terminal_or_clear_it():
    stream = io.StringIO()
    logs.set_up("info", "console", stream)
    structlog.get_logger().info("seen \x1b[2J", printer="a\x1b[31mb\x9b2J")
    assert "\x1b" not in written(stream)
    assert "\x9b" not in written(stream)


def test_only_what_is_important_enough_is_written(stream):
    logs.set_up("warning", "json", stream)
    structlog.get_logger().info("quiet")
    logging.getLogger("x").info("quiet")
    structlog.get_logger().warning("loud")
    assert "quiet" not in written(stream)
    assert "loud" in written(stream)


def test_warnings_of_libraries_are_log_lines(stream):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("this goes away", DeprecationWarning, stacklevel=1)
    assert "this goes away" in written(stream)


async def test_an_http_request_to_a_printer_leaves_no_line(stream):
    answers = httpx.MockTransport(lambda request: httpx.Response(200))
    async with httpx.AsyncClient(transport=answers) as client:
        await client.get("http://printer/api")
    structlog.get_logger().info("after")
    assert "http://printer" not in written(stream).replace("after", "")


async def test_a_terminal_that_takes_nothing_stops_nobody(monkeypatch):
    """A pipe that nobody reads, as a terminal after Ctrl-S; the loop goes on and dropped lines are told."""
    monkeypatch.setattr(logs, "WAITING_LINES", 500)
    reader, writer = os.pipe()
    with os.fdopen(writer, "w", encoding="utf-8") as stream:
        logs.set_up("info", "json", stream)
        log = structlog.get_logger()
        started = time.perf_counter()
        for number in range(2_500):
            log.info("flood", number=number, filling="x" * 60)
            if number % 500 == 0:
                await trio.lowlevel.checkpoint()
        assert time.perf_counter() - started < 30  # without a thread it would never come back
        logs.flush(within_s=0.05)  # gives up

        received = []
        drain = threading.Thread(target=_read_all, args=(reader, received))
        drain.start()
        logs.flush(within_s=10)
        log.info("after")
        logs.flush(within_s=10)
        logs.set_up("info", "json", io.StringIO())  # ends the writer, so that its file can be closed
    drain.join()
    lines = b"".join(received).decode().splitlines()
    assert [line for line in lines if line.endswith("log lines were dropped: nobody took them")]
    assert '"after"' in lines[-1]


def _read_all(descriptor, received):
    while data := os.read(descriptor, 65536):
        received.append(data)
    os.close(descriptor)


def test_a_closed_stream_is_no_trouble():
    stream = io.StringIO()
    logs.set_up("info", "json", stream)
    stream.close()
    with contextlib.redirect_stderr(io.StringIO()) as errors:
        structlog.get_logger().info("into the void")
        logs.flush()
    assert errors.getvalue() == ""
