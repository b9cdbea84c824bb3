"""Trust, tried against a TLS server on loopback: by request and by push socket alike."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from farm.drivers.exchange import Request
from farm.drivers.http import Http
from farm.drivers.tls import trusting
from farm.drivers.websocket import hold_push_socket
from farm.errors import Invalid, PrinterUnreachable, Refused
from tests.peers.certificates import Certificate, certificate
from tests.peers.push_peer import Pushed, push_peer
from tests.peers.raw_peer import answering


async def by_request(url: str, trust: str) -> None:
    http = Http(url, "OctoPrint", {"X-Api-Key": "secret"}, trust=trust)
    try:
        assert (await http.send(Request("GET", "/api/version"))).status == 200
    finally:
        await http.aclose()


async def by_push_socket(url: str, trust: str) -> None:
    def stop(message: str) -> None:
        assert message == "hello"
        raise Refused("reached")

    with pytest.raises(Refused, match="reached"):
        await hold_push_socket(url, "/socket", "OctoPrint", lambda socket: socket.listen(stop), trust)


both_ways = pytest.mark.parametrize("reach", [by_request, by_push_socket], ids=lambda way: way.__name__)


async def tls_server(nursery: trio.Nursery, shown: Certificate, folder: Path) -> str:
    async def hello(pushed: Pushed) -> None:
        await pushed.say("hello")
        await trio.sleep_forever()

    return await push_peer(nursery, hello, answering("200 OK", b"{}"), shown.server_context(folder))


@both_ways
async def test_a_pinned_certificate_is_trusted_whatever_it_says(nursery, tmp_path, reach) -> None:
    shown = certificate(address="192.0.2.7", ended_days_ago=300)  # another name, and long over
    url = await tls_server(nursery, shown, tmp_path)

    await reach(url, shown.fingerprint)
    colons = ":".join(shown.fingerprint[7:][at : at + 2] for at in range(0, 64, 2))
    await reach(url, f" sha256:{colons.upper()} ")


@both_ways
async def test_another_certificate_than_the_pinned_one_gets_no_byte(nursery, tmp_path, reach) -> None:
    shown, pinned = certificate(), certificate()
    heard = []

    async def listen(stream, request):
        heard.append(request)

    async def never(pushed):
        heard.append(pushed)

    url = await push_peer(nursery, never, listen, shown.server_context(tmp_path))

    with pytest.raises(PrinterUnreachable, match=f"another certificate .*{shown.fingerprint}"):
        await reach(url, pinned.fingerprint)
    await trio.sleep(0.05)
    assert heard == []


@both_ways
async def test_a_hosts_own_certificate_may_be_given_as_a_file(nursery, tmp_path, reach) -> None:
    shown = certificate()
    url = await tls_server(nursery, shown, tmp_path)

    await reach(url, shown.pem)


@both_ways
async def test_an_authority_of_the_shop_is_trusted_and_no_other(nursery, tmp_path, reach) -> None:
    ours, other = certificate(authority=True), certificate(authority=True)
    url = await tls_server(nursery, certificate(signed_by=ours), tmp_path)

    await reach(url, ours.pem)
    await reach(url, other.pem + ours.pem)
    with pytest.raises(PrinterUnreachable, match="this computer does not trust: enter its fingerprint"):
        await reach(url, other.pem)


@both_ways
async def test_under_an_authority_the_name_counts(nursery, tmp_path, reach) -> None:
    ours = certificate(authority=True)
    url = await tls_server(nursery, certificate("192.0.2.7", signed_by=ours), tmp_path)

    with pytest.raises(PrinterUnreachable, match="made out to another name"):
        await reach(url, ours.pem)


@both_ways
async def test_the_system_does_not_trust_a_host_that_signed_for_itself(nursery, tmp_path, reach) -> None:
    url = await tls_server(nursery, certificate(), tmp_path)

    with pytest.raises(PrinterUnreachable, match="does not trust"):
        await reach(url, "system")


@pytest.mark.parametrize(
    "trust",
    [
        "",
        "none",
        "sha256:",
        "sha256:" + "0" * 63,
        "sha256:" + "g" * 64,
        "sha1:" + "0" * 40,
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n\xff",
        "/etc/ssl/certs",
    ],
)
@pytest.mark.parametrize("url", ["https://printer", "http://printer"])
def test_a_trust_that_is_none_names_its_field(trust: str, url: str) -> None:
    with pytest.raises(Invalid) as caught:
        Http(url, "OctoPrint", {}, trust=trust)
    assert caught.value.field == "connection.tls"


def test_printers_with_the_same_trust_share_it() -> None:
    pin = certificate().fingerprint

    assert trusting(pin) is trusting(pin)
    assert trusting(pin) is not trusting(certificate().fingerprint)
