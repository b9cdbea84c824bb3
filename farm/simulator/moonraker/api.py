"""Moonraker's HTTP API: a request into a call, its result or refusal into an answer."""

from __future__ import annotations

import re
import secrets
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import msgspec

from farm.drivers.exchange import Answer
from farm.drivers.octoprint.protocol import SIMULATED_HEADER
from farm.simulator.host import Asked, Json, Reply
from farm.simulator.moonraker.host import MoonrakerHost
from farm.simulator.moonraker.klippy import Refusal, State
from farm.simulator.moonraker.methods import METHODS, Call, perform
from farm.simulator.upload import Form

UPLOAD = "/server/files/upload"
_FILES = "/server/files/gcodes/"
_DELETES = {"server.history.job": "server.history.delete_job"}
_OCTOPRINT = {"server": "1.5.0", "api": "0.1", "text": "OctoPrint (Moonraker 0.11.0)"}
_TRUE = ("true", "1")
_NOT_PLAIN = re.compile(r"[^ -~]|[<>]")
_TRACE = (
    "Traceback (most recent call last):\n\nmoonraker.utils.exceptions.ServerError: {words}\n\n\n"
    "The above exception was the direct cause of the following exception:\n\n\n"
    "Traceback (most recent call last):\n\ntornado.web.HTTPError: HTTP {code}: {last}\n"
)


class _Withheld(Refusal):
    """A refusal whose words stand in the traceback only."""


def authorised(host: MoonrakerHost, question: Asked) -> bool:
    """Whether a request carries the key, or a token that opens once."""
    token = question.query.get("token")
    if token in host.one_shots:
        host.one_shots.discard(token)
        return True
    given = question.headers.get("x-api-key", "")
    return secrets.compare_digest(given.encode(), host.api_key.encode())


def answer(host: MoonrakerHost, question: Asked, now: float, reply: Reply) -> None:
    """What Moonraker answers, and does; `reply` is called when it is done."""
    host.counted.requests += 1
    host.tick(now)
    try:
        _answer(host, question, now, reply)
    except Refusal as refusal:
        reply(refused(refusal))


def _answer(host: MoonrakerHost, question: Asked, now: float, reply: Reply) -> None:
    admitted = authorised(host, question)
    verb = "GET" if question.method == "HEAD" else question.method
    if verb == "GET" and question.path.startswith(_FILES):
        reply(_download(host, question, admitted))
    elif question.path == "/api/version":
        _must_be(admitted)
        reply(_json(_OCTOPRINT))
    elif question.path == UPLOAD and verb == "POST":
        _must_be(admitted)
        _upload(host, question, now, reply)
    else:
        _perform(host, question, verb, now, reply, admitted)


def _perform(
    host: MoonrakerHost, question: Asked, verb: str, now: float, reply: Reply, admitted: bool
) -> None:
    """What can be asked at the socket as well."""
    name, params = called(question)
    method = METHODS.get(name)
    if method is not None and verb not in method.verbs:
        raise Refusal(405, "Method Not Allowed")

    def replied(result: Any) -> None:
        reply(refused(result) if isinstance(result, Refusal) else _json({"result": result}))

    try:
        perform(name, Call(host, params, now, replied), admitted)
    except Refusal as refusal:
        if refusal.code == HTTPStatus.UNAUTHORIZED or name == "server.files.delete_file":
            raise _Withheld(refusal.code, refusal.words) from refusal
        raise


def called(question: Asked) -> tuple[str, Json]:
    """The call that a request stands for, and its parameters."""
    name = question.path.strip("/").replace("/", ".")
    params: Json = {key: value for key, value in question.query.items() if key != "token"}
    if name in ("printer.objects.query", "printer.objects.subscribe"):
        objects = {key: value.split(",") if value else None for key, value in params.items()}
        params = {"objects": objects} if objects else {}
    if question.headers.get("content-type", "").startswith("application/json"):
        params |= _body(question.body)
    if question.method == "DELETE":
        if question.path.startswith(_FILES):
            name, params = "server.files.delete_file", {"path": question.path.removeprefix("/server/files/")}
        name = _DELETES.get(name, name)
    return name, params


def _body(body: bytes) -> Json:
    try:
        found = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _must_be(admitted: bool) -> None:
    if not admitted:
        raise _Withheld(401, "Invalid API Key")


def _download(host: MoonrakerHost, question: Asked, admitted: bool) -> Answer:
    _must_be(admitted)
    file = host.files.get(question.path.removeprefix(_FILES))
    if file is None:
        raise Refusal(404, "Not Found")
    return Answer(200, {"content-type": "text/plain"}, file.path.read_bytes())


def _upload(host: MoonrakerHost, question: Asked, now: float, reply: Reply) -> None:
    form = question.form
    if form is None:
        raise Refusal(500, "Internal Server Error")
    name = _sound_name(form)
    if host.in_use(name):
        raise _Withheld(403, "File is loaded, upload not permitted")
    told = host.store(name, form.keep(), form.size, form.digest, now)
    where = f"http://{question.headers.get('host', 'localhost')}{quote(_FILES + name)}"

    def stored(started: bool) -> None:
        reply(_json({**told, "print_started": started, "print_queued": False}, 201, location=where))

    if form.fields.get("print", "false").lower() not in _TRUE:
        stored(False)
        return
    if host.klippy.state is not State.READY or host.klippy.printing:
        stored(False)
        return
    script = f'SDCARD_PRINT_FILE FILENAME="{name}"'
    host.run(script, now, lambda result: stored(not isinstance(result, Refusal)))


def _sound_name(form: Form) -> str:
    """Where an uploaded file belongs. Raises Refusal unless it came whole and may lie there."""
    given = form.fields.get("checksum", "").lower()
    if given and given != form.digest:
        raise _Withheld(422, f"File checksum mismatch: expected {given}, calculated {form.digest}")
    if not form.name.strip():
        raise _Withheld(400, "Multipart filename omitted")
    if form.fields.get("root", "gcodes") != "gcodes":
        raise _Withheld(400, "Invalid root request")
    folder = form.fields.get("path", "").strip("/")
    name = f"{folder}/{form.name}" if folder else form.name
    if ".." in name.split("/"):
        raise _Withheld(400, "Invalid path")
    return name


def refused(refusal: Refusal) -> Answer:
    """A refusal over HTTP. Its reason has room for one plain line: all else becomes "Unknown"."""
    phrase = HTTPStatus(refusal.code).phrase
    if isinstance(refusal, _Withheld):
        shown, last = phrase, f"{phrase} ({refusal.words})"
    else:
        shown, last = "Unknown" if _NOT_PLAIN.search(refusal.words) else refusal.words, refusal.words
    trace = _TRACE.format(code=refusal.code, words=refusal.words, last=last)
    error = {"code": refusal.code, "message": shown, "traceback": trace}
    return _json({"error": error}, refusal.code)


def _json(body: Any, status: int = 200, **headers: str) -> Answer:
    kind = {"content-type": "application/json; charset=UTF-8", SIMULATED_HEADER: "printer-farm"}
    return Answer(status, {**kind, **headers}, msgspec.json.encode(body))
