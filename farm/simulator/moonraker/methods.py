"""What can be asked of Moonraker, by its names over the socket; HTTP's paths are the same with slashes."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

from farm.simulator.faults import Swallowed
from farm.simulator.host import Json
from farm.simulator.moonraker.klippy import STOPPED_BY_WEBHOOKS, Refusal, Reply, State
from farm.simulator.moonraker.objects import OBJECTS, exists

VERSION = "0.11.0"
API_VERSION = [1, 5, 0]
COMPONENTS = [
    "secrets",
    "template",
    "klippy_connection",
    "jsonrpc",
    "internal_transport",
    "application",
    "websockets",
    "dbus_manager",
    "database",
    "file_manager",
    "authorization",
    "klippy_apis",
    "shell_command",
    "machine",
    "data_store",
    "proc_stats",
    "job_state",
    "job_queue",
    "history",
    "http_client",
    "announcements",
    "webcam",
    "extensions",
    "octoprint_compat",
]
_CLIENT_TYPES = ("web", "mobile", "desktop", "display", "bot", "agent", "other")


class _Later:
    """Says that the reply comes another time."""


LATER: Final = _Later()


class Caller(Protocol):
    """A client at the socket."""

    uid: int
    identified: bool
    authorised: bool

    def watch(self, wanted: Mapping[str, list[str] | None], seen: Json, now: float) -> None:
        """From now on it is told what changes of these objects, which were last seen so."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """One call. host: a MoonrakerHost. caller: None over HTTP. reply: for what is answered LATER."""

    host: Any
    params: Json
    now: float
    reply: Reply
    caller: Caller | None = None

    def text(self, name: str, default: str | None = None) -> str:
        """A parameter. Raises Refusal where it is missing."""
        found = self.params.get(name, default)
        if found is None:
            raise Refusal(400, f"No data for argument: {name}")
        return str(found)

    def number(self, name: str) -> float | None:
        found = self.params.get(name)
        try:
            number = None if found is None else float(found)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if number is not None and not math.isfinite(number):
            raise Refusal(400, f"Unable to convert argument [{name}] to <class 'float'>: value={found}")
        return number


_Do: TypeAlias = Callable[[Call], Any]


@dataclass(frozen=True, slots=True)
class Method:
    """One of them.

    do: answers its result, or LATER. verbs: HTTP's. open: also to strangers. through_klippy: it needs Klippy.
    klippys_own: only Klippy makes it known.
    """

    do: _Do
    verbs: tuple[str, ...] = ("GET",)
    open: bool = False
    through_klippy: bool = False
    klippys_own: bool = False


def perform(name: str, call: Call, authorised: bool) -> None:
    """Does what is asked, and replies. Raises Refusal, and replies with one where it turns out later."""
    method = METHODS.get(name)
    if method is None or (method.klippys_own and not call.host.known):
        raise Refusal(404, "Not Found")
    if not (authorised or method.open):
        raise Refusal(401, "Unauthorized")
    call.host.tick(call.now)
    if method.through_klippy:
        call.host.must_have_klippy()
    result = method.do(call)
    if result is not LATER:
        call.reply(result)


def meant(name: str, params: Json) -> frozenset[Swallowed]:
    """What a call is about, for the fault that swallows answers."""
    method = METHODS.get(name)
    found = {
        Swallowed.POST: method is not None and "POST" in method.verbs and name not in _ONLY_LOOKS,
        Swallowed.START: name == "printer.print.start" or "SDCARD_PRINT_FILE" in str(params.get("script")),
        Swallowed.COPY: name == "server.files.copy",
        Swallowed.DELETE: name == "server.files.delete_file",
    }
    return frozenset(what for what, is_so in found.items() if is_so)


# -- Moonraker itself ----------------------------------------------------------------------------


def _server_info(call: Call) -> Json:
    klippy = call.host.klippy
    return {
        "klippy_connected": klippy.state is not State.DISCONNECTED,
        "klippy_state": str(klippy.state),
        "components": COMPONENTS,
        "failed_components": [],
        "registered_directories": ["config", "logs", "gcodes"],
        "warnings": [],
        "websocket_count": len(call.host.listeners),
        "moonraker_version": VERSION,
        "missing_klippy_requirements": [],
        "api_version": API_VERSION,
        "api_version_string": ".".join(map(str, API_VERSION)),
    }


def _access_info(call: Call) -> Json:
    return {
        "default_source": "moonraker",
        "available_sources": ["moonraker"],
        "login_required": False,
        "trusted": False,
    }


def _api_key(call: Call) -> str:
    return str(call.host.api_key)


def _one_shot(call: Call) -> str:
    token = secrets.token_hex(16)
    call.host.one_shots.add(token)
    return token


def _identify(call: Call) -> Json:
    caller = _at_the_socket(call)
    if caller.identified:
        raise Refusal(400, "Connection already identified")
    for name in ("client_name", "version", "type", "url"):
        call.text(name)
    key = call.params.get("api_key")
    if key is not None:
        caller.authorised = secrets.compare_digest(str(key).encode(), call.host.api_key.encode())
    if not caller.authorised:
        raise Refusal(401, "Unauthorized")
    if call.text("type").lower() not in _CLIENT_TYPES:
        raise Refusal(400, f"Invalid Client Type: {call.text('type').lower()}")
    caller.identified = True
    return {"connection_id": caller.uid}


def _at_the_socket(call: Call) -> Caller:
    if call.caller is None:
        raise Refusal(400, "No connection associated with the request")
    return call.caller


def _socket_id(call: Call) -> Json:
    return {"websocket_id": _at_the_socket(call).uid}


# -- the printer ---------------------------------------------------------------------------------


def _printer_info(call: Call) -> Json:
    klippy = call.host.klippy
    return {
        "state": str(klippy.state),
        "state_message": klippy.message,
        "hostname": "simulated",
        "klipper_path": "/home/farm/klipper",
        "python_path": "/home/farm/klippy-env/bin/python",
        "process_id": 1,
        "user_id": 1000,
        "group_id": 1000,
        "log_file": "/home/farm/printer_data/logs/klippy.log",
        "config_file": "/home/farm/printer_data/config/printer.cfg",
        "software_version": "v0.12.0-simulated",
        "cpu_info": "2 core simulated",
        "app": "Klipper",
    }


def _list_objects(call: Call) -> Json:
    return {"objects": [name for name in OBJECTS if exists(call.host, name)]}


def _wanted(call: Call) -> dict[str, list[str] | None]:
    objects = call.params.get("objects")
    if not isinstance(objects, dict):
        raise Refusal(400, "Missing Argument [objects]" if objects is None else "Invalid argument 'objects'")
    for fields in objects.values():
        if fields is not None and not (
            isinstance(fields, list) and all(isinstance(key, str) for key in fields)
        ):
            raise Refusal(400, "Invalid argument")
    return objects


def _query(call: Call) -> Any:
    wanted, host = _wanted(call), call.host
    host.on_tick(call.now, call.reply, lambda at: {"eventtime": at, "status": host.look(wanted, at)})
    return LATER


def _subscribe(call: Call) -> Any:
    wanted, host, caller = _wanted(call), call.host, _at_the_socket(call)

    def watch(at: float) -> Json:
        seen = host.look(wanted, at)
        caller.watch(wanted, seen, at)
        return {"eventtime": at, "status": seen}

    host.on_tick(call.now, call.reply, watch)
    return LATER


def _gcode(call: Call) -> Any:
    call.host.run(call.text("script"), call.now, call.reply)
    call.host.counted.commands["gcode"] += 1
    return LATER


def _print(call: Call) -> Any:
    call.host.run(f'SDCARD_PRINT_FILE FILENAME="{call.text("filename")}"', call.now, call.reply)
    return LATER


def _tell(command: str, script: str) -> _Do:
    def do(call: Call) -> Any:
        call.host.run(script, call.now, call.reply)
        call.host.counted.commands[command] += 1
        return LATER

    return do


def _restart(call: Call) -> str:
    call.host.restart_klippy(call.now)
    call.host.counted.commands["restart"] += 1
    return "ok"


def _stop(call: Call) -> str:
    call.host.stop_klippy(STOPPED_BY_WEBHOOKS, call.now)
    call.host.counted.commands["emergency_stop"] += 1
    call.host.counted.stopped_at = call.host.wall(call.now)
    return "ok"


# -- files ---------------------------------------------------------------------------------------


def _list_files(call: Call) -> list[Json]:
    if call.text("root", "gcodes") != "gcodes":
        return []
    files = sorted(call.host.files.values(), key=lambda file: str(file.name))
    return [
        {"path": file.name, "modified": file.date, "size": file.size, "permissions": "rw"} for file in files
    ]


def _metadata(call: Call) -> Json:
    name = call.text("filename")
    file = call.host.files.get(name)
    if file is None:
        raise Refusal(404, f"Metadata not available for <{name}>")
    last = {"print_start_time": file.print_start, "job_id": file.job_id}
    return {**call.host.metadata(file), **last, "filename": name}


def _place(path: str) -> str:
    """The name below the folder for G-code. Raises Refusal for another folder, or a way out of it."""
    root, _, name = path.strip("/").partition("/")
    if not name:
        raise Refusal(400, f"Invalid path: {path}")
    if root != "gcodes":
        raise Refusal(400, f"Invalid root path ({root})")
    if ".." in name.split("/"):
        raise Refusal(400, f"Invalid path request, '{path}'' is outside root '{root}'")
    return name


def _copy(call: Call) -> Json:
    return _put(call, call.host.copy)


def _move(call: Call) -> Json:
    return _put(call, call.host.move)


def _put(call: Call, put: Callable[..., Json]) -> Json:
    host = call.host
    source, name = _place(call.text("source")), _place(call.text("dest"))
    if source not in host.files:
        raise Refusal(400, f"File {host.root}/{source} does not exist")
    if host.in_use(name) or (put == host.move and host.in_use(source)):
        raise Refusal(403, "File currently in use")
    return put(host.files[source], name, call.now)


def _delete(call: Call) -> Json:
    name = _place(call.text("path"))
    file = call.host.files.get(name)
    if file is None:
        raise Refusal(400, f"Invalid file path: gcodes/{name}")
    if call.host.in_use(name):
        raise Refusal(403, "File currently in use")
    call.host.counted.commands["delete"] += 1
    return dict(call.host.remove(file, call.now))


# -- history -------------------------------------------------------------------------------------


def _history(call: Call) -> Json:
    limit, start = call.number("limit"), call.number("start")
    order = call.text("order", "desc").lower()
    if order not in ("asc", "desc"):
        raise Refusal(400, f"Invalid `order` value: {order.upper()}")
    jobs = call.host.history.listed(
        50 if limit is None else int(limit),
        int(start or 0),
        call.number("since"),
        call.number("before"),
        order == "asc",
    )
    return {"count": len(jobs), "jobs": [_entry(call, job) for job in jobs]}


def _entry(call: Call, job: Json) -> Json:
    return {**job, "exists": job["filename"] in call.host.files}


def _job(call: Call) -> Json:
    uid = call.text("uid")
    job = call.host.history.one(uid)
    if job is None:
        raise Refusal(404, f"Invalid job uid: {uid}")
    return {"job": _entry(call, job)}


def _delete_job(call: Call) -> Json:
    history = call.host.history
    gone = [job["job_id"] for job in history.listed(0)] if call.params.get("all") else [call.text("uid")]
    history.forget(set(gone))
    return {"deleted_jobs": gone}


def _totals(call: Call) -> Json:
    return {"job_totals": call.host.history.totals(), "auxiliary_totals": []}


_BOTH = ("GET", "POST")


def _klippys(do: _Do, verbs: tuple[str, ...] = _BOTH) -> Method:
    return Method(do, verbs, through_klippy=True, klippys_own=True)


def _command(do: _Do) -> Method:
    """Moonraker's own name for some G-code."""
    return Method(do, ("POST",), through_klippy=True)


METHODS: Mapping[str, Method] = {
    "server.info": Method(_server_info),
    "server.connection.identify": Method(_identify, (), open=True),
    "server.websocket.id": Method(_socket_id, ()),
    "access.info": Method(_access_info, open=True),
    "access.api_key": Method(_api_key),
    "access.get_api_key": Method(_api_key, ()),
    "access.oneshot_token": Method(_one_shot),
    "printer.info": _klippys(_printer_info),
    "printer.objects.list": _klippys(_list_objects),
    "printer.objects.query": _klippys(_query),
    "printer.objects.subscribe": _klippys(_subscribe),
    "printer.gcode.script": _klippys(_gcode),
    "printer.print.start": _command(_print),
    "printer.print.pause": _command(_tell("pause", "PAUSE")),
    "printer.print.resume": _command(_tell("resume", "RESUME")),
    "printer.print.cancel": _command(_tell("cancel", "CANCEL_PRINT")),
    "printer.restart": _command(_restart),
    "printer.firmware_restart": _command(_restart),
    "printer.emergency_stop": _klippys(_stop, ("POST",)),
    "server.files.list": Method(_list_files),
    "server.files.metadata": Method(_metadata),
    "server.files.copy": Method(_copy, ("POST",)),
    "server.files.move": Method(_move, ("POST",)),
    "server.files.delete_file": Method(_delete, ("DELETE",)),
    "server.history.list": Method(_history),
    "server.history.job": Method(_job),
    "server.history.delete_job": Method(_delete_job, ("DELETE",)),
    "server.history.totals": Method(_totals),
}

_ONLY_LOOKS = {"printer.info", "printer.objects.list", "printer.objects.query", "printer.objects.subscribe"}
