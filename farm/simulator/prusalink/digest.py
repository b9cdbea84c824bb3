"""HTTP Digest (RFC 7616, MD5-sess) as PrusaLink asks for it: a challenge, and whether an answer holds."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

REALM = "Administrator"
_PART = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')


def challenge(nonce: str) -> str:
    """What stands behind WWW-Authenticate."""
    return f'Digest realm="{REALM}",qop="auth",algorithm="MD5-sess",nonce="{nonce}",opaque="{_hash(nonce)}"'


def proves(authorization: str, user: str, password: str, nonce: str, method: str, path: str) -> bool:
    """Whether this header comes from somebody who knows the password, for this request, after our challenge.

    path: decoded.
    """
    kind, _, rest = authorization.partition(" ")
    parts = {name.lower(): quoted or bare for name, quoted, bare in _PART.findall(rest)}
    if kind.lower() != "digest" or parts.get("username") != user or parts.get("nonce") != nonce:
        return False
    if unquote(urlsplit(parts.get("uri", "")).path) != path:
        return False
    wanted = response(parts, password, method)
    return secrets.compare_digest(wanted.encode(), parts.get("response", "").encode())


def response(parts: Mapping[str, str], password: str, method: str) -> str:
    """What somebody answers who knows the password. parts: of the header, but for the response itself."""
    known = _hash(f"{parts.get('username')}:{REALM}:{password}")
    known = _hash(f"{known}:{parts.get('nonce')}:{parts.get('cnonce', '')}")
    asked = _hash(f"{method}:{parts.get('uri')}")
    middle = ":".join(parts.get(name, "") for name in ("nonce", "nc", "cnonce", "qop"))
    return _hash(f"{known}:{middle}:{asked}")


def _hash(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
