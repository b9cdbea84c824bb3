"""For every route of the API a request that succeeds, with whatever has to be there before it can.

Tests walk this table instead of the routes they happen to think of. A new route stands here, or the
tests fail that hold the table against the routes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import trio

from farm.domain.job import Approval, JobState
from farm.domain.optimising import OptimisedCopy, Optimising, Proven, Savings, Size
from farm.domain.printer import Operation
from farm.domain.user import LOCAL
from farm.drivers.base import Loss
from farm.files.pictures.sizes import in_sizes
from farm.files.pictures.thumbnails import pictures
from farm.store import jobs, optimised
from tests.simulation.shop import NOON
from tests.web.api_shop import GCODE, PASSWORD, ApiShop, Request

THUMBS = Path(__file__).parents[1] / "data" / "gcode" / "ps292gui_calib20_thumbs.gcode"

Example = Callable[[ApiShop], Awaitable[Request]]

EXAMPLES: dict[str, list[Example]] = {}
"""By route, "POST /v1/jobs"."""


def example(route: str) -> Callable[[Example], Example]:
    """The function makes ready what a request to this route needs, and gives the request."""

    def add(prepare: Example) -> Example:
        EXAMPLES.setdefault(route, []).append(prepare)
        return prepare

    return add


def reads(route: str, path: str = "") -> None:
    """A route that only reads, and needs nothing to be there."""

    async def prepare(api: ApiShop) -> Request:
        await trio.lowlevel.checkpoint()
        return Request("GET", path or route.partition(" ")[2], 200)

    example(route)(prepare)


for path in (
    "/v1/health", "/v1/system", "/v1/system/actors", "/v1/auth/me", "/v1/users", "/v1/keys", "/v1/audit",
    "/v1/printers", "/v1/printer-models", "/v1/maintenance", "/v1/plates", "/v1/orders", "/v1/files",
    "/v1/jobs", "/v1/prints", "/v1/constraints", "/v1/settings", "/v1/schedule", "/v1/openapi.json",
    "/v1/docs", "/v1/statistics", "/v1/statistics.csv", "/v1/prints.csv",
):  # fmt: skip
    reads(f"GET {path}")
reads("GET /v1/discovery", "/v1/discovery?seconds=0.5")
reads("GET /v1/events", "/v1/events?wait_s=0")


# -- who is who


@example("POST /v1/setup")
async def set_up(api: ApiShop) -> Request:
    await trio.lowlevel.checkpoint()
    person = {"username": "zoe", "password": PASSWORD}
    return Request("POST", "/v1/setup", 201, {"code": api.shop.farm.setup_code, **person})


async def ann(api: ApiShop) -> dict[str, str]:
    """Somebody who can log in, and how."""
    person = {"username": api.name("ann"), "password": PASSWORD}
    await api.post("/v1/users", {**person, "role": "operator"})
    return person


@example("POST /v1/auth/login")
async def log_in(api: ApiShop) -> Request:
    return Request("POST", "/v1/auth/login", 200, await ann(api))


@example("POST /v1/auth/refresh")
async def refresh(api: ApiShop) -> Request:
    tokens = await api.post("/v1/auth/login", await ann(api))
    return Request("POST", "/v1/auth/refresh", 200, {"refresh_token": tokens["refresh_token"]})


@example("POST /v1/auth/logout")
async def log_out(api: ApiShop) -> Request:
    tokens = await api.post("/v1/auth/login", await ann(api))
    return Request("POST", "/v1/auth/logout", 204, {"refresh_token": tokens["refresh_token"]})


@example("POST /v1/auth/password")
async def change_password(api: ApiShop) -> Request:
    person = await ann(api)
    tokens = await api.post("/v1/auth/login", person)
    wish = {"current_password": person["password"], "password": "another long one"}
    mine = {"Authorization": f"Bearer {tokens['access_token']}"}
    return Request("POST", "/v1/auth/password", 200, wish, headers=mine)


async def user(api: ApiShop) -> str:
    wish = {"username": api.name("user"), "password": PASSWORD, "role": "viewer"}
    return (await api.post("/v1/users", wish))["id"]


@example("POST /v1/users")
async def add_user(api: ApiShop) -> Request:
    await trio.lowlevel.checkpoint()
    wish = {"username": api.name("user"), "password": PASSWORD, "role": "operator", "printers": ["mk4"]}
    return Request("POST", "/v1/users", 201, wish)


@example("GET /v1/users/<user>")
async def show_user(api: ApiShop) -> Request:
    return Request("GET", f"/v1/users/{await user(api)}", 200)


@example("PATCH /v1/users/<user>")
async def change_user(api: ApiShop) -> Request:
    return Request("PATCH", f"/v1/users/{await user(api)}", 200, {"role": "operator", "enabled": False})


@example("PATCH /v1/users/<user>")
async def reset_password(api: ApiShop) -> Request:
    return Request("PATCH", f"/v1/users/{await user(api)}", 200, {"password": "another long one"})


@example("POST /v1/keys")
async def add_key(api: ApiShop) -> Request:
    await trio.lowlevel.checkpoint()
    return Request("POST", "/v1/keys", 201, {"name": "slicer", "scopes": ["upload", "queue"]})


@example("DELETE /v1/keys/<key>")
async def revoke_key(api: ApiShop) -> Request:
    key = await api.post("/v1/keys", {"name": "slicer", "scopes": ["read"]})
    return Request("DELETE", f"/v1/keys/{key['id']}", 204)


# -- printers


@example("GET /v1/printers/<printer>")
async def show_printer(api: ApiShop) -> Request:
    return Request("GET", f"/v1/printers/{await api.printing()}", 200)


@example("POST /v1/printers")
async def add_printer(api: ApiShop) -> Request:
    name = await api.printer()  # its machine is there for the other one too
    new = api.name("new")
    api.shop.machines[new] = api.shop.machines[name]
    connection = {"kind": "octoprint", "url": "http://10.0.0.7", "api_key": "hush"}
    return Request("POST", "/v1/printers", 201, {"id": new, "name": "New", "connection": connection})


@example("POST /v1/printers/import")
async def import_printers(api: ApiShop) -> Request:
    name = await api.printer()
    new = api.name("new")
    api.shop.machines[new] = api.shop.machines[name]
    table = f"id,name,url,kind,api_key,tags\n{new},Left MK4,http://10.0.0.8,octoprint,hush,row-a|pla\n"
    return Request("POST", "/v1/printers/import", 200, {"list": table})


@example("POST /v1/printers/probe")
async def probe_printer(api: ApiShop) -> Request:
    api.shop.machines["probe"] = api.shop.machines[await api.printer()]
    return Request("POST", "/v1/printers/probe", 200, {"url": "http://10.0.0.7"})


@example("GET /v1/printers/<printer>/durations")
async def show_durations(api: ApiShop) -> Request:
    return Request("GET", f"/v1/printers/{await api.printing()}/durations", 200)


@example("GET /v1/printers/<printer>/history")
async def show_history(api: ApiShop) -> Request:
    return Request("GET", f"/v1/printers/{await api.printing()}/history", 200)


@example("GET /v1/printers/<printer>/history/statuses")
async def list_statuses(api: ApiShop) -> Request:
    printer = await api.printing()
    await trio.sleep(10)
    return Request("GET", f"/v1/printers/{printer}/history/statuses?from=2026-01-01T00:00:00Z", 200)


@example("GET /v1/printers/<printer>/history/errors")
async def list_errors(api: ApiShop) -> Request:
    printer = await asking_for_attention(api)
    await trio.sleep(10)
    await api.post("/v1/emergency-stop", {"printers": [printer]})
    await trio.sleep(10)
    return Request("GET", f"/v1/printers/{printer}/history/errors", 200)


@example("GET /v1/printers/<printer>/telemetry")
async def show_telemetry(api: ApiShop) -> Request:
    printer = await api.printing()
    await trio.sleep(10)
    return Request("GET", f"/v1/printers/{printer}/telemetry?step=15", 200)


@example("GET /v1/printers/<printer>/telemetry.csv")
async def send_telemetry(api: ApiShop) -> Request:
    printer = await api.printing()
    await trio.sleep(10)
    return Request("GET", f"/v1/printers/{printer}/telemetry.csv", 200)


@example("GET /v1/printers/<printer>/console")
async def show_console(api: ApiShop) -> Request:
    printer = await api.printer()
    await api.command(printer, "gcode", lines=["M115"])
    return Request("GET", f"/v1/printers/{printer}/console", 200)


@example("GET /v1/printers/<printer>/flight-recorder")
async def show_flight(api: ApiShop) -> Request:
    return Request("GET", f"/v1/printers/{await api.printer()}/flight-recorder", 200)


@example("PATCH /v1/printers/<printer>")
async def change_printer(api: ApiShop) -> Request:
    return Request("PATCH", f"/v1/printers/{await api.printing()}", 200, {"name": "Left", "tags": ["row-a"]})


@example("DELETE /v1/printers/<printer>")
async def remove_printer(api: ApiShop) -> Request:
    return Request("DELETE", f"/v1/printers/{await api.printer()}", 204)


@example("DELETE /v1/printers/<printer>")
async def remove_printer_by_force(api: ApiShop) -> Request:
    return Request("DELETE", f"/v1/printers/{await api.printing()}?force=true", 204)


def commands(name: str, to: Callable[[ApiShop], Awaitable[str]], **fields: object) -> None:
    """A command, to a printer in the state that it needs."""

    async def prepare(api: ApiShop) -> Request:
        return Request("POST", f"/v1/printers/{await to(api)}/commands", 202, {"command": name, **fields})

    prepare.__name__ = name
    example("POST /v1/printers/<printer>/commands")(prepare)


async def uncleared(api: ApiShop) -> str:
    return await api.printer(clear=False)


async def paused(api: ApiShop) -> str:
    name = await api.printing()
    await api.command(name, "pause")
    return name


async def in_maintenance(api: ApiShop) -> str:
    name = await api.printer()
    await api.command(name, "maintenance_on")
    return name


async def stopped(api: ApiShop) -> str:
    name = await api.printer()
    await api.post("/v1/emergency-stop", {"printers": [name]})
    await trio.sleep(5)
    api.shop.promises.emergencies.discard(name)  # a person will clear it
    return name


async def asking_for_attention(api: ApiShop) -> str:
    name = await api.printer()
    api.shop.machines[name].lose(Loss.FIRMWARE_ERROR, "MINTEMP")
    await api.comes_to(name, Operation.ATTENTION)
    return name


async def doubtful(api: ApiShop) -> str:
    """Its nozzle was cold for a while, and is no more."""
    name = await api.printer()
    api.shop.machines[name].print_s = 6000.0
    await api.shop.add_job(await api.file(), required_printers=frozenset({name}))
    await trio.sleep(120)
    api.shop.machines[name].nozzle = lambda: 203.0
    await trio.sleep(15)
    api.shop.machines[name].nozzle = lambda: 210.0
    await trio.sleep(60)
    assert (await api.get(f"/v1/printers/{name}"))["status"]["doubt"]
    return name


commands("pause", ApiShop.printing, reason="look")
commands("resume", paused)
commands("cancel", ApiShop.printing)
commands("gcode", ApiShop.printer, lines=["M115"])
commands("set_temperature", ApiShop.printer, heater="bed", target_degc=60)
commands("home", ApiShop.printer)
commands("jog", ApiShop.printer, x=10)
commands("connect", ApiShop.printer)
commands("disconnect", ApiShop.printer)
commands("maintenance_on", ApiShop.printer, reason="new nozzle")
commands("maintenance_off", in_maintenance)
commands("clear_attention", asking_for_attention)
commands("clear_doubt", doubtful)
commands("clear_emergency", stopped)
commands("plate_cleared", uncleared)
commands("plate_undo", ApiShop.printer)


@example("POST /v1/emergency-stop")
async def stop(api: ApiShop) -> Request:
    return Request("POST", "/v1/emergency-stop", 202, {"printers": [await api.printing()]})


@example("POST /v1/plates/clear")
async def clear_plates(api: ApiShop) -> Request:
    printers = [await uncleared(api), await uncleared(api)]
    return Request("POST", "/v1/plates/clear", 200, {"printers": printers})


@example("POST /v1/plates/undo")
async def undo_plates(api: ApiShop) -> Request:
    printers = [await api.printer(clear=False), await api.printer(clear=False)]
    await api.post("/v1/plates/clear", {"printers": printers})
    return Request("POST", "/v1/plates/undo", 200, {"printers": printers})


# -- maintenance


async def chore(api: ApiShop, printer: str) -> str:
    wish = {"what": "lubricate the rods", "every_h": 300}
    return (await api.post(f"/v1/printers/{printer}/maintenance", wish))["id"]


@example("GET /v1/printers/<printer>/maintenance")
async def show_maintenance(api: ApiShop) -> Request:
    printer = await api.printer()
    await chore(api, printer)
    return Request("GET", f"/v1/printers/{printer}/maintenance", 200)


@example("POST /v1/printers/<printer>/maintenance")
async def add_chore(api: ApiShop) -> Request:
    wish = {"what": "new nozzle", "every_h": 800, "since_h": 120, "blocks": True}
    return Request("POST", f"/v1/printers/{await api.printer()}/maintenance", 201, wish)


@example("GET /v1/printers/<printer>/maintenance/<chore>")
async def show_chore(api: ApiShop) -> Request:
    printer = await api.printer()
    return Request("GET", f"/v1/printers/{printer}/maintenance/{await chore(api, printer)}", 200)


@example("PATCH /v1/printers/<printer>/maintenance/<chore>")
async def change_chore(api: ApiShop) -> Request:
    printer = await api.printer()
    change = {"every_h": 250, "blocks": True}
    return Request("PATCH", f"/v1/printers/{printer}/maintenance/{await chore(api, printer)}", 200, change)


@example("DELETE /v1/printers/<printer>/maintenance/<chore>")
async def remove_chore(api: ApiShop) -> Request:
    printer = await api.printer()
    return Request("DELETE", f"/v1/printers/{printer}/maintenance/{await chore(api, printer)}", 204)


@example("POST /v1/printers/<printer>/maintenance/<chore>/done")
async def chore_is_done(api: ApiShop) -> Request:
    printer = await api.printer()
    path = f"/v1/printers/{printer}/maintenance/{await chore(api, printer)}/done"
    return Request("POST", path, 200, {"note": "with PTFE grease"})


# -- spools


async def spool(api: ApiShop) -> str:
    return (await api.post("/v1/spools", {"material": "PLA", "colour": "black"}))["id"]


@example("GET /v1/spools")
async def list_spools(api: ApiShop) -> Request:
    for _ in range(2):
        await spool(api)
    return Request("GET", "/v1/spools", 200)


@example("POST /v1/spools")
async def add_spool(api: ApiShop) -> Request:
    await trio.lowlevel.checkpoint()
    wish = {"material": "PETG", "colour": "orange", "name": "Prusament", "full_g": 750, "left_g": None}
    return Request("POST", "/v1/spools", 201, wish)


@example("GET /v1/spools/<spool>")
async def show_spool(api: ApiShop) -> Request:
    return Request("GET", f"/v1/spools/{await spool(api)}", 200)


@example("PATCH /v1/spools/<spool>")
async def change_spool(api: ApiShop) -> Request:
    return Request("PATCH", f"/v1/spools/{await spool(api)}", 200, {"left_g": 420.5, "note": "weighed"})


@example("DELETE /v1/spools/<spool>")
async def remove_spool(api: ApiShop) -> Request:
    return Request("DELETE", f"/v1/spools/{await spool(api)}", 204)


@example("POST /v1/spools/<spool>/load")
async def load_spool(api: ApiShop) -> Request:
    where = {"printer": await api.printer(), "tool": 1}
    return Request("POST", f"/v1/spools/{await spool(api)}/load", 200, where)


@example("POST /v1/spools/<spool>/unload")
async def unload_spool(api: ApiShop) -> Request:
    name = await spool(api)
    await api.post(f"/v1/spools/{name}/load", {"printer": await api.printer()})
    return Request("POST", f"/v1/spools/{name}/unload", 200)


# -- files and work


@example("POST /v1/files")
async def upload(api: ApiShop) -> Request:
    await trio.lowlevel.checkpoint()
    name = api.name("fresh")
    return Request("POST", f"/v1/files?name={name}.gcode", 201, content=GCODE + name.encode())


@example("GET /v1/files/<file>")
async def show_file(api: ApiShop) -> Request:
    return Request("GET", f"/v1/files/{await api.file()}", 200)


@example("GET /v1/files/<file>/content")
async def send_content(api: ApiShop) -> Request:
    return Request("GET", f"/v1/files/{await api.file()}/content", 200)


@example("GET /v1/files/<file>/thumbnail")
async def send_thumbnail(api: ApiShop) -> Request:
    content = THUMBS.read_bytes()
    file = await api.upload("chip.gcode", content)
    drawn = in_sizes(pictures(content)[-1])
    await api.desk.storage.keep_pictures(hashlib.sha256(content).hexdigest(), drawn)
    return Request("GET", f"/v1/files/{file}/thumbnail?width=100", 200)


@example("GET /v1/files/<file>/printers")
async def file_fits(api: ApiShop) -> Request:
    await api.printer()
    return Request("GET", f"/v1/files/{await api.file()}/printers", 200)


@example("GET /v1/files/<file>/copies")
async def file_copies(api: ApiShop) -> Request:
    file = await api.upload("chip.gcode", GCODE + b"; copied")
    original = (await api.get(f"/v1/files/{file}"))["sha256"]
    at, proven = api.desk.clock(), Proven(Savings(Size(900, 30, 20), Size(500, 20, 20)), (10.0, 10.0))
    made = OptimisedCopy(original, Optimising(), at, "ab" * 32, 500, proven)
    none = OptimisedCopy(original, Optimising(progress=True), at, reason="it would be no smaller")
    for copy in (made, none):
        await api.desk.database.write(optimised.keep, copy)
    return Request("GET", f"/v1/files/{file}/copies", 200)


@example("POST /v1/files/<file>/analyse")
async def analyse_file(api: ApiShop) -> Request:
    return Request("POST", f"/v1/files/{await api.file()}/analyse", 202)


@example("DELETE /v1/files/<file>")
async def remove_file(api: ApiShop) -> Request:
    return Request("DELETE", f"/v1/files/{await api.file()}", 204)


async def order(api: ApiShop) -> str:
    order = (await api.post("/v1/orders", {"reference": api.name("customer ")}))["id"]
    await api.job(order=order)
    return order


@example("POST /v1/orders")
async def add_order(api: ApiShop) -> Request:
    await trio.lowlevel.checkpoint()
    return Request("POST", "/v1/orders", 201, {"reference": "4711", "due_at": "2026-04-01T12:00:00Z"})


@example("GET /v1/orders/<order>")
async def show_order(api: ApiShop) -> Request:
    return Request("GET", f"/v1/orders/{await order(api)}", 200)


@example("PATCH /v1/orders/<order>")
async def change_order(api: ApiShop) -> Request:
    return Request("PATCH", f"/v1/orders/{await order(api)}", 200, {"note": "the blue ones"})


@example("POST /v1/orders/<order>/cancel")
async def cancel_order(api: ApiShop) -> Request:
    return Request("POST", f"/v1/orders/{await order(api)}/cancel", 200)


@example("PUT /v1/constraints")
async def set_constraints(api: ApiShop) -> Request:
    printer = await api.printer()
    window = {"start": "2026-03-05T08:00:00Z", "end": "2026-03-05T10:00:00Z", "affected_printers": [printer]}
    wish = {
        "max_print_time_s": 14400,
        "preferred_printers": [printer],
        "working_hours": [{"days": ["mon", "tue"], "start": "08:00", "end": "18:00"}],
        "timezone": "Europe/Berlin",
        "closed_dates": ["2026-12-25"],
        "operators": 2,
        "power_limit_kw": 2.0,
        "circuits": {"a": 1.9},
        "maintenance_windows": [window, {**window, "affected_printers": "all"}],
    }
    return Request("PUT", "/v1/constraints", 200, wish)


@example("PATCH /v1/settings")
async def change_settings(api: ApiShop) -> Request:
    await trio.lowlevel.checkpoint()
    fair = {"each": {"jobs": 10, "hours": None}, "users": {"user:u1": {"jobs": None, "hours": 40}}}
    wish = {"preset": "priority_first", "weights": {"changeover": 50}, "fair_share": fair}
    return Request("PATCH", "/v1/settings", 200, wish)


async def proposal(api: ApiShop) -> str:
    """A plan that is ready to be adopted."""
    made = await api.post("/v1/schedule/plans", {"seconds": 0.5})
    with trio.fail_after(10):
        while (await api.get(f"/v1/schedule/plans/{made['id']}"))["state"] != "ready":  # noqa: ASYNC110
            await trio.sleep(0.02)
    return str(made["id"])


@example("POST /v1/schedule/plans")
async def make_plan(api: ApiShop) -> Request:
    await trio.lowlevel.checkpoint()
    return Request("POST", "/v1/schedule/plans", 202, {"preset": "resource_first", "seconds": 1})


@example("GET /v1/schedule/plans/<plan>")
async def read_plan(api: ApiShop) -> Request:
    await api.job(hold=False)
    return Request("GET", f"/v1/schedule/plans/{await proposal(api)}", 200)


@example("POST /v1/schedule/plans/<plan>/adopt")
async def adopt_plan(api: ApiShop) -> Request:
    return Request("POST", f"/v1/schedule/plans/{await proposal(api)}/adopt", 200)


@example("GET /v1/jobs/<job>/explanation")
async def explain_job(api: ApiShop) -> Request:
    return Request("GET", f"/v1/jobs/{await api.job(hold=False)}/explanation", 200)


@example("POST /v1/quotes")
async def quote_job(api: ApiShop) -> Request:
    await api.printer(clear=False)
    wish = {"file": await api.file(), "copies": 2, "due_at": "2026-03-03T08:00:00Z"}
    return Request("POST", "/v1/quotes", 200, wish)


@example("POST /v1/jobs")
async def add_job(api: ApiShop) -> Request:
    return Request("POST", "/v1/jobs", 201, {"file": await api.file(), "copies": 2, "yield": 3})


@example("GET /v1/jobs/<job>")
async def show_job(api: ApiShop) -> Request:
    return Request("GET", f"/v1/jobs/{await api.job()}", 200)


@example("PATCH /v1/jobs/<job>")
async def amend_job(api: ApiShop) -> Request:
    return Request("PATCH", f"/v1/jobs/{await api.job()}", 200, {"copies": 7, "hold": False})


@example("PATCH /v1/jobs/<job>")
async def pin_job(api: ApiShop) -> Request:
    printer = await api.printer(clear=False)
    pin = {"printer": printer, "start": "2026-03-03T08:00:00Z"}
    wish = {
        "pin": pin,
        "preferred_printers": [printer],
        "material": "PETG",
        "colour": "red",
        "attended": True,
    }
    return Request("PATCH", f"/v1/jobs/{await api.job()}", 200, wish)


@example("POST /v1/jobs/<job>/approve")
async def approve_job(api: ApiShop) -> Request:
    job = await api.job()
    why = "it is more than their share"
    await api.shop.database.write(jobs.wait_for_approval, job, Approval.SHARE, why, NOON, "test")
    return Request("POST", f"/v1/jobs/{job}/approve", 200)


async def failed_print(api: ApiShop) -> str:
    name = await api.printing()
    machine = api.shop.machines[name]
    machine.end(good=False)
    for _ in range(60):
        await trio.sleep(0.5)
        found = (await api.get("/v1/prints", printer=name, state="failed"))["items"]
        if found:
            return found[0]["id"]
    raise AssertionError(f"the print on {name} never failed")


@example("GET /v1/prints/<print>")
async def show_print(api: ApiShop) -> Request:
    return Request("GET", f"/v1/prints/{await failed_print(api)}", 200)


@example("GET /v1/prints/<print>/progress")
async def list_progress(api: ApiShop) -> Request:
    await api.printing()
    await trio.sleep(120)
    (attempt, *_) = (await api.get("/v1/prints"))["items"]
    return Request("GET", f"/v1/prints/{attempt['id']}/progress", 200)


@example("PATCH /v1/prints/<print>")
async def explain_print(api: ApiShop) -> Request:
    change = {"cause": "came_off", "note": "greasy plate"}
    return Request("PATCH", f"/v1/prints/{await failed_print(api)}", 200, change)


@example("POST /v1/jobs/<job>/hold")
async def hold_job(api: ApiShop) -> Request:
    return Request("POST", f"/v1/jobs/{await api.job(hold=False)}/hold", 200)


@example("POST /v1/jobs/<job>/release")
async def release_job(api: ApiShop) -> Request:
    return Request("POST", f"/v1/jobs/{await api.job()}/release", 200)


@example("POST /v1/jobs/<job>/cancel")
async def cancel_job(api: ApiShop) -> Request:
    return Request("POST", f"/v1/jobs/{await api.job()}/cancel", 200)


@example("POST /v1/jobs/<job>/retry")
async def retry_job(api: ApiShop) -> Request:
    job = await api.job()
    await api.shop.database.write(jobs.enter, job, JobState.QUARANTINED, NOON, str(LOCAL), "it failed")
    return Request("POST", f"/v1/jobs/{job}/retry", 200)
