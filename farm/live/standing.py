"""Who is at the other end of a connection, and whether they may stay."""

from __future__ import annotations

from dataclasses import dataclass, field

from farm.access.gate import Gate
from farm.domain.user import Principal
from farm.errors import FarmError, Refused, Unauthenticated


@dataclass(frozen=True, slots=True)
class Credential:
    """What a client showed: an access token or API key, or a page's session cookie."""

    secret: str = field(repr=False)
    is_cookie: bool = False


@dataclass(frozen=True, slots=True)
class Lost:
    """Why a credential is good no more. revoked: somebody took it away; else its time is up."""

    why: str
    revoked: bool


class Standing:
    """What one client showed, and who it is therefore. It stays the one person it was opened by."""

    def __init__(self, gate: Gate) -> None:
        self.credential: Credential | None = None
        self.principal: Principal | None = None
        self._gate = gate
        self._good_at = 0  # the gate's revision when the credential was last found good
        self._checking = False

    async def show(self, credential: Credential) -> None:
        """Take in what the client shows. Raises Unauthenticated, Refused for somebody else's, FarmError."""
        revision = self._gate.revision
        principal = await self._look_up(credential)
        if self.principal not in (None, principal):
            raise Refused("this is somebody else's; connect again to change who you are")
        self.credential, self.principal, self._good_at = credential, principal, revision

    async def check(self) -> Lost | None:
        """See whether the credential is still good. A page left open is not in use because of that."""
        credential = self.credential
        if credential is None or self._checking:
            return None
        self._checking = True
        try:
            return await self._check(credential)
        finally:
            self._checking = False

    async def _check(self, credential: Credential) -> Lost | None:
        revision = self._gate.revision
        try:
            principal = await self._look_up(credential, used=False)
        except Unauthenticated as problem:
            if credential is not self.credential:  # it has shown a new one meanwhile
                return None
            # Only changes of rights move the gate's revision: without one, time alone has passed.
            # A page cannot show another cookie on this line: it logs in and comes back.
            return Lost(str(problem), revoked=credential.is_cookie or revision != self._good_at)
        except FarmError:
            return None  # the database is away, and while nothing can be written no rights change
        if principal != self.principal:
            return Lost("your rights were changed; connect again", revoked=True)
        self._good_at = revision
        return None

    async def _look_up(self, credential: Credential, *, used: bool = True) -> Principal:
        if not credential.is_cookie:
            return await self._gate.authenticate(credential.secret)
        principal, _ = await self._gate.authenticate_session(credential.secret, used=used)
        return principal
