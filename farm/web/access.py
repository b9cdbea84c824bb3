"""People and keys: who may do what, and the audit of every change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from farm.access.rights import Action
from farm.domain.clock import iso
from farm.domain.user import ApiKey, Grant, Role, Scope
from farm.domain.user import User as Person
from farm.errors import Invalid, NotFound, Refused
from farm.live.shapes import Moment, moment
from farm.store import audit
from farm.web.contract import Created, Page, RowNumber, SentMoment, Versioned, following
from farm.web.routes import Call, Route


class Reach(msgspec.Struct, kw_only=True):
    """The printers that somebody's rights reach, by id and by tag; both null for every printer."""

    printers: list[str] | None
    tags: list[str] | None


class User(Reach, kw_only=True):
    """A person who may log in."""

    id: str
    username: str
    role: Role
    enabled: bool
    created_at: Moment


class Key(Reach, kw_only=True):
    """An API key, without itself. target: where uploads with it go whose address says nothing."""

    id: str
    name: str
    scopes: list[Scope]
    target: str | None
    created_by: str
    created_at: Moment
    expires_at: Moment | None
    revoked_at: Moment | None
    last_used_at: Moment | None


class FreshKey(Key, kw_only=True):
    """key: the key itself, null where making one was only tried; no other answer ever shows it."""

    key: str | None


class Entry(msgspec.Struct):
    """One row of the audit. who: "user:<id>" and the like. client: the address it was asked from."""

    id: int
    at: Moment
    who: str
    action: str
    object: str
    detail: Mapping[str, Any]
    client: str


class NewUser(msgspec.Struct, forbid_unknown_fields=True):
    username: str
    password: str
    role: Role
    printers: frozenset[str] | None = None
    tags: frozenset[str] | None = None


class UserChange(msgspec.Struct, forbid_unknown_fields=True):
    """Only what is given changes. A grant is given whole, as `printers` and `tags` together."""

    role: Role | None = None
    enabled: bool | None = None
    password: str | None = None
    printers: frozenset[str] | msgspec.UnsetType | None = msgspec.UNSET
    tags: frozenset[str] | msgspec.UnsetType | None = msgspec.UNSET


class NewKey(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    scopes: frozenset[Scope]
    printers: frozenset[str] | None = None
    tags: frozenset[str] | None = None
    target: str | None = None
    expires_at: SentMoment | None = None


class AuditQuery(msgspec.Struct, forbid_unknown_fields=True):
    """cursor: the number of the last row seen."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 50
    cursor: RowNumber | None = None


async def list_users(call: Call) -> Page[User]:
    """Everybody who may log in, by name."""
    return Page([_user(user) for user in await call.desk.gate.list_users(call.asker)])


async def show_user(call: Call, user: str) -> Versioned[User]:
    """One person."""
    for known in await call.desk.gate.list_users(call.asker):
        if known.id == user:
            return Versioned.of(_user(known), known.version)
    raise NotFound(f"there is no user {user}")


async def add_user(call: Call, sent: NewUser) -> Created[User]:
    """Add a person."""
    gate, grant = call.desk.gate, Grant(sent.printers, sent.tags)
    added = await call.change(
        Person,
        lambda by: gate.add_user(by, sent.username, sent.password, sent.role, grant, client=call.client),
    )
    return Created(_user(added), {"Location": f"/v1/users/{added.id}"})


async def change_user(call: Call, user: str, sent: UserChange) -> Versioned[User]:
    """Change what a person may do, or their password; they have to log in again."""
    gate, password, grant = call.desk.gate, sent.password, _new_grant(sent)
    if password is not None:
        await call.change(type(None), lambda by: gate.reset_password(by, user, password, client=call.client))
    changed = await call.change(
        Person,
        lambda by: gate.change_user(
            by, user, role=sent.role, grant=grant, enabled=sent.enabled, client=call.client
        ),
    )
    return Versioned.of(_user(changed), changed.version)


async def list_keys(call: Call) -> Page[Key]:
    """Every API key, newest first, revoked ones too."""
    return Page([Key(**_key(key)) for key in await call.desk.gate.list_keys(call.asker)])


async def add_key(call: Call, sent: NewKey) -> Created[FreshKey]:
    """Make an API key. This is the only answer that ever shows the key itself."""
    gate, grant = call.desk.gate, Grant(sent.printers, sent.tags)
    key, text = await call.change(
        tuple[ApiKey, str | None],
        lambda by: gate.create_key(
            by, sent.name, sent.scopes, grant, sent.target, sent.expires_at, client=call.client
        ),
    )
    if text is None and not call.asker.terms.dry:
        raise Refused(
            f"the key {key.id} was made, but the farm stopped before it could show it; revoke it and make "
            "another, with a new Idempotency-Key"
        )
    return Created(FreshKey(key=text, **_key(key)))


async def revoke_key(call: Call, key: str) -> None:
    """End an API key, at once and for ever."""
    gate = call.desk.gate
    await call.change(ApiKey, lambda by: gate.revoke_key(by, key, client=call.client))


async def read_audit(call: Call, query: AuditQuery) -> Page[Entry]:
    """Who changed what, newest first."""
    found = await call.desk.gate.read_audit(call.asker, query.cursor, query.limit + 1)
    return Page(
        [_entry(entry) for entry in found[: query.limit]],
        following(found, query.limit, lambda entry: str(entry.id)),
    )


def reach_of(grant: Grant) -> tuple[list[str] | None, list[str] | None]:
    """The printers and the tags of a grant, as they are shown."""
    printers = None if grant.printers is None else sorted(grant.printers)
    return printers, None if grant.tags is None else sorted(grant.tags)


def _new_grant(sent: UserChange) -> Grant | None:
    given = [sent.printers, sent.tags]
    if given == [msgspec.UNSET, msgspec.UNSET]:
        return None
    if isinstance(sent.printers, msgspec.UnsetType) or isinstance(sent.tags, msgspec.UnsetType):
        raise Invalid("give printers and tags together; null means every one", "printers")
    return Grant(sent.printers, sent.tags)


def _user(shown: Person) -> User:
    printers, tags = reach_of(shown.grant)
    return User(
        id=shown.id,
        username=shown.username,
        role=shown.role,
        enabled=shown.enabled,
        created_at=iso(shown.created_at),
        printers=printers,
        tags=tags,
    )


def _key(key: ApiKey) -> dict[str, Any]:
    printers, tags = reach_of(key.grant)
    return {
        "id": key.id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "printers": printers,
        "tags": tags,
        "target": key.target,
        "created_by": key.created_by,
        "created_at": iso(key.created_at),
        "expires_at": moment(key.expires_at),
        "revoked_at": moment(key.revoked_at),
        "last_used_at": moment(key.last_used_at),
    }


def _entry(row: audit.Entry) -> Entry:
    return Entry(row.id, iso(row.at), row.who, row.action, row.object, row.detail, row.client)


ROUTES = (
    Route("GET", "/v1/users", list_users, Action.MANAGE_USERS),
    Route("POST", "/v1/users", add_user, Action.MANAGE_USERS),
    Route("GET", "/v1/users/<user>", show_user, Action.MANAGE_USERS),
    Route("PATCH", "/v1/users/<user>", change_user, Action.MANAGE_USERS),
    Route("GET", "/v1/keys", list_keys, Action.MANAGE_KEYS),
    Route("POST", "/v1/keys", add_key, Action.MANAGE_KEYS),
    Route("DELETE", "/v1/keys/<key>", revoke_key, Action.MANAGE_KEYS),
    Route("GET", "/v1/audit", read_audit, Action.READ_AUDIT),
)
