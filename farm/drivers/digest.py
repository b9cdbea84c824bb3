"""Proving that one knows a password without sending it, as print hosts ask for it (RFC 7616).

The arithmetic is httpx's: MD5 and the SHA families, with and without sessions. Its client, which usually does
the talking, is not used here, so its generators are led by hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx

from farm.errors import Invalid, ProtocolError

_SENSELESS = (KeyError, ValueError, NotImplementedError, httpx.ProtocolError)


class Digest:
    """One user's password for one peer. Keeps its last challenge, so that most requests go out once."""

    def __init__(self, username: str, password: str, peer: str) -> None:
        """Raises Invalid for a name that does not fit into a header."""
        if not (username.isascii() and username.isprintable()) or set(username) & set('":\\'):
            raise Invalid("The user name holds characters that no print host takes.", "connection.username")
        self._known_to_us = (username, password)
        self._peer = peer
        self._auth = httpx.DigestAuth(*self._known_to_us)

    def sign(self, request: httpx.Request) -> None:
        """Put the proof into a request's headers, as far as it is known what the peer wants to see."""
        with self._made_sense_of():
            next(self._auth.auth_flow(request))

    def is_challenged(self, request: httpx.Request, status: int, challenges: Sequence[str]) -> bool:
        """Whether the peer asks for a proof that `request` did not give; it is signed anew.

        challenges: the WWW-Authenticate headers of the answer. Raises ProtocolError for one without sense.
        """
        headers = [("WWW-Authenticate", challenge) for challenge in challenges]
        with self._made_sense_of():
            flow = self._auth.auth_flow(request)
            next(flow)
            try:
                flow.send(httpx.Response(status, headers=headers, request=request))
            except StopIteration:
                return False
        return True

    @contextmanager
    def _made_sense_of(self) -> Iterator[None]:
        try:
            yield
        except _SENSELESS as error:
            self._auth = httpx.DigestAuth(*self._known_to_us)  # or the challenge would spoil what comes after
            words = f"{self._peer} asks for the password in a way that the farm does not know."
            raise ProtocolError(words) from error
