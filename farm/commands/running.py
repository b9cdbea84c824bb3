"""The farm while its server runs: the command asks it over HTTP, with the token of the shop PC."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self
from urllib.parse import quote

import httpx

from farm.commands.output import Row
from farm.data_folder import LocalAccess
from farm.domain.clock import iso
from farm.domain.printer import Address, Printer
from farm.domain.user import Role, Scope
from farm.errors import FarmError, NotFound, Refused

PATIENCE_S = 30.0  # a busy server may be hashing other people's passwords first
THOUGHT_S = 40.0  # of what the farm has to think about; it gives up after 30 s
UPLOAD_PATIENCE_S = 90.0  # after the last byte a slow disk gets a minute of the server's
LONGEST_POLL_S = 20  # for a fact; well within PATIENCE_S
PIECE = 64 * 1024  # bytes


class RunningFarm:
    """Asks the server at `access`; everything it does not want to do becomes a Refused."""

    def __init__(self, access: LocalAccess) -> None:
        self._url = access.url
        self._http = httpx.Client(
            base_url=f"{access.url}/v1",
            headers={"Authorization": f"Bearer {access.token}"},
            trust_env=False,  # a proxy must not see the token
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def add_user(self, username: str, password: str, role: Role) -> Row:
        return self._ask("POST", "/users", {"username": username, "password": password, "role": role})

    def list_users(self) -> list[Row]:
        return self._all("/users")

    def disable_user(self, username: str) -> Row:
        return self._change_user(username, {"enabled": False})

    def reset_password(self, username: str, password: str) -> Row:
        return self._change_user(username, {"password": password})

    def add_key(
        self,
        name: str,
        scopes: Sequence[Scope],
        printers: Sequence[str] | None,
        tags: Sequence[str] | None,
        target: str | None,
        expires_at: datetime | None,
    ) -> Row:
        wanted = {
            "name": name,
            "scopes": list(scopes),
            "printers": printers,
            "tags": tags,
            "target": target,
            "expires_at": None if expires_at is None else iso(expires_at),
        }
        return self._ask("POST", "/keys", wanted)

    def list_keys(self) -> list[Row]:
        return self._all("/keys")

    def revoke_key(self, id: str) -> Row:
        self._ask("DELETE", f"/keys/{quote(id, safe='')}")
        return next((key for key in self.list_keys() if key["id"] == id), {"id": id, "name": id})

    def probe_printer(self, address: Address) -> Row:
        wanted = {"url": address.url, "tls": address.tls, **_access(address)}
        return self._ask("POST", "/printers/probe", wanted)

    def add_printer(self, printer: Printer) -> Row:
        address = printer.address
        connection = {"kind": address.kind, "tls": address.tls}
        if address.simulation is not None:
            connection |= asdict(address.simulation)
        else:
            connection |= {"url": address.url, **_access(address)}
        wanted = {
            "id": printer.id,
            "name": printer.name,
            "connection": connection,
            "tags": sorted(printer.tags),
            "profile": {"model": printer.profile.model},
            "health_check_interval_s": printer.health_check_interval_s,
            "max_retries": printer.max_retries,
        }
        return self._ask("POST", "/printers", wanted)

    def show_printer(self, id: str) -> Row:
        return self._ask("GET", f"/printers/{quote(id, safe='')}")

    def change_printer(self, id: str, changes: Mapping[str, Any]) -> Row:
        return self._ask("PATCH", f"/printers/{quote(id, safe='')}", changes)

    def list_printers(self) -> list[Row]:
        return self._all("/printers")

    def command_printer(self, id: str, command: Mapping[str, Any], within_s: float) -> Row:
        """Give a command and wait for its end. command: its name under "command", and its values.

        The row is its `command_id`, whether it went well (`ok`, None when that is not known after
        `within_s` seconds), and the `problem` in words.
        """
        before = self._ask("GET", "/events") if within_s > 0 else {}
        given = self._ask("POST", f"/printers/{quote(id, safe='')}/commands", command)
        command_id = given["command_id"]
        row: Row = {"command_id": command_id, "command": command["command"], "ok": None, "problem": None}
        for fact in self._facts(before, f"printer:{id}", within_s):
            if fact["data"].get("command_id") == command_id:
                return {**row, **fact["data"]}
        return row

    def _facts(self, before: Mapping[str, Any], room: str, within_s: float) -> Iterator[Row]:
        """What is told in a room after `before`, until `within_s` seconds have passed."""
        end, position = time.monotonic() + within_s, before
        while (left_s := end - time.monotonic()) > 0:
            wait_s = str(min(math.ceil(left_s), LONGEST_POLL_S))
            query = {"since": str(position["next"]), "epoch": position["epoch"], "rooms": room}
            position = self._ask("GET", "/events", query={**query, "wait_s": wait_s})
            yield from position["items"]

    def stop_printers(self, ids: Sequence[str] | None) -> Row:
        """An emergency stop, of all printers for None: who was "reached", and who "unreached"."""
        return self._ask("POST", "/emergency-stop", {"printers": ids})

    def discover(self, seconds: float) -> Row:
        """Who announces a print host in the network: the "items", or a "problem"."""
        return self._ask("GET", "/discovery", query={"seconds": f"{seconds:g}"})

    def import_printers(self, wish: Mapping[str, Any], *, dry_run: bool) -> Row:
        """Set up the printers of a list, or only see what would come of it."""
        return self._ask("POST", "/printers/import", wish, query={"dry_run": "true"} if dry_run else None)

    def read_console(self, printer: str, since: int) -> Row:
        """A printer's console: its "items" after line `since`, and the number of the "next" one."""
        path = f"/printers/{quote(printer, safe='')}/console"
        return self._ask("GET", path, query={"since": str(since)})

    def read_flight(self, printer: str) -> str:
        """The last raw words between the farm and a printer's host."""
        return self._answered("GET", f"/printers/{quote(printer, safe='')}/flight-recorder", PATIENCE_S).text

    def list_chores(self, printer: str | None) -> list[Row]:
        """What is to be done on a printer, on every one for None."""
        path = "/maintenance" if printer is None else _chores_of(printer)
        return list(self._ask("GET", path)["items"])

    def add_chore(self, printer: str, wish: Mapping[str, Any]) -> Row:
        return self._ask("POST", _chores_of(printer), wish)

    def change_chore(self, printer: str, chore: str, changes: Mapping[str, Any]) -> Row:
        return self._ask("PATCH", f"{_chores_of(printer)}/{quote(chore, safe='')}", changes)

    def chore_is_done(self, printer: str, chore: str, note: str) -> Row:
        return self._ask("POST", f"{_chores_of(printer)}/{quote(chore, safe='')}/done", {"note": note})

    def remove_chore(self, printer: str, chore: str) -> None:
        self._ask("DELETE", f"{_chores_of(printer)}/{quote(chore, safe='')}")

    def show_constraints(self) -> Row:
        """What the shop allows."""
        return self._ask("GET", "/constraints")

    def set_constraints(self, wanted: Mapping[str, Any], *, dry_run: bool) -> Row:
        """Set what the shop allows, or only see whether it can be and what it would do to the plan."""
        if not dry_run:
            return self._ask("PUT", "/constraints", wanted)
        return self._send("PUT", "/constraints", THOUGHT_S, json=wanted, params={"dry_run": "true"})

    def list_prints(self, filters: Mapping[str, str]) -> list[Row]:
        return self._all("/prints", filters)

    def explain_print(self, id: str, cause: str, note: str | None) -> Row:
        changes = {"cause": cause} | ({} if note is None else {"note": note})
        return self._ask("PATCH", f"/prints/{quote(id, safe='')}", changes)

    def statistics(self, query: Mapping[str, str]) -> dict[str, Any]:
        return self._ask("GET", "/statistics", query=query)

    def statistics_sheet(self, query: Mapping[str, str]) -> Iterator[str]:
        """The same as CSV, piece by piece."""
        with self._http.stream("GET", "/statistics.csv", params=query, timeout=PATIENCE_S) as answer:
            if not answer.is_success:
                answer.read()
                raise _problem(answer)
            for piece in answer.iter_text():
                yield piece.replace("\r\n", "\n")

    def list_spools(self) -> list[Row]:
        return self._all("/spools")

    def add_spool(self, wish: Mapping[str, Any]) -> Row:
        return self._ask("POST", "/spools", wish)

    def change_spool(self, id: str, changes: Mapping[str, Any]) -> Row:
        return self._ask("PATCH", f"/spools/{quote(id, safe='')}", changes)

    def load_spool(self, id: str, printer: str, tool: int) -> Row:
        return self._ask("POST", f"/spools/{quote(id, safe='')}/load", {"printer": printer, "tool": tool})

    def unload_spool(self, id: str) -> Row:
        return self._ask("POST", f"/spools/{quote(id, safe='')}/unload")

    def remove_spool(self, id: str) -> None:
        self._ask("DELETE", f"/spools/{quote(id, safe='')}")

    def upload(self, file: Path, told: Callable[[int], None]) -> Row:
        """Send a file; `told` hears how many bytes have gone. Raises OSError when it cannot be read."""
        with file.open("rb") as source:
            headers = {
                "Content-Length": str(os.fstat(source.fileno()).st_size),
                "Content-Type": "application/octet-stream",
            }
            return self._send(
                "POST",
                "/files",
                UPLOAD_PATIENCE_S,
                params={"name": file.name},
                headers=headers,
                content=_pieces(source, told),
            )

    def add_job(self, wish: Mapping[str, Any]) -> Row:
        return self._ask("POST", "/jobs", wish)

    def list_jobs(self, state: str | None) -> list[Row]:
        return self._all("/jobs", {"state": state} if state else {})

    def change_job(self, id: str, change: str) -> Row:
        """change: approve, hold, release, cancel or retry."""
        return self._ask("POST", f"/jobs/{quote(id, safe='')}/{change}")

    def _change_user(self, username: str, change: Mapping[str, Any]) -> Row:
        wanted = username.casefold()
        for user in self.list_users():
            if str(user["username"]).casefold() == wanted:
                return {**user, **self._ask("PATCH", f"/users/{quote(str(user['id']), safe='')}", change)}
        raise NotFound(f"There is no user {username}; `farm user list` shows them.")

    def _all(self, path: str, filters: Mapping[str, str] | None = None) -> list[Row]:
        rows: list[Row] = []
        cursor: str | None = None
        while True:
            query = {**(filters or {}), **({"cursor": cursor} if cursor else {})}
            page = self._ask("GET", path, query=query)
            rows += page["items"]
            cursor = page.get("next")
            if cursor is None:
                return rows

    def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        return self._send(method, path, PATIENCE_S, json=body, params=query)

    def _send(self, method: str, path: str, patience_s: float, **request: Any) -> dict[str, Any]:
        """The JSON answer, {} where there is none. Raises Refused with the server's own sentence."""
        answer = self._answered(method, path, patience_s, **request)
        return dict(answer.json()) if answer.content else {}

    def _answered(self, method: str, path: str, patience_s: float, **request: Any) -> httpx.Response:
        """A good answer. Raises Refused with the server's own sentence."""
        try:
            answer = self._http.request(method, path, timeout=patience_s, **request)
        except httpx.TimeoutException as problem:
            raise Refused(
                f"The server at {self._url} did not answer within {patience_s:g} s. Look whether it was"
                " done before you try again."
            ) from problem
        except httpx.TransportError as problem:
            raise Refused(
                f"The server at {self._url} cannot be reached ({problem}); try again in a moment."
            ) from problem
        if answer.is_success:
            return answer
        raise _problem(answer)


def _chores_of(printer: str) -> str:
    return f"/printers/{quote(printer, safe='')}/maintenance"


def _pieces(source: IO[bytes], told: Callable[[int], None]) -> Iterator[bytes]:
    while piece := source.read(PIECE):
        yield piece
        told(source.tell())


def _problem(answer: httpx.Response) -> FarmError:
    try:
        told = answer.json()
        sentences = [told["detail"], *(one["message"] for one in told.get("errors") or ())]
    except (ValueError, KeyError, TypeError):
        return Refused(f"The server answered {answer.status_code}, which this command does not understand.")
    return Refused("\n".join(dict.fromkeys(map(str, sentences))))


def _access(address: Address) -> Row:
    """What proves to a print host that we may use it, as the API takes it."""
    if address.username:
        return {"username": address.username, "password": address.password}
    return {"api_key": address.api_key}
