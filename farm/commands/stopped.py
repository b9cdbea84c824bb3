"""The farm while no server runs: the command opens the database itself."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar

import trio

from farm.access.gate import Gate
from farm.access.passwords import Hasher
from farm.access.tokens import TokenKeys
from farm.commands.output import Row
from farm.data_folder import DataFolder
from farm.domain.clock import iso, real_clock
from farm.domain.user import LOCAL, ApiKey, Grant, Role, Scope, User
from farm.errors import NotFound
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

    def _run(self, work: Callable[[Gate], Awaitable[_T]]) -> _T:
        return trio.run(self._with_gate, work)

    async def _with_gate(self, work: Callable[[Gate], Awaitable[_T]]) -> _T:
        folder = self._folder
        database = Database(folder.farm_db, FARM, backups=folder.backups)
        async with database.running():
            keys = TokenKeys.load(folder.token_keys, real_clock(), secrets.token_urlsafe)
            return await work(Gate(database, folder.path, keys, Hasher()))


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
