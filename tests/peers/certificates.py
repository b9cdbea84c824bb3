"""Certificates made on the spot: a server's own, signed by itself or by an authority of the test."""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import secrets
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Certificate:
    """A certificate with its key, and what a person would enter to trust it."""

    made: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        return self.made.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def fingerprint(self) -> str:
        return f"sha256:{hashlib.sha256(self.made.public_bytes(serialization.Encoding.DER)).hexdigest()}"

    def server_context(self, folder: Path) -> ssl.SSLContext:
        """What a TLS server with this certificate uses."""
        file = folder / "server.pem"
        key = self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        file.write_bytes(self.pem.encode() + key)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(file)
        return context


def certificate(
    address: str = "127.0.0.1",
    signed_by: Certificate | None = None,
    ended_days_ago: int = -1,
    authority: bool = False,
) -> Certificate:
    """A certificate for an IP address, valid until tomorrow; signed by itself by default."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, secrets.token_hex(8))])
    end = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=ended_days_ago)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(signed_by.made.subject if signed_by else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - datetime.timedelta(days=10))
        .not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), False)
        .add_extension(x509.BasicConstraints(authority, None), True)
    )
    return Certificate(builder.sign(signed_by.key if signed_by else key, hashes.SHA256()), key)
