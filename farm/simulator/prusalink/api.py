"""PrusaLink's HTTP API over a simulated host: a question in, an answer out."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import quote

import msgspec

from farm.drivers.exchange import Answer
from farm.drivers.octoprint.protocol import SIMULATED_HEADER
from farm.simulator.host import Asked, Json, Reply
from farm.simulator.prusalink import digest
from farm.simulator.prusalink.host import FOLDER, PrusaLinkHost, State, StoredFile

VERSION = "0.8.1"
USER = "maker"
FILES = "/api/v1/files"
_JOB = "/api/v1/job"
_KINDS = ("application/octet-stream", "text/x.gcode")
_SPACE = {"free_space": 82_522_857_472, "total_space": 270_553_174_016}
_EMPTY = "text/html; charset=utf-8"
_OK = {"ok": True, "message": "OK"}


class Refusal(Exception):
    """Ends a request. id: of the page that explains it; "" where there is none."""

    def __init__(self, status: int, title: str, message: str, id: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.title = title
        self.message = message
        self.id = id


def _not_found() -> Refusal:
    return Refusal(404, "Not Found", "Resource you want not found.", "not-found")


def _no_file() -> Refusal:
    return Refusal(404, "File Not Found", "File you want was not found.", "not-found")


def _no_state_to_print() -> Refusal:
    words = ("Not in state to print", "Printer is not in state to print.", "not-state-to-print")
    return Refusal(409, *words)


def _not_printing() -> Refusal:
    words = "Operation you want can only be done when printer is printing."
    return Refusal(409, "Printer Is Not Printing", words)


STARTING = Answer(
    503,
    {"content-type": "application/json; charset=utf-8"},
    msgspec.json.encode(
        {
            "title": "Printer Unavailable.",
            "message": "PrusaLink not finished initializing or Printer not connected.",
        }
    ),
)
"""What it answers while it looks for its printer."""


@dataclass(frozen=True, slots=True)
class _Call:
    host: PrusaLinkHost
    asked: Asked
    now: float
    reply: Reply

    def file(self) -> tuple[str, str]:
        """The storage and the name below it that the path names. Raises Refusal for an unknown storage."""
        storage, _, name = self.asked.path.removeprefix(f"{FILES}/").partition("/")
        if storage not in ("local", "sdcard"):
            raise Refusal(404, "Location Not Found", "Location not found, use local.", "location-not-found")
        return storage, name

    def writable(self) -> str:
        """The name of a file that may be changed."""
        storage, name = self.file()
        if storage != "local":
            raise Refusal(409, "SD Card Read Only", "SD Card storage is read only.", "entity-too-large")
        return name

    def wishes(self, header: str) -> bool:
        return self.asked.headers.get(header) == "?1"

    def accepted(self, command: str) -> None:
        self.host.counted.commands[command] += 1
        self.host.tick(self.now)
        self.reply(_empty(204))


_Route: TypeAlias = Callable[[_Call], None]


def answer(host: PrusaLinkHost, question: Asked, nonce: str, now: float, reply: Reply) -> None:
    """What PrusaLink answers, and does. nonce: that of its present challenge."""
    host.counted.requests += 1
    host.tick(now)
    stranger = _stranger(host, question, nonce)
    if stranger is not None:
        reply(stranger)
        return
    try:
        _route(question)(_Call(host, question, now, reply))
    except Refusal as refusal:
        reply(_refused(refusal, question))


def _stranger(host: PrusaLinkHost, question: Asked, nonce: str) -> Answer | None:
    """What somebody hears who may not; None for who may."""
    key = question.headers.get("x-api-key")
    if key is not None:
        if secrets.compare_digest(key.encode(), host.api_key.encode()):
            return None
        return Answer(403, {"content-type": _EMPTY}, b"Bad X-Api-Key.")
    proof = question.headers.get("authorization", "")
    if digest.proves(proof, USER, host.api_key, nonce, question.method, question.path):
        return None
    page = b"<!DOCTYPE html>\n<html>\n <head>\n  <title>401 - Unauthorized</title>\n </head>\n</html>\n"
    return Answer(401, {"content-type": _EMPTY, "www-authenticate": digest.challenge(nonce)}, page)


def _route(question: Asked) -> _Route:
    verb, path = "GET" if question.method == "HEAD" else question.method, question.path
    if path.startswith(f"{FILES}/"):
        found = _ON_FILES.get(verb)
    elif path.startswith(f"{_JOB}/"):
        found = {"PUT": _command_job, "DELETE": _cancel}.get(verb)
    else:
        found = _LOOKS.get(path) if verb == "GET" else None
    if found is None:
        raise _not_found()
    return found


# -- looking -------------------------------------------------------------------------------------


def _version(call: _Call) -> None:
    call.reply(
        _json(
            {
                "api": "2.0.0",
                "server": VERSION,
                "original": "PrusaLink I3MK3",
                "text": f"PrusaLink {VERSION}",
                "firmware": "3.14.1-8237",
                "sdk": VERSION,
                "capabilities": {"upload-by-put": True},
                "hostname": "simulated",
            }
        )
    )


def _info(call: _Call) -> None:
    call.reply(
        _json(
            {
                "name": "simulated printer",
                "location": "",
                "farm_mode": False,
                "network_error_chime": False,
                "nozzle_diameter": 0.4,
                "min_extrusion_temp": 170,
                "serial": f"CZPX1234X004XC{call.host.machine.seed % 100_000:05}",
                "hostname": "connect.prusa3d.com",
                "port": 0,
            }
        )
    )


def _storage(call: _Call) -> None:
    size = sum(file.size for file in call.host.files.values())
    local = {"type": "LOCAL", "path": "/local", "available": True, **_SPACE, "read_only": False}
    local |= {"name": FOLDER, "print_files": size, "system_files": 0}
    card = {"type": "SDCARD", "path": "/sdcard", "available": False}
    call.reply(_json({"storage_list": [local, card]}))


def _status(call: _Call) -> None:
    """Readings that are not there are left out, and what a printer that moves does not tell."""
    host, machine = call.host, call.host.machine
    host.sense(call.now)
    printer: Json = {"state": str(host.state)}
    if host.readings:
        x, y, z = machine.position
        printer |= {**host.readings, "axis_z": z, "fan_hotend": 3300, "fan_print": int(5000 * machine.fan)}
        if host.state not in (State.PRINTING, State.BUSY):
            printer |= {"axis_x": x, "axis_y": y}
    if host.state is not State.BUSY:
        printer |= {"flow": 100, "speed": 100}
    printer["status_connect"] = {"ok": True, "message": "Connect isn't configured"}
    printer["status_printer"] = {"ok": False, "message": host.problem} if host.problem else _OK
    storage = {"path": "/local", "read_only": False, "free_space": _SPACE["free_space"], "name": FOLDER}
    status = {"storage": [storage, {"path": "/sdcard", "read_only": True}], "printer": printer}
    if host.job is not None:
        job = {"id": host.job.id, "progress": host.progress, "time_remaining": host.left_s}
        job["time_printing"] = int(host.job.time_s(call.now)) or None
        status["job"] = {name: value for name, value in job.items() if value is not None}
    call.reply(_json(status))


def _job(call: _Call) -> None:
    host, job = call.host, call.host.job
    if job is None:
        call.reply(_empty(204))
        return
    place = f"/{FOLDER}/{job.file.name}"
    file = {
        "name": job.file.name,
        "display_name": job.file.name,
        "path": place,
        "display_path": place,
        "size": job.file.size,
        "m_timestamp": int(job.file.date),
        **_about(job.file),
    }
    call.reply(
        _json(
            {
                "file": file,
                "id": job.id,
                "state": str(host.state),
                "progress": host.progress,
                "time_remaining": host.left_s,
                "time_printing": int(job.time_s(call.now)),
                "inaccurate_estimates": host.left_s is None,
            }
        )
    )


def _nothing(call: _Call) -> None:
    call.reply(_empty(204))


# -- the job -------------------------------------------------------------------------------------


def _number(call: _Call) -> str:
    """What follows the number of the job in the path. Raises Refusal when it is another job's."""
    number, _, rest = call.asked.path.removeprefix(f"{_JOB}/").partition("/")
    if number != str(call.host.last_job):
        words = "Given job id does not belong to current job"
        raise Refusal(404, "Not Current Job", words, "not-found")
    return rest


def _command_job(call: _Call) -> None:
    command, host = _number(call), call.host
    if command == "pause":
        if host.state is not State.PRINTING:
            raise _not_printing()
        host.pause()
    elif command == "resume":
        if host.state is not State.PAUSED:
            words = "Operation you want can only be done when printer is paused."
            raise Refusal(409, "Printer Is Not Paused", words)
        host.resume(call.now)
    else:
        raise _not_found()
    call.accepted(command)


def _cancel(call: _Call) -> None:
    _number(call)
    if call.host.state not in (State.PRINTING, State.PAUSED):
        raise _not_printing()
    call.host.cancel(call.now)
    call.accepted("cancel")


# -- files ---------------------------------------------------------------------------------------


def _show(call: _Call) -> None:
    storage, name = call.file()
    shown = call.host.shown if storage == "local" else {}
    if not name:
        children = [_record(file) for file in sorted(shown.values(), key=lambda file: file.name)]
        root = FOLDER if storage == "local" else "SD Card"
        about = {"type": "FOLDER", "name": root, "read_only": storage != "local", "display_name": root}
        call.reply(_json({**about, "children": children}))
        return
    if name not in shown:
        raise _no_file()
    call.reply(_json({**_record(shown[name]), **_about(shown[name])}))


def _record(file: StoredFile) -> Json:
    return {
        "type": "PRINT_FILE",
        "name": file.name,
        "read_only": False,
        "m_timestamp": int(file.date),
        "size": file.size,
        "display_name": file.name,
        "refs": _about(file)["refs"],
    }


def _about(file: StoredFile) -> Json:
    """What a slicer wrote into a file is not read: the farm analyses files itself."""
    download = f"/api/files/local/{FOLDER}/{quote(file.name)}/raw"
    refs = {"download": download, "icon": None, "thumbnail": None}
    return {"refs": refs, "meta": {"estimated_print_time": None}}


def _upload(call: _Call) -> None:
    name, host, form = call.writable(), call.host, call.asked.form
    kind = call.asked.headers.get("content-type", "").split(";")[0].strip()
    if kind not in _KINDS:
        words = "Only G-Code for FDM printer can be uploaded."
        raise Refusal(415, "Unsupported Media Type", words, "unsupported-media-type")
    if form is None or not form.size:
        words = "Missing Content-Length header or no content in request."
        raise Refusal(411, "Length Required", words, "length-required")
    if name in host.files and not call.wishes("overwrite"):
        raise Refusal(409, "File Already Exists", "File already exists.", "file-already-exists")
    file = host.store(name, form.keep(), form.size, form.digest, call.now)
    if not call.wishes("print-after-upload"):
        call.reply(_empty(201))
        return

    def print_it(now: float) -> None:
        if host.may_start:
            host.start(file, now)
            call.reply(_empty(201))
        else:
            call.reply(_refused(_no_state_to_print(), call.asked))

    host.when_shown(name, call.now, print_it)


def _start(call: _Call) -> None:
    _, name = call.file()
    file = call.host.shown.get(name)
    if file is None or name not in call.host.files:
        raise _no_file()
    if not call.host.may_start:
        raise _no_state_to_print()
    call.host.start(call.host.files[name], call.now)
    call.accepted("start")


def _delete(call: _Call) -> None:
    name, host = call.writable(), call.host
    if host.in_use(name):
        words = "You try to do an operation with the file, which is currently printed."
        raise Refusal(409, "File is currently printed", words, "file-currently-printed")
    if name in host.files:
        host.remove(name)
        call.accepted("delete")
    elif name in host.shown:  # it stumbles over a file that is gone before it saw that
        page = b"<!DOCTYPE html>\n<html>\n <head>\n  <title>500 - Internal Server Error</title>\n"
        call.reply(Answer(500, {"content-type": _EMPTY}, page))
    else:
        raise _no_file()


_LOOKS: dict[str, _Route] = {
    "/api/version": _version,
    "/api/v1/info": _info,
    "/api/v1/status": _status,
    "/api/v1/storage": _storage,
    "/api/v1/transfer": _nothing,
    _JOB: _job,
}
_ON_FILES: dict[str, _Route] = {"GET": _show, "PUT": _upload, "POST": _start, "DELETE": _delete}


# -- pieces --------------------------------------------------------------------------------------


def _refused(refusal: Refusal, question: Asked) -> Answer:
    """As JSON to who asks for that, else as text."""
    url = f"http://{question.headers.get('host', 'localhost')}/error/{refusal.id}" if refusal.id else ""
    if "application/json" in question.headers.get("accept", ""):
        body = {"title": refusal.title, "message": refusal.message}
        return _json({**body, "url": url} if url else body, refusal.status)
    text = f"{refusal.title}\n{refusal.message}\n" + (f"\n\nSee: {url}" if url else "")
    return Answer(refusal.status, {"content-type": "text/plain; charset=utf-8"}, text.encode())


def _json(body: Any, status: int = 200) -> Answer:
    kind = {"content-type": "application/json; charset=utf-8", SIMULATED_HEADER: "printer-farm"}
    return Answer(status, kind, msgspec.json.encode(body))


def _empty(status: int) -> Answer:
    return Answer(status, {"content-type": _EMPTY})
