"""The farm while its server runs: the command asks it over HTTP, with the token of the shop PC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from farm.commands.output import Row
from farm.data_folder import LocalAccess
from farm.domain.clock import iso
from farm.domain.user import Role, Scope
from farm.errors import FarmError, NotFound, Refused

PATIENCE_S = 30.0  # a busy server may be hashing other people's passwords first


class RunningFarm:
    """Asks the server at `access`; everything it does not want to do becomes a Refused."""

    def __init__(self, access: LocalAccess) -> None:
        self._url = access.url
        self._http = httpx.Client(
            base_url=f"{access.url}/v1",
            headers={"Authorization": f"Bearer {access.token}"},
            timeout=PATIENCE_S,
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

    def _change_user(self, username: str, change: Mapping[str, Any]) -> Row:
        wanted = username.casefold()
        for user in self.list_users():
            if str(user["username"]).casefold() == wanted:
                return {**user, **self._ask("PATCH", f"/users/{quote(str(user['id']), safe='')}", change)}
        raise NotFound(f"There is no user {username}; `farm user list` shows them.")

    def _all(self, path: str) -> list[Row]:
        rows: list[Row] = []
        cursor: str | None = None
        while True:
            page = self._ask("GET", path, query={"cursor": cursor} if cursor else None)
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
        """The JSON answer, {} where there is none. Raises Refused with the server's own sentence."""
        try:
            answer = self._http.request(method, path, json=body, params=query)
        except httpx.TimeoutException as problem:
            raise Refused(
                f"The server at {self._url} did not answer within {PATIENCE_S:g} s. Look whether it was"
                " done before you try again."
            ) from problem
        except httpx.TransportError as problem:
            raise Refused(
                f"The server at {self._url} cannot be reached ({problem}); try again in a moment."
            ) from problem
        if answer.is_success:
            return dict(answer.json()) if answer.content else {}
        raise _problem(answer)


def _problem(answer: httpx.Response) -> FarmError:
    try:
        told = answer.json()
        sentences = [told["detail"], *(one["message"] for one in told.get("errors") or ())]
    except (ValueError, KeyError, TypeError):
        return Refused(f"The server answered {answer.status_code}, which this command does not understand.")
    return Refused("\n".join(dict.fromkeys(map(str, sentences))))
