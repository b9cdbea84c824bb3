"""Access tokens: short-lived JWTs, signed with one algorithm and one of two keys from a private file."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import jwt
import msgspec

from farm.domain.clock import iso, parse_iso
from farm.errors import SettingsError, Unauthenticated
from farm.platform import write_private

ALGORITHM = "HS256"
LIFETIME = timedelta(minutes=15)
ROTATE_AFTER = timedelta(days=90)
LEEWAY_S = 5  # the shop PC's clock may be set back a little between signing and reading
LONGEST = 512  # characters; ours have about 260, and PyJWT looks at each one in Python
REMEMBERED = 1024  # good tokens; checking a signature anew costs 0.13 ms of the loop
MOST_KEYS = 2  # the one that signs and the one before it, whose tokens still run

_JWS = jwt.PyJWS(algorithms=[ALGORITHM])

Token = Callable[[int], str]
"""Answers a secret of so many random bytes as URL-safe text: `secrets.token_urlsafe`, or a replay's own."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What an access token says. family: the login it descends from; credentials: see the users table."""

    user: str
    family: str
    credentials: int


class _Payload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sub: str
    fam: str
    cred: int
    nbf: int
    exp: int


class _SigningKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kid: str
    secret: Annotated[str, msgspec.Meta(min_length=32)]  # HS256 wants a key as long as its hash
    made_at: str


class _KeyFile(msgspec.Struct, forbid_unknown_fields=True):
    keys: Annotated[list[_SigningKey], msgspec.Meta(min_length=1, max_length=MOST_KEYS)]


@dataclass(slots=True)
class TokenKeys:
    """The signing keys, newest first; the file is written before a new key signs anything."""

    path: Path
    keys: list[_SigningKey] = field(repr=False)
    _good: OrderedDict[str, _Payload] = field(default_factory=OrderedDict, repr=False)

    @classmethod
    def load(cls, path: Path, now: datetime, token: Token) -> TokenKeys:
        """The keys in the file; made at the first run, renewed when old. Raises SettingsError."""
        try:
            ring = cls(path, msgspec.json.decode(path.read_bytes(), type=_KeyFile).keys)
            stale = now - parse_iso(ring.keys[0].made_at) >= ROTATE_AFTER
        except FileNotFoundError:
            ring, stale = cls(path, []), True
        except (msgspec.MsgspecError, ValueError) as problem:
            raise SettingsError(
                f"{path} is damaged. Delete it: a new one is made, and programs log in again."
            ) from problem
        except OSError as problem:
            raise SettingsError(f"{path} cannot be read: {problem.strerror}.") from problem
        if stale:
            ring.rotate(now, token)
        return ring

    def rotate(self, now: datetime, token: Token) -> None:
        """Sign with a fresh key from now on; tokens of the last one stay good until they end."""
        fresh = _SigningKey(kid=token(9), secret=token(32), made_at=iso(now))
        keys = [fresh, *self.keys][:MOST_KEYS]
        write_private(self.path, msgspec.json.encode(_KeyFile(keys)))
        self.keys = keys
        self._good.clear()

    def sign(self, claims: Claims, now: datetime) -> str:
        """An access token that says `claims` for the next 15 minutes."""
        issued = int(now.timestamp())
        payload = _Payload(
            sub=claims.user,
            fam=claims.family,
            cred=claims.credentials,
            nbf=issued,
            exp=issued + int(LIFETIME.total_seconds()),
        )
        key = self.keys[0]
        return _JWS.encode(
            msgspec.json.encode(payload), key.secret, algorithm=ALGORITHM, headers={"kid": key.kid}
        )

    def read(self, token: str, now: datetime) -> Claims:
        """What a token says, once its signature and times are found good. Raises Unauthenticated."""
        payload = self._good.get(token) or self._verified(token)
        # PyJWT would ask the machine's clock; ours is handed in.
        seconds = now.timestamp()
        if payload.exp <= seconds or payload.nbf > seconds + LEEWAY_S:
            raise Unauthenticated("The access token has ended; refresh it or log in again.")
        return Claims(payload.sub, payload.fam, payload.cred)

    def _verified(self, token: str) -> _Payload:
        if len(token) > LONGEST:
            raise _not_ours()
        try:
            kid = _JWS.get_unverified_header(token).get("kid")
            secret = next(key.secret for key in self.keys if key.kid == kid)
            body = _JWS.decode(token, secret, algorithms=[ALGORITHM])
            payload = msgspec.json.decode(body, type=_Payload)
        except (jwt.PyJWTError, msgspec.MsgspecError, StopIteration, ValueError) as problem:
            raise _not_ours() from problem
        self._good[token] = payload
        if len(self._good) > REMEMBERED:
            self._good.popitem(last=False)
        return payload


def _not_ours() -> Unauthenticated:
    return Unauthenticated("This access token is not one of ours; log in again.")


def digest(secret: str) -> str:
    """What the store keeps of a cookie or refresh token: hexadecimal SHA-256."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
