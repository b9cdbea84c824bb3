"""Whom a connection to a print host trusts: the system's authorities, one of the shop's, or one certificate.

Print hosts in a shop mostly made their certificate themselves. Pinning its fingerprint is then safer than
any authority: it is that very host or nobody.
"""

from __future__ import annotations

import hashlib
import re
import ssl
from functools import cache, lru_cache

from farm.errors import Invalid

SYSTEM = "system"
_PIN = re.compile(r"sha256:((?:[0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2})")
OTHER = "another certificate than the one trusted"
_FIELD = "connection.tls"


@lru_cache(256)  # a context with the system's certificates takes 30 ms and 0.8 MB to make: printers share it
def trusting(trust: str) -> ssl.SSLContext:
    """A client context that trusts as told.

    trust: "system", the text of a PEM file with one or more certificates, or "sha256:" and a certificate's
    fingerprint in hexadecimal, with or without colons. Under a fingerprint the certificate's names, dates
    and issuer do not count; under the other two its name has to be the one in the address. Raises Invalid.
    """
    if trust == SYSTEM:
        return ssl.create_default_context()
    if pin := _PIN.fullmatch(trust.strip()):
        return _pinned(bytes.fromhex(pin[1].replace(":", "")))
    if "BEGIN CERTIFICATE" in trust:
        return _authority(trust)
    raise Invalid(
        'Trust is "system", a certificate as PEM text, or "sha256:" and the fingerprint of a certificate.',
        _FIELD,
    )


@cache
def trusting_nobody() -> ssl.SSLContext:
    """For addresses without TLS, whose transport wants a context all the same."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _authority(pem: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # create_default_context is stricter than old hosts are
    try:
        context.load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError, TypeError) as error:  # TypeError: not ASCII
        words = "The certificate is not whole: paste the PEM file with its first and last line."
        raise Invalid(words, _FIELD) from error
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the host's own certificate may be given, too
    return context


def _pinned(fingerprint: bytes) -> ssl.SSLContext:
    class Pinned(ssl.SSLObject):
        """A connection whose handshake only succeeds with the one certificate."""

        def do_handshake(self) -> None:
            super().do_handshake()
            shown = self.getpeercert(binary_form=True) or b""
            found = hashlib.sha256(shown).digest()
            if found != fingerprint:
                raise ssl.SSLCertVerificationError(f"{OTHER}, sha256:{found.hex()}")

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # the fingerprint is checked instead, before a byte of ours is sent
    context.sslobject_class = Pinned
    return context
