"""Passwords proved as RFC 7616 wants it, and challenges that make no sense."""

from __future__ import annotations

import contextlib
import hashlib
import re

import httpx
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from farm.drivers.base import AnswerLost
from farm.drivers.digest import Digest
from farm.drivers.exchange import Envelope, Request
from farm.drivers.http import Http
from farm.errors import Invalid, ProtocolError
from tests.peers.raw_peer import answering, raw_peer

USER, PASSWORD, REALM, NONCE = "maker", "Grüße-1", "Administrator", "d1fe54076b"
LOOK = Request("GET", "/api/version")
ALGORITHMS = {"MD5": "md5", "MD5-sess": "md5", "SHA-256": "sha256", "SHA-256-sess": "sha256"}


def challenge(algorithm: str | None = "MD5-sess", nonce: str = NONCE) -> str:
    said = f'Digest realm="{REALM}",qop="auth",nonce="{nonce}",opaque="49960de588"'
    return said if algorithm is None else f'{said},algorithm="{algorithm}"'


def proves_it(request: bytes, algorithm: str) -> bool:
    """Reckoned here once more, from the RFC: whether a request comes from somebody who knows the password."""
    head = request.decode()
    sent = dict(re.findall(r'(\w+)="?([^",]*)"?(?:, |\r\n)', head.partition("Authorization: Digest ")[2]))
    method, path = head.split()[:2]

    def hashed(*parts: str) -> str:
        return hashlib.new(ALGORITHMS[algorithm], ":".join(parts).encode(), usedforsecurity=False).hexdigest()

    secret = hashed(USER, REALM, PASSWORD)
    if algorithm.endswith("-sess"):
        secret = hashed(secret, sent["nonce"], sent["cnonce"])
    proof = hashed(secret, sent["nonce"], sent["nc"], sent["cnonce"], "auth", hashed(method, path))
    return sent["uri"] == path and sent["response"] == proof


class Guarded:
    """A peer that wants to see the password proved, and counts how often it is asked."""

    def __init__(self, algorithm: str, said: str | None = "") -> None:
        self.algorithm = algorithm
        self.said = challenge(algorithm) if said == "" else challenge(said)
        self.asked = 0

    async def __call__(self, stream: trio.SocketStream, request: bytes) -> None:
        self.asked += 1
        if b"Authorization: Digest" in request and proves_it(request, self.algorithm):
            await answering("200 OK", b"{}")(stream, request)
        else:
            await answering("401 Unauthorized", b"", f"WWW-Authenticate: {self.said}")(stream, request)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_the_password_is_proved_and_the_challenge_kept(nursery: trio.Nursery, algorithm: str) -> None:
    peer = Guarded(algorithm)
    http = Http(await raw_peer(nursery, peer), "PrusaLink", {}, digest=Digest(USER, PASSWORD, "PrusaLink"))

    for _ in range(3):
        assert (await http.send(LOOK)).status == 200

    assert peer.asked == 4  # only the first one went out twice
    await http.aclose()


async def test_a_host_that_names_no_algorithm_means_md5(nursery: trio.Nursery) -> None:
    peer = Guarded("MD5", said=None)
    http = Http(await raw_peer(nursery, peer), "PrusaLink", {}, digest=Digest(USER, PASSWORD, "PrusaLink"))

    assert (await http.send(LOOK)).status == 200
    await http.aclose()


async def test_a_wrong_password_is_asked_for_twice_and_then_told(nursery: trio.Nursery) -> None:
    peer = Guarded("MD5")
    http = Http(await raw_peer(nursery, peer), "PrusaLink", {}, digest=Digest(USER, "wrong", "PrusaLink"))

    assert (await http.send(LOOK)).status == 401
    assert peer.asked == 2
    await http.aclose()


async def test_a_file_in_whose_middle_the_password_is_asked_for_can_be_sent_again(
    nursery: trio.Nursery, tmp_path
) -> None:
    peer = Guarded("MD5")
    http = Http(await raw_peer(nursery, peer), "PrusaLink", {}, digest=Digest(USER, PASSWORD, "PrusaLink"))
    source = tmp_path / "part.gcode"
    source.write_bytes(b"G28\n" * 5)
    put = Request("PUT", "/api/v1/files/local/part.gcode")

    with pytest.raises(AnswerLost, match="in the middle of a file"):
        await http.send_file(put, source, 20, Envelope("text/x.gcode"))
    answer, _ = await http.send_file(put, source, 20, Envelope("text/x.gcode"))

    assert answer.status == 200
    await http.aclose()


@pytest.mark.parametrize(
    "said",
    [
        'Digest realm="x"',
        "Digest nonce",
        'Digest realm="x",nonce="y",algorithm="ROT13"',
        'Digest realm="x",nonce="y",qop="auth-int"',
        'Digest realm="x",nonce="y",qop="maybe"',
        'Digest realm="\u00fc",nonce="y"',
    ],
)
async def test_a_challenge_without_sense_is_told_and_spoils_nothing(nursery: trio.Nursery, said: str) -> None:
    peer = Guarded("MD5")
    url = await raw_peer(nursery, peer)
    digest = Digest(USER, PASSWORD, "PrusaLink")
    sensible, peer.said = peer.said, said
    http = Http(url, "PrusaLink", {}, digest=digest)

    with pytest.raises(ProtocolError, match="does not know"):
        await http.send(LOOK)
    peer.said = sensible

    assert (await http.send(LOOK)).status == 200
    await http.aclose()


@given(
    st.lists(st.one_of(st.text(max_size=60), st.text(max_size=60).map("Digest {}".format)), max_size=3),
    st.integers(100, 599),
)
def test_whatever_is_asked_for_ends_in_an_answer_or_a_sentence(said: list[str], status: int) -> None:
    digest = Digest(USER, PASSWORD, "PrusaLink")
    for _ in range(2):
        request = httpx.Request("GET", "http://192.168.1.20/api/version")
        with contextlib.suppress(ProtocolError):
            digest.sign(request)
            digest.is_challenged(request, status, said)


@given(
    st.dictionaries(st.sampled_from(["realm", "nonce", "qop", "algorithm", "opaque"]), st.text(max_size=9))
)
def test_every_half_challenge_is_a_challenge_or_a_sentence(parts: dict[str, str]) -> None:
    digest = Digest(USER, PASSWORD, "PrusaLink")
    said = "Digest " + ",".join(f'{name}="{value}"' for name, value in parts.items())
    request = httpx.Request("GET", "http://192.168.1.20/api/version")
    with contextlib.suppress(ProtocolError):
        digest.is_challenged(request, 401, [said])
        digest.sign(request)


@pytest.mark.parametrize("username", ["a:b", 'a"b', "a\nb", "ä", "a\\b"])
def test_a_name_that_fits_in_no_header_is_refused(username: str) -> None:
    with pytest.raises(Invalid) as caught:
        Digest(username, PASSWORD, "PrusaLink")
    assert caught.value.field == "connection.username"
