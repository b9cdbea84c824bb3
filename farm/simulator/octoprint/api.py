"""OctoPrint's REST API over a simulated print host: a question in, an answer out."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias
from urllib.parse import quote

import msgspec

from farm.drivers.exchange import Answer
from farm.drivers.octoprint.protocol import SIMULATED_HEADER
from farm.simulator.host import Asked, Json
from farm.simulator.octoprint.host import (
    BAUDRATE,
    EXTENSIONS,
    PORT,
    USER,
    VERSION,
    PrintHost,
    StoredFile,
)

_MISSING = (
    "The requested URL was not found on the server. If you entered the URL manually please check your "
    "spelling and try again."
)
_FORBIDDEN = (
    "You don't have the permission to access the requested resource. It is either read-protected or not "
    "readable by the server."
)
_WRONG_METHOD = "The method is not allowed for the requested URL."
_NOT_JSON = "Did not attempt to load JSON data because the request Content-Type was not 'application/json'."
_BROKEN = "The browser (or proxy) sent a request that this server could not understand."
_AWAY = "Printer is not operational"
_BAUDRATES = [250000, 230400, 115200, 57600, 38400, 19200, 9600]
_DISK = {"free": 100_000_000_000, "total": 250_000_000_000}
FILES = "/api/files/local"
_TRUE = ("true", "yes", "y", "1", "on")


class _Refusal(Exception):
    """Ends a request with a status and OctoPrint's words."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.answer = _json({"error": words}, status)


STARTING = Answer(404, {"content-type": "text/plain"}, b"404 Not Found")
"""What a stand-in answers in OctoPrint's place while it starts."""


def authorised(api_key: str, headers: Mapping[str, str]) -> bool:
    """Whether a request carries the key."""
    given = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
    return secrets.compare_digest(given.encode(), api_key.encode())


def answer(host: PrintHost, question: Asked, sessions: set[str], now: float) -> Answer:
    """What OctoPrint answers, and does. sessions: the logins made so far, for the push socket."""
    host.counted.requests += 1
    host.tick(now)
    if not authorised(host.api_key, question.headers):
        if question.method in ("GET", "HEAD"):
            return _json({"error": _FORBIDDEN}, 403)
        return _json({"error": "CSRF validation failed"}, 400)  # a browser's request, it believes
    call = _Call(host, question, sessions, now)
    try:
        return _route(question)(call)
    except _Refusal as refusal:
        return refusal.answer


@dataclass(frozen=True, slots=True)
class _Call:
    host: PrintHost
    asked: Asked
    sessions: set[str]
    now: float

    def command(self, *known: str) -> tuple[str, Json]:
        """The command in the body, and the body. Raises _Refusal unless it is one of `known`."""
        body = self.json()
        command = body.get("command")
        if command not in known:
            raise _Refusal(400, "command is invalid")
        return command, body

    def json(self) -> Json:
        """The body; empty where it is no object."""
        if self.asked.headers.get("content-type", "").split(";")[0].strip() != "application/json":
            raise _Refusal(415, _NOT_JSON)
        try:
            body = msgspec.json.decode(self.asked.body)
        except msgspec.DecodeError:
            raise _Refusal(400, _BROKEN) from None
        return body if isinstance(body, dict) else {}

    def must_be_operational(self) -> None:
        if not self.host.operational:
            raise _Refusal(409, _AWAY)

    def file(self) -> StoredFile:
        found = self.host.files.get(self.asked.path.removeprefix(f"{FILES}/"))
        if found is None:
            raise _Refusal(404, _MISSING)
        return found

    def url(self, path: str) -> str:
        """An address of ours as the client knows us."""
        return f"http://{self.asked.headers.get('host', 'localhost')}{quote(path)}"

    def accepted(self, command: str) -> Answer:
        self.host.counted.commands[command] += 1
        self.host.tick(self.now)
        return Answer(204, {"content-type": "text/plain"})


_Route: TypeAlias = Callable[[_Call], Answer]


def _route(question: Asked) -> _Route:
    path = f"{FILES}/*" if question.path.startswith(f"{FILES}/") else question.path
    methods = _ROUTES.get(path)
    if methods is None:
        raise _Refusal(404, _MISSING)
    route = methods.get("GET" if question.method == "HEAD" else question.method)
    if route is None:
        raise _Refusal(405, _WRONG_METHOD)
    return route


def _json(body: Any, status: int = 200, **headers: str) -> Answer:
    return Answer(status, {"content-type": "application/json", **headers}, msgspec.json.encode(body))


# -- the host itself -----------------------------------------------------------------------------


def _version(call: _Call) -> Answer:
    about = {"api": "0.1", "server": VERSION, "text": f"OctoPrint {VERSION}"}
    return _json(about, 200, **{SIMULATED_HEADER: "printer-farm"})


def _server(call: _Call) -> Answer:
    return _json({"version": VERSION, "safemode": None})


def _login(call: _Call) -> Answer:
    session = secrets.token_hex(32)
    call.sessions.add(session)
    about = {"name": USER, "session": session, "active": True, "admin": True, "user": True}
    more = {"apikey": call.host.api_key, "groups": ["admins"], "roles": ["user", "admin"]}
    rights = {"permissions": [], "needs": {"group": ["admins"], "role": ["admin"]}, "settings": {}}
    seen = datetime.fromtimestamp(int(call.host.wall(call.now)), UTC).isoformat()
    how = {"_is_external_client": False, "_login_mechanism": "apikey", "_credentials_seen": seen}
    return _json({**about, **more, **rights, **how})


def _connection(call: _Call) -> Answer:
    host = call.host
    open_ = host.text not in ("Offline", "Offline after error")
    current = {
        "state": host.text if open_ else "Closed",
        "port": PORT if open_ else None,
        "baudrate": BAUDRATE if open_ else None,
        "printerProfile": "_default",
    }
    options = {
        "ports": [PORT],
        "baudrates": _BAUDRATES,
        "printerProfiles": [{"id": "_default", "name": "Default"}],
        "portPreference": PORT,
        "baudratePreference": BAUDRATE,
        "printerProfilePreference": "_default",
    }
    return _json({"current": current, "options": options})


def _connect(call: _Call) -> Answer:
    command, body = call.command("connect", "disconnect", "fake_ack")
    if command == "connect":
        if body.get("port", PORT) not in (PORT, "AUTO"):
            raise _Refusal(400, "port is invalid")
        if body.get("baudrate", BAUDRATE) not in (*_BAUDRATES, 0):
            raise _Refusal(400, "baudrate is invalid")
        call.host.connect(call.now)
    elif command == "disconnect":
        call.host.disconnect(call.now)
    return call.accepted(command)


# -- the printer ---------------------------------------------------------------------------------


def _printer(call: _Call) -> Answer:
    call.must_be_operational()
    host, query = call.host, call.asked.query
    left_out = query.get("exclude", "").split(",")
    body: Json = {}
    if "temperature" not in left_out:
        body["temperature"] = _temperatures(host)
        if query.get("history") in _TRUE:
            limit = int(query["limit"]) if query.get("limit", "").isdecimal() else len(host.samples)
            body["temperature"]["history"] = [_without_chamber(sample) for sample in host.samples][-limit:]
    if "sd" not in left_out:
        body["sd"] = {"ready": True}
    if "state" not in left_out:
        body["state"] = host.state()
    return _json(body)


def _temperatures(host: PrintHost) -> Json:
    """The last sample; nothing where there is none, as in the first seconds."""
    latest = _without_chamber(host.samples[-1]) if host.samples else {}
    return {name: {**heater, "offset": 0} for name, heater in latest.items() if name != "time"}


def _without_chamber(sample: Json) -> Json:
    return {name: value for name, value in sample.items() if name != "chamber"}


def _one_heater(name: str) -> _Route:
    def show(call: _Call) -> Answer:
        call.must_be_operational()
        heaters = _temperatures(call.host)
        return _json({name: heaters[name]} if name in heaters else {})

    return show


def _chamber(call: _Call) -> Answer:
    call.must_be_operational()
    raise _Refusal(409, "Printer does not have a heated chamber")


def _tool(call: _Call) -> Answer:
    call.must_be_operational()
    command, body = call.command("select", "target", "offset", "extrude", "flowrate")
    targets = body.get("targets")
    if command == "target" and isinstance(targets, dict):
        if not all(re.fullmatch(r"tool\d+", name) for name in targets):
            raise _Refusal(400, "targets contains invalid tool")
        if not all(_is_number(target) for target in targets.values()):
            raise _Refusal(400, "targets contains invalid value")
        for name, target in targets.items():
            call.host.machine.order(f"M104 T{name.removeprefix('tool')} S{target}".encode(), call.now)
    return call.accepted(f"tool {command}")


def _bed(call: _Call) -> Answer:
    call.must_be_operational()
    command, body = call.command("target", "offset")
    if command == "target":
        if not _is_number(body.get("target")):
            raise _Refusal(400, "target is invalid")
        call.host.machine.order(f"M140 S{body['target']}".encode(), call.now)
    return call.accepted(f"bed {command}")


def _printhead(call: _Call) -> Answer:
    if not call.host.operational or call.host.printing:
        raise _Refusal(409, "Printer is not operational or currently printing")
    command, body = call.command("home", "jog", "feedrate")
    machine, now = call.host.machine, call.now
    if command == "home":
        axes = body.get("axes")
        if not isinstance(axes, list) or not all(axis in ("x", "y", "z") for axis in axes):
            raise _Refusal(400, "axis is invalid")
        machine.order(b"G28 " + " ".join(f"{axis.upper()}0" for axis in axes).encode(), now)
    elif command == "jog":
        ways = {axis: body[axis] for axis in ("x", "y", "z") if axis in body}
        if not all(_is_number(way) for way in ways.values()):
            raise _Refusal(400, "axis value is invalid")
        words = " ".join(f"{axis.upper()}{way}" for axis, way in ways.items())
        mode = "G90" if body.get("absolute") is True else "G91"
        for line in (mode, f"G1 {words} F6000", "G90"):
            machine.order(line.encode(), now)
    return call.accepted(f"printhead {command}")


def _gcode(call: _Call) -> Answer:
    call.must_be_operational()
    body = call.json()
    lines = body.get("commands", [body["command"]] if "command" in body else None)
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise _Refusal(400, "Need one of 'command', 'commands' or 'script'")
    for line in lines:
        if line.startswith("!!DEBUG:"):
            _debug(call.host, line.removeprefix("!!DEBUG:").strip(), call.now)
        else:
            call.host.machine.order(line.encode(), call.now)
    return call.accepted("gcode")


def _debug(host: PrintHost, fault: str, now: float) -> None:
    """The faults of OctoPrint's own virtual printer that we have too; others do nothing."""
    match fault:
        case "go_awol":
            host.go_awol(now)
        case "drop_connection":
            host.lose_line(now)
        case "trigger_fatal_error_marlin":
            host.break_down(now)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


# -- the job -------------------------------------------------------------------------------------


def _job(call: _Call) -> Answer:
    host = call.host
    body = {"job": host.job(), "progress": host.progress(call.now), "state": host.text}
    return _json({**body, "error": host.error} if host.error else body)


def _control_job(call: _Call) -> Answer:
    call.must_be_operational()
    command, body = call.command("start", "restart", "pause", "cancel")
    host, now = call.host, call.now
    doing = host.machine.activity
    if command == "start":
        if host.printing:
            raise _Refusal(409, "Printer already has an active print job, did you mean 'restart'?")
        host.start(now)
    elif command == "restart":
        if doing != "paused":
            raise _Refusal(409, "Printer does not have an active print job or is not paused")
        host.restart(now)
    elif not host.printing:
        words = f"Printer is neither printing nor paused, '{command}' command cannot be performed"
        raise _Refusal(409, words)
    elif command == "cancel":
        host.cancel(now)
    else:
        command = _pause(call, body.get("action", "toggle"))
    return call.accepted(command)


def _pause(call: _Call, action: object) -> str:
    host = call.host
    if action == "toggle":
        action = "resume" if host.machine.activity == "paused" else "pause"
    if action == "pause":
        host.pause(call.now)
    elif action == "resume":
        host.resume(call.now)
    else:
        raise _Refusal(400, "Unknown action")
    return str(action)


# -- files ---------------------------------------------------------------------------------------


def _list_files(call: _Call) -> Answer:
    files = sorted(call.host.files.values(), key=lambda file: file.name)
    return _json({"files": [_record(call, file) for file in files], **_DISK})


def _show_file(call: _Call) -> Answer:
    return _json(_record(call, call.file()))


def _record(call: _Call, file: StoredFile) -> Json:
    record: Json = {
        "name": file.name,
        "display": file.name,
        "path": file.name,
        "origin": "local",
        "type": "machinecode",
        "typePath": ["machinecode", "gcode"],
        "size": file.size,
        "date": file.date,
        "hash": file.digest,
        "user": USER,
        "refs": _refs(call, file.name),
    }
    if file.last is not None:
        times = file.print_times
        record["prints"] = {"success": file.successes, "failure": file.failures, "last": file.last}
        record["statistics"] = {
            "averagePrintTime": {"_default": sum(times) / len(times)} if times else {},
            "lastPrintTime": {"_default": times[-1]} if times else {},
        }
    return record


def _refs(call: _Call, name: str) -> dict[str, str]:
    return {
        "resource": call.url(f"{FILES}/{name}"),
        "download": call.url(f"/downloads/files/local/{name}"),
    }


def _upload(call: _Call) -> Answer:
    form, host = call.asked.form, call.host
    if form is None or not form.name:
        raise _Refusal(400, "No file to upload and no folder to create")
    name = form.name
    to_select = form.fields.get("select") in _TRUE
    to_print = form.fields.get("print") in _TRUE
    if host.in_use(name):
        raise _Refusal(409, "Trying to overwrite file that is currently being printed")
    if not name.lower().endswith(EXTENSIONS):
        raise _Refusal(415, "Could not upload file, invalid type")
    free = host.operational and not host.printing  # else it is stored, and nobody says why no print began
    file = host.store(name, form.keep(), form.size, form.digest, call.now)
    if free and (to_select or to_print):
        host.select(file)
    if free and to_print:
        host.start(call.now)
    host.uploaded(name, (to_select, to_print), (free and to_select, free and to_print))
    host.tick(call.now)
    body = {
        "done": True,
        "effectiveSelect": free and to_select,
        "effectivePrint": free and to_print,
        "files": {"local": {"name": name, "path": name, "origin": "local", "refs": _refs(call, name)}},
    }
    return _json(body, 201, location=call.url(f"{FILES}/{name}"))


def _use_file(call: _Call) -> Answer:
    file, host = call.file(), call.host
    command, body = call.command("select", "copy")
    if command == "copy":
        return _copy(call, file, body)
    if not host.operational or host.printing:
        raise _Refusal(409, "Printer is already printing, cannot select a new file")
    host.select(file)
    if body.get("print") is True:
        host.start(call.now)
    return call.accepted(command)


def _copy(call: _Call, file: StoredFile, body: Json) -> Answer:
    if "destination" not in body:
        raise _Refusal(400, "Mandatory parameters missing")
    name = body["destination"]
    if not isinstance(name, str) or ".." in name or name.startswith("/"):
        raise _Refusal(409, "Exception thrown by storage, bad folder/file name?")
    if name == "" or name in call.host.files:
        raise _Refusal(409, "File or folder does already exist")
    if "/" in name:  # it has no folders
        raise _Refusal(500, f"Could not copy {file.name} to {name}")
    if not name.lower().endswith(EXTENSIONS):
        raise _Refusal(415, f"Could not copy {file.name} to {name}, invalid type")
    call.host.copy(file, name)
    call.host.tick(call.now)
    about = {"name": file.name, "path": name, "origin": "local", "refs": _refs(call, name)}
    return _json(about, 201, location=call.url(f"{FILES}/{name}"))


def _delete(call: _Call) -> Answer:
    file = call.file()
    if call.host.in_use(file.name):
        raise _Refusal(409, "Trying to delete a file that is currently in use")
    call.host.remove(file.name)
    return call.accepted("delete")


_ROUTES: dict[str, dict[str, _Route]] = {
    "/api/version": {"GET": _version},
    "/api/server": {"GET": _server},
    "/api/login": {"POST": _login},
    "/api/connection": {"GET": _connection, "POST": _connect},
    "/api/printer": {"GET": _printer},
    "/api/printer/tool": {"GET": _one_heater("tool0"), "POST": _tool},
    "/api/printer/bed": {"GET": _one_heater("bed"), "POST": _bed},
    "/api/printer/chamber": {"GET": _chamber},
    "/api/printer/printhead": {"POST": _printhead},
    "/api/printer/command": {"POST": _gcode},
    "/api/job": {"GET": _job, "POST": _control_job},
    "/api/files": {"GET": _list_files},
    "/api/files/local": {"GET": _list_files, "POST": _upload},
    "/api/files/local/*": {"GET": _show_file, "POST": _use_file, "DELETE": _delete},
}
