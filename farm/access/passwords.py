"""Passwords: argon2id, off the loop, never more than a few at once."""

from __future__ import annotations

import base64
import secrets
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, TypeVarTuple

import trio
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from farm.errors import Invalid, Overloaded

SHORTEST = 12  # characters
LONGEST = 1024  # bytes of UTF-8; argon2 takes any length, but nobody types more
AT_ONCE = 2  # each hash holds 19 MiB and a core; fifty logins at once must not
MOST_WAITING = 64  # a flood of logins is refused rather than queued without end

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one hash costs. The default is OWASP's minimum: about 60 ms on a shop PC."""

    memory_kib: int = 19 * 1024
    passes: int = 2
    lanes: int = 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """right: whether it was the password. rehashed: a hash at today's cost, where the old one had another."""

    right: bool
    rehashed: str | None = None


WRONG = Verdict(right=False)


def check_new_password(password: str, username: str) -> None:
    """Raises Invalid for a password nobody should have. No composition rules: length is what counts."""
    if len(password) < SHORTEST:
        raise Invalid(
            f"A password has at least {SHORTEST} characters; three or four words do well.", "password"
        )
    if len(_bytes(password)) > LONGEST:
        raise Invalid(f"A password has at most {LONGEST} bytes.", "password")
    if _plain(password) == _plain(username):
        raise Invalid("The password may not be the user name.", "password")


class Hasher:
    """Makes and checks password hashes in threads of its own; `inline` for tests and replays."""

    def __init__(self, *, inline: bool = False, cost: Cost | None = None) -> None:
        cost = cost or Cost()
        self._argon2 = PasswordHasher(cost.passes, cost.memory_kib, cost.lanes)
        self._nobody = _hash_of_nothing(cost, self._argon2)
        self._inline = inline
        self._turns = trio.CapacityLimiter(AT_ONCE)

    async def hash(self, password: str) -> str:
        """The hash to keep for a new password. Raises Overloaded when too many wait already."""
        return await self._run(self._argon2.hash, _bytes(password))

    async def check(self, kept: str | None, password: str) -> Verdict:
        """Whether `password` made the hash `kept`; None, for a user who is not there, costs the same.

        Raises Overloaded when too many wait already.
        """
        typed = _bytes(password)
        if len(typed) > LONGEST:  # nobody's password, whoever was asked for
            return WRONG
        return await self._run(self._check_now, kept, typed)

    def _check_now(self, kept: str | None, typed: bytes) -> Verdict:
        try:
            self._argon2.verify(kept or self._nobody, typed)
        except (VerificationError, InvalidHashError):
            return WRONG
        if kept is None:
            return WRONG
        outdated = self._argon2.check_needs_rehash(kept)
        return Verdict(right=True, rehashed=self._argon2.hash(typed) if outdated else None)

    async def _run(self, work: Callable[[*_Ts], _T], *args: *_Ts) -> _T:
        if self._inline:
            await trio.lowlevel.checkpoint()
            return work(*args)
        if self._turns.statistics().tasks_waiting >= MOST_WAITING:
            raise Overloaded("Too many people are logging in at once; try again in a moment.")
        return await trio.to_thread.run_sync(work, *args, limiter=self._turns)


def _bytes(password: str) -> bytes:
    # One keyboard composes "ü", another sends "u" and dots: the same password to its owner (NIST 800-63B).
    # JSON can hold half a surrogate pair, which is no reason to fail with anything but "wrong".
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold()


def _hash_of_nothing(cost: Cost, argon2: PasswordHasher) -> str:
    """A well-formed hash that no known password makes, so that asking for nobody costs a whole check."""
    salt, digest = (
        base64.b64encode(secrets.token_bytes(length)).decode().rstrip("=")
        for length in (argon2.salt_len, argon2.hash_len)
    )
    return f"$argon2id$v=19$m={cost.memory_kib},t={cost.passes},p={cost.lanes}${salt}${digest}"
