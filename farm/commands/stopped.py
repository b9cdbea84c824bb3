"""The farm while no server runs: the command opens the database itself."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import NoReturn, TypeVar

import msgspec
import trio

from farm.access.gate import Gate
from farm.access.passwords import Hasher
from farm.access.secrets import Seal
from farm.access.tokens import TokenKeys
from farm.commands.output import Row
from farm.data_folder import DataFolder
from farm.domain.clock import iso, real_clock
from farm.domain.job import Job, Print
from farm.domain.printer import Address, Connection, Mode, Operation, Plate, Printer, PrinterStatus
from farm.domain.user import LOCAL, ApiKey, Grant, Role, Scope, User
from farm.drivers.base import Driver
from farm.drivers.kinds import capabilities_at, make_driver
from farm.errors import NotFound
from farm.live.shapes import of_job, of_printer
from farm.printers import records
from farm.printers.settings import checked_printer
from farm.simulator.driver import SimulatedDriver
from farm.store import jobs, printers, prints
from farm.store.audit import Stamp
from farm.store.connection import FARM
from farm.store.database import Database

_T = TypeVar("_T")


class StoppedFarm:
    """Carries out each command on the database; the caller holds the folder's lock."""

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder

    def add_user(self, username: str, password: str, role: Role) -> Row:
        return _user_row(self._run(lambda gate: gate.add_user(LOCAL, username, password, role)))

    def list_users(self) -> list[Row]:
        return [_user_row(user) for user in self._run(lambda gate: gate.list_users(LOCAL))]

    def disable_user(self, username: str) -> Row:
        async def disable(gate: Gate) -> User:
            return await gate.disable_user(LOCAL, (await _find(gate, username)).id)

        return _user_row(self._run(disable))

    def reset_password(self, username: str, password: str) -> Row:
        async def reset(gate: Gate) -> User:
            user = await _find(gate, username)
            await gate.reset_password(LOCAL, user.id, password)
            return user

        return _user_row(self._run(reset))

    def add_key(
        self,
        name: str,
        scopes: Sequence[Scope],
        printers: Sequence[str] | None,
        tags: Sequence[str] | None,
        target: str | None,
        expires_at: datetime | None,
    ) -> Row:
        grant = Grant(_set(printers), _set(tags))
        key, text = self._run(lambda gate: gate.create_key(LOCAL, name, scopes, grant, target, expires_at))
        return {**_key_row(key), "key": text}

    def list_keys(self) -> list[Row]:
        return [_key_row(key) for key in self._run(lambda gate: gate.list_keys(LOCAL))]

    def revoke_key(self, id: str) -> Row:
        return _key_row(self._run(lambda gate: gate.revoke_key(LOCAL, id)))

    def probe_printer(self, address: Address) -> None:
        return None

    def add_printer(self, printer: Printer) -> Row:
        async def add(database: Database) -> Row:
            checked, at = checked_printer(printer), real_clock()
            address = checked.address
            await _driver(checked).aclose()  # refuses what it could not use
            nothing_sealed = not await database.read(printers.everything)
            seal = Seal.load(self._folder.secret_key, first_run=nothing_sealed)
            sealed = seal.seal(address.secret)
            await database.write(records.add_printer, checked, sealed, Stamp.of(LOCAL, at))
            return _row(of_printer(checked, _unseen(checked, Plate.UNKNOWN, Mode.NORMAL, ""), at))

        return trio.run(self._with_database, add)

    def list_printers(self) -> list[Row]:
        async def look(database: Database) -> list[Row]:
            at = real_clock()
            found = await database.read(_printers)
            return [_row(of_printer(printer, status, at)) for printer, status in found]

        return trio.run(self._with_database, look)

    def list_jobs(self, state: str | None) -> list[Row]:
        async def look(database: Database) -> list[Row]:
            return [_row(of_job(job, attempts)) for job, attempts in await database.read(_jobs, state)]

        return trio.run(self._with_database, look)

    def _run(self, work: Callable[[Gate], Awaitable[_T]]) -> _T:
        async def with_gate(database: Database) -> _T:
            folder = self._folder
            keys = TokenKeys.load(folder.token_keys, real_clock(), secrets.token_urlsafe)
            return await work(Gate(database, folder.path, keys, Hasher()))

        return trio.run(self._with_database, with_gate)

    async def _with_database(self, work: Callable[[Database], Awaitable[_T]]) -> _T:
        folder = self._folder
        database = Database(folder.farm_db, FARM, backups=folder.backups)
        async with database.running():
            return await work(database)


def _row(shape: msgspec.Struct) -> Row:
    row: Row = msgspec.to_builtins(shape)
    return row


def _driver(printer: Printer) -> Driver:
    address = printer.address
    if address.simulation is None:
        return make_driver(address)
    return SimulatedDriver(printer, _no_simulator, make_driver, capabilities_at(address))


def _no_simulator() -> NoReturn:
    raise NotFound("no farm runs that could simulate it")


def _printers(db: sqlite3.Connection) -> list[tuple[Printer, PrinterStatus]]:
    plates = printers.plates(db)
    return [
        (printer, _unseen(printer, plates[printer.id].plate, *printers.mode(db, printer.id)))
        for printer, _ in printers.everything(db)
    ]


def _unseen(printer: Printer, plate: Plate, mode: Mode, why: str) -> PrinterStatus:
    """What is known of a printer that nobody talks to: what people decided about it."""
    return PrinterStatus(
        connection=Connection.OFFLINE if printer.enabled else Connection.DISABLED,
        operation=Operation.UNKNOWN if mode is Mode.NORMAL else Operation(mode),
        plate=plate,
        message=why or "the farm is not running",
    )


def _jobs(db: sqlite3.Connection, state: str | None) -> list[tuple[Job, list[Print]]]:
    everything = -1  # as SQLite has it
    return [(job, prints.of_job(db, job.id)) for job in jobs.page(db, None, everything, state)]


async def _find(gate: Gate, username: str) -> User:
    wanted = username.casefold()
    for user in await gate.list_users(LOCAL):
        if user.username.casefold() == wanted:
            return user
    raise NotFound(f"There is no user {username}; `farm user list` shows them.")


def _user_row(user: User) -> Row:
    return {
        "id": user.id,
        "username": user.username,
        "role": str(user.role),
        "enabled": user.enabled,
        "printers": _names(user.grant.printers),
        "tags": _names(user.grant.tags),
        "created_at": iso(user.created_at),
    }


def _key_row(key: ApiKey) -> Row:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": sorted(map(str, key.scopes)),
        "printers": _names(key.grant.printers),
        "tags": _names(key.grant.tags),
        "target": key.target,
        "created_by": key.created_by,
        "created_at": iso(key.created_at),
        "expires_at": _time(key.expires_at),
        "revoked_at": _time(key.revoked_at),
        "last_used_at": _time(key.last_used_at),
    }


def _names(names: frozenset[str] | None) -> list[str] | None:
    return None if names is None else sorted(names)


def _set(names: Sequence[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)
