"""The one door: who is asking, and every change of who may ask."""

from __future__ import annotations

import hashlib
import hmac
import random
import secrets
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol, TypeVar, TypeVarTuple

import structlog
import trio

from farm.access import changes, keys, names, passwords
from farm.access.known import Known
from farm.access.limits import LoginLimits
from farm.access.rights import Action, require
from farm.access.tokens import LIFETIME, Claims, Token, TokenKeys, digest
from farm.domain.clock import Randomness, WallClock, new_id, real_clock
from farm.domain.user import EVERYTHING, LOCAL, SYSTEM, ApiKey, Grant, Principal, Role, Scope, User
from farm.errors import Forbidden, Invalid, Overloaded, Refused, StorageFailed, StorageFull, Unauthenticated
from farm.platform import write_private
from farm.store import audit, sessions, users
from farm.store import keys as kept_keys
from farm.store.audit import Stamp
from farm.store.keys import KeptKey
from farm.store.sessions import Session
from farm.store.users import Account

log = structlog.get_logger(__name__)

IDLE = timedelta(hours=12)  # a page nobody touched for a night is logged out
ABSOLUTE = timedelta(days=30)  # any login ends, however busy
TOUCH_EVERY = timedelta(minutes=1)  # "last used" is not worth a commit a request

_SETUP_CODE = "the setup code"  # what it is called among user names; none can have blanks
_CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # 32 of them, none mistaken for another
_WRONG = "Wrong user name or password."

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")


class Store(Protocol):
    """The database as far as the gate needs it. What `op` raises is rolled back and raised here."""

    async def write(self, op: Callable[[sqlite3.Connection, *_Ts], _T], *args: *_Ts) -> _T: ...

    async def change(
        self, by: Principal, op: Callable[[sqlite3.Connection, *_Ts], _T], *args: *_Ts
    ) -> _T: ...

    async def read(self, op: Callable[[sqlite3.Connection, *_Ts], _T], *args: *_Ts) -> _T: ...


@dataclass(frozen=True, slots=True)
class Tokens:
    """A program's login. The access token is good for `expires_in_s`, the refresh token for once."""

    user: User
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in_s: int = int(LIFETIME.total_seconds())


@dataclass(frozen=True, slots=True)
class PageSession:
    """A page's login: the value of its cookie, and what it sends along with unsafe requests."""

    user: User
    cookie: str = field(repr=False)
    csrf: str = field(repr=False)


class Gate:
    """Answers who is asking, and carries out what changes that.

    Every change is one transaction with its audit row and holds for the very next request.
    """

    def __init__(
        self,
        store: Store,
        folder: Path,
        token_keys: TokenKeys,
        hasher: passwords.Hasher,
        *,
        clock: WallClock = real_clock,
        chance: Randomness | None = None,
        token: Token = secrets.token_urlsafe,
        monotonic: Callable[[], float] = trio.current_time,
    ) -> None:
        """folder: the data folder, where the set-up code lies until it is used."""
        self._store = store
        self._code_file = folder / "setup-code"
        self._code: str | None = None
        self._local_token: str | None = None
        self._token_keys = token_keys
        self._hasher = hasher
        self._clock = clock
        self._chance = chance or random.SystemRandom()
        self._token = token
        self._limits = LoginLimits(monotonic)
        self._key_lookups: Known[KeptKey] = Known(monotonic)
        self._login_lookups: Known[Account] = Known(monotonic)
        self._page_lookups: Known[tuple[Session, Account]] = Known(monotonic)

    @property
    def revision(self) -> int:
        """Grows with every change of anybody's rights; whoever holds a principal asks again then."""
        return self._key_lookups.revision

    # --- the first administrator

    @property
    def awaits_setup(self) -> bool:
        """Whether there is no administrator yet."""
        return self._code is not None

    async def prepare(self) -> str | None:
        """Call once at start. The set-up code while there is no administrator, else None.

        A code that was kept by an earlier start stays good, so that a link already sent does too.
        """
        if await self._store.read(users.enabled_admins):
            self._close_setup()
        else:
            self._code = self._kept_code()
        return self._code

    async def setup(
        self, code: str, username: str, password: str, client: str, *, session: bool = False
    ) -> Tokens | PageSession:
        """Make the first administrator and log them in.

        Raises Refused once there is one, Unauthenticated for a wrong code, TooOften, Invalid.
        """
        await trio.lowlevel.checkpoint()
        if self._code is None:
            raise Refused(changes.ALREADY_SET_UP)
        await self._admit(client, _SETUP_CODE)
        if not _same_code(code, self._code):
            raise Unauthenticated("This is not the set-up code; it is in the server's window.")
        self._limits.succeeded(client, _SETUP_CODE)
        admin = self._new_user(username, Role.ADMIN, EVERYTHING)
        password_hash = await self._new_hash(password, admin.username)
        stamp = Stamp(admin.created_at, _person(admin), client)
        await self._change(stamp.who, changes.set_up, admin, password_hash, stamp)
        self._close_setup()
        return await self._start_session(Account(admin, password_hash, 1), client, page=session)

    def _kept_code(self) -> str:
        try:
            code = self._code_file.read_text("ascii").strip()
        except (FileNotFoundError, UnicodeDecodeError):
            code = ""
        if not _well_formed_code(code):
            code = _new_code(self._token(32))
            write_private(self._code_file, f"{code}\n".encode())
        return code

    def _close_setup(self) -> None:
        self._code = None
        self._code_file.unlink(missing_ok=True)

    # --- logging in and out

    async def login(
        self, username: str, password: str, client: str, *, session: bool = False
    ) -> Tokens | PageSession:
        """Tokens for a program, or a session for the page. client: the address of who is asking.

        Raises Unauthenticated, TooOften, Overloaded. Nothing tells, nor by its time, who exists.
        """
        name = names.usable_username(username) or ""
        await self._admit(client, name)
        account = await self._store.read(users.by_name, name)
        verdict = await self._hasher.check(account.password_hash if account else None, password)
        if account is None or not verdict.right:
            log.warning("login refused", client=client)
            raise Unauthenticated(_WRONG)
        self._limits.succeeded(client, name)
        if not account.user.enabled:
            raise Unauthenticated("This account is switched off; an administrator can switch it on.")
        if verdict.rehashed is not None:
            await self._store.write(users.rehash, account.user.id, account.password_hash, verdict.rehashed)
        return await self._start_session(account, client, page=session)

    async def refresh(self, refresh_token: str, client: str) -> Tokens:
        """The next pair of tokens. A token used twice ends the login it came from: one user is a thief.

        Raises Unauthenticated.
        """
        spent, fresh, now = digest(refresh_token), self._token(32), self._clock()
        outcome = None
        if await self._store.read(sessions.by_id, spent):  # a stranger's guess costs no transaction
            outcome = await self._store.write(changes.exchange, spent, digest(fresh), now, client)
        if isinstance(outcome, tuple):
            session, account = outcome
            return self._tokens(account, session.family, fresh, now)
        if outcome is not None:
            self._forget()
            log.warning("refresh token used twice", user=outcome, client=client)
        raise Unauthenticated("This login has ended; log in again.")

    async def logout(self, secret: str, client: str) -> None:
        """End the login that an access token, refresh token or cookie belongs to; once is enough.

        Raises Unauthenticated for an access token that is not good any more.
        """
        if _looks_like_jwt(secret):
            family = self._token_keys.read(secret, self._clock()).family
        else:
            session = await self._store.read(sessions.by_id, digest(secret))
            if session is None:
                return
            family = session.family
        await self._change(SYSTEM, changes.end_session, family, self._clock(), client)

    async def _start_session(self, account: Account, client: str, *, page: bool) -> Tokens | PageSession:
        now, secret = self._clock(), self._token(32)
        session = Session(
            id=digest(secret),
            kind=sessions.PAGE if page else sessions.REFRESH,
            family=new_id(self._chance),
            user=account.user.id,
            csrf=self._token(32) if page else None,
            created_at=now,
            last_used_at=now,
            expires_at=now + ABSOLUTE,
        )
        stamp = Stamp(now, _person(account.user), client)
        await self._store.write(changes.start_session, session, account.credentials, stamp)
        if session.csrf is not None:
            return PageSession(account.user, secret, session.csrf)
        return self._tokens(account, session.family, secret, now)

    def _tokens(self, account: Account, family: str, refresh_token: str, now: datetime) -> Tokens:
        claims = Claims(account.user.id, family, account.credentials)
        return Tokens(account.user, self._token_keys.sign(claims, now), refresh_token)

    async def _admit(self, client: str, name: str) -> None:
        await trio.sleep(self._limits.admit(client, name))

    # --- who is asking

    def trust_local(self, token: str) -> None:
        """Take whoever shows `token` for the shop PC: only its own account can read it in the data folder.

        It is good until the server stops.
        """
        self._local_token = token

    async def authenticate(self, bearer_or_key: str) -> Principal:
        """Who stands behind an access token, an API key or the local token. Raises Unauthenticated."""
        await trio.lowlevel.checkpoint()
        if self._local_token is not None and _same(bearer_or_key, self._local_token):
            return LOCAL
        shown = keys.parse(bearer_or_key)
        if shown is not None:
            return await self._behind_key(shown)
        if bearer_or_key.startswith(keys.PREFIX):
            raise keys.unknown_key()
        claims = self._token_keys.read(bearer_or_key, self._clock())
        account = await self._login_lookups.recall(
            claims.family, lambda: self._store.read(sessions.family_holder, claims.family)
        )
        if account is None or not _still_means(claims, account):
            raise Unauthenticated("This login has ended; log in again.")
        return _person(account.user)

    async def authenticate_session(self, cookie: str, *, used: bool = True) -> tuple[Principal, str]:
        """Who stands behind a page's cookie, and the CSRF token its unsafe requests must carry.

        used: whether this counts as a sign of life of whoever logged in. Raises Unauthenticated.
        """
        await trio.lowlevel.checkpoint()
        id, now = digest(cookie), self._clock()
        found = await self._page_lookups.recall(id, lambda: self._store.read(sessions.page, id))
        if found is None or not found[1].user.enabled:
            raise Unauthenticated("Log in.")
        session, account = found
        if session.expires_at <= now or session.last_used_at + IDLE <= now:
            raise Unauthenticated("You were away for long; log in again.")
        if used and session.last_used_at + TOUCH_EVERY <= now:
            self._page_lookups.amend(id, (replace(session, last_used_at=now), account))
            await self._touch(sessions.touch, id, now)
        return _person(account.user), session.csrf or ""

    async def _behind_key(self, shown: keys.KeyText) -> Principal:
        kept = await self._key_lookups.recall(shown.id, lambda: self._store.read(kept_keys.by_id, shown.id))
        if kept is None:
            raise keys.unknown_key()
        key, now = kept.key, self._clock()
        keys.verify(shown, key, kept.secret_sha256, now)
        if key.last_used_at is None or key.last_used_at + TOUCH_EVERY <= now:
            self._key_lookups.amend(key.id, replace(kept, key=replace(key, last_used_at=now)))
            await self._touch(kept_keys.touch, key.id, now)
        return keys.principal_of(key)

    async def _touch(
        self, op: Callable[[sqlite3.Connection, str, datetime], None], id: str, now: datetime
    ) -> None:
        try:
            await self._store.write(op, id, now)
        except (StorageFailed, StorageFull, Overloaded) as problem:
            # A full disk must not lock people out of the stop button.
            log.warning("last use not kept", problem=str(problem))

    # --- people

    async def add_user(
        self,
        by: Principal,
        username: str,
        password: str,
        role: Role,
        grant: Grant = EVERYTHING,
        *,
        client: str = "",
    ) -> User:
        """Raises Forbidden, Invalid, and Refused when the name is taken."""
        require(by, Action.MANAGE_USERS)
        user = self._new_user(username, role, grant)
        password_hash = await self._new_hash(password, user.username)
        await self._change(by, changes.add_user, user, password_hash, self._stamp(by, client))
        if role is Role.ADMIN:
            self._close_setup()
        return user

    async def list_users(self, by: Principal) -> list[User]:
        """Everybody, by name. Raises Forbidden."""
        require(by, Action.MANAGE_USERS)
        return await self._store.read(users.all_users)

    async def change_user(
        self,
        by: Principal,
        id: str,
        *,
        role: Role | None = None,
        grant: Grant | None = None,
        enabled: bool | None = None,
        client: str = "",
    ) -> User:
        """Change what is given; the person has to log in again.

        Raises Forbidden, NotFound, and Refused where no enabled administrator would be left.
        """
        require(by, Action.MANAGE_USERS)
        stamp = self._stamp(by, client)
        user = await self._change(by, changes.change_user, id, role, grant, enabled, stamp)
        if user.role is Role.ADMIN and user.enabled:
            self._close_setup()
        return user

    async def disable_user(self, by: Principal, id: str, *, client: str = "") -> User:
        """Switch an account off, at once. Raises Forbidden, NotFound, and Refused for the last admin."""
        return await self.change_user(by, id, enabled=False, client=client)

    async def reset_password(self, by: Principal, id: str, password: str, *, client: str = "") -> None:
        """Give somebody a new password; their logins end. Raises Forbidden, NotFound, Invalid."""
        require(by, Action.MANAGE_USERS)
        account = await self._store.read(users.by_id, id)
        password_hash = await self._new_hash(password, account.user.username if account else "")
        await self._change(by, changes.reset_password, id, password_hash, self._stamp(by, client))

    async def change_own_password(
        self, by: Principal, current: str, password: str, client: str, *, session: bool
    ) -> Tokens | PageSession:
        """A new password for whoever asks and knows the old one. All their logins end; a fresh one is given.

        Raises Forbidden for anybody but a person, Unauthenticated, TooOften, Invalid.
        """
        account = await self._store.read(users.by_id, by.id) if by.kind == "user" else None
        if account is None:
            raise Forbidden("Only a person who logged in has a password to change.")
        await self._admit(client, account.user.username)
        verdict = await self._hasher.check(account.password_hash, current)
        if not verdict.right:
            raise Invalid("This is not your present password.", "current_password")
        self._limits.succeeded(client, account.user.username)
        password_hash = await self._new_hash(password, account.user.username)
        stamp = self._stamp(by, client)
        await self._change(by, changes.change_own_password, account, password_hash, stamp)
        renewed = replace(account, password_hash=password_hash, credentials=account.credentials + 1)
        return await self._start_session(renewed, client, page=session)

    # --- API keys

    async def create_key(
        self,
        by: Principal,
        name: str,
        scopes: Iterable[Scope],
        grant: Grant = EVERYTHING,
        target: str | None = None,
        expires_at: datetime | None = None,
        *,
        client: str = "",
    ) -> tuple[ApiKey, str]:
        """A new key and its text, which nobody can be shown again.

        The key is the farm's, not its maker's: it outlives their account. Raises Forbidden, Invalid.
        """
        require(by, Action.MANAGE_KEYS)
        now, wanted = self._clock(), frozenset(scopes)
        if not wanted:
            raise Invalid("Say what the key is good for: at least one scope.", "scopes")
        if expires_at is not None and expires_at <= now:
            raise Invalid("The key would have expired already.", "expires_at")
        key = ApiKey(
            id=new_id(self._chance),
            name=names.new_key_name(name),
            scopes=wanted,
            grant=grant,
            target=names.new_target(target),
            created_by=str(by),
            created_at=now,
            expires_at=expires_at,
        )
        text = keys.KeyText(key.id, self._token(32))
        stamp = Stamp(now, by, client)
        await self._change(by, changes.add_key, key, keys.hashed(text.secret), stamp)
        return key, str(text)

    async def list_keys(self, by: Principal) -> list[ApiKey]:
        """Every key, newest first, revoked ones too. Raises Forbidden."""
        require(by, Action.MANAGE_KEYS)
        return await self._store.read(kept_keys.all_keys)

    async def revoke_key(self, by: Principal, id: str, *, client: str = "") -> ApiKey:
        """End a key, at once and for ever. Raises Forbidden, NotFound."""
        require(by, Action.MANAGE_KEYS)
        return await self._change(by, changes.revoke_key, id, self._stamp(by, client))

    # --- the audit

    async def read_audit(
        self, by: Principal, before: int | None = None, limit: int = 100
    ) -> list[audit.Entry]:
        """At most `limit` entries, newest first, older than entry `before`. Raises Forbidden."""
        require(by, Action.READ_AUDIT)
        return await self._store.read(audit.entries, before, limit)

    # --- shared by the above

    def _new_user(self, username: str, role: Role, grant: Grant) -> User:
        if role is Role.ADMIN and grant != EVERYTHING:
            raise Invalid("An administrator's rights reach every printer.", "role")
        return User(new_id(self._chance), names.new_username(username), role, True, self._clock(), grant)

    async def _new_hash(self, password: str, username: str) -> str:
        passwords.check_new_password(password, username)
        return await self._hasher.hash(password)

    async def _change(self, by: Principal, op: Callable[[sqlite3.Connection, *_Ts], _T], *args: *_Ts) -> _T:
        try:
            return await self._store.change(by, op, *args)
        finally:  # also when the caller was cut off: the change may be made all the same
            self._forget()

    def _forget(self) -> None:
        for lookups in (self._key_lookups, self._login_lookups, self._page_lookups):
            lookups.forget()

    def _stamp(self, by: Principal, client: str) -> Stamp:
        return Stamp(self._clock(), by, client)


def _person(user: User) -> Principal:
    return Principal("user", user.id, user.username, role=user.role, grant=user.grant)


def _still_means(claims: Claims, account: Account) -> bool:
    return (
        account.user.enabled and account.user.id == claims.user and account.credentials == claims.credentials
    )


def _looks_like_jwt(secret: str) -> bool:
    return secret.count(".") == 2  # cookies and refresh tokens are URL-safe base64, without dots


def _new_code(secret: str) -> str:
    """A set-up code of 40 random bits, XXXX-XXXX."""
    letters = [_CODE_ALPHABET[byte % 32] for byte in hashlib.sha256(secret.encode()).digest()[:8]]
    return "".join(letters[:4]) + "-" + "".join(letters[4:])


def _well_formed_code(code: str) -> bool:
    return len(code) == 9 and code[4] == "-" and set(code[:4] + code[5:]) <= set(_CODE_ALPHABET)


def _same_code(typed: str, code: str | None) -> bool:
    if code is None:
        return False
    return _same("".join(filter(str.isalnum, typed)).upper(), code.replace("-", ""))


def _same(shown: str, kept: str) -> bool:
    return hmac.compare_digest(shown.encode(errors="replace"), kept.encode())
