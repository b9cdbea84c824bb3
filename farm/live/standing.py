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


@dataclass(frozen=True, slots=True)
class Finding:
    """Who was behind a credential when somebody looked again, at the gate's `revision`.

    principal: None for nobody, as `problem` says; where that is empty nobody could tell.
    """

    credential: Credential
    revision: int
    principal: Principal | None = None
    problem: str = ""


async def look_again(gate: Gate, credential: Credential) -> Finding:
    """See whether a credential is still good. A page left open is not in use because of that."""
    revision = gate.revision
    try:
        return Finding(credential, revision, await _look_up(gate, credential, used=False))
    except Unauthenticated as problem:
        return Finding(credential, revision, problem=str(problem))
    except FarmError:  # the database is away, and while nothing can be written no rights change
        return Finding(credential, revision)


async def _look_up(gate: Gate, credential: Credential, *, used: bool = True) -> Principal:
    if not credential.is_cookie:
        return await gate.authenticate(credential.secret)
    principal, _ = await gate.authenticate_session(credential.secret, used=used)
    return principal


class Standing:
    """What one client showed, and who it is therefore. It stays the one person it was opened by."""

    def __init__(self, gate: Gate) -> None:
        self.credential: Credential | None = None
        self.principal: Principal | None = None
        self._gate = gate
        self._good_at = 0  # the gate's revision when the credential was last found good

    async def show(self, credential: Credential) -> None:
        """Take in what the client shows. Raises Unauthenticated, Refused for somebody else's, FarmError."""
        revision = self._gate.revision
        principal = await _look_up(self._gate, credential)
        if self.principal not in (None, principal):
            raise Refused("this is somebody else's; connect again to change who you are")
        self.credential, self.principal, self._good_at = credential, principal, revision

    def judge(self, finding: Finding) -> Lost | None:
        """What follows for this client from what was found about a credential."""
        if finding.credential != self.credential:  # it has shown a new one meanwhile
            return None
        if finding.problem:
            # Only changes of rights move the gate's revision: without one, time alone has passed.
            # A page cannot show another cookie on this line: it logs in and comes back.
            revoked = finding.credential.is_cookie or finding.revision != self._good_at
            return Lost(finding.problem, revoked)
        if finding.principal is None:
            return None
        if finding.principal != self.principal:
            return Lost("your rights were changed; connect again", revoked=True)
        self._good_at = max(self._good_at, finding.revision)
        return None
