from __future__ import annotations

import base64
import hmac
import json
import secrets
import stat
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from farm.access import tokens
from farm.access.tokens import LIFETIME, LONGEST, ROTATE_AFTER, Claims, TokenKeys
from farm.errors import SettingsError, Unauthenticated

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
CLAIMS = Claims("u1u1u1u1u1u1", "f1f1f1f1f1f1", 3)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "token-keys.json"


@pytest.fixture
def ring(path):
    return load(path)


def load(path, now=NOW):
    return TokenKeys.load(path, now, secrets.token_urlsafe)


def payload(**changes):
    issued = int(NOW.timestamp())
    return {"sub": "u1", "fam": "f1", "cred": 1, "nbf": issued, "exp": issued + 900} | changes


def forged(ring, body=None, *, secret=None, algorithm="HS256", headers=None):
    key = ring.keys[0]
    return jwt.encode(
        body or payload(),
        key.secret if secret is None else secret,
        algorithm=algorithm,
        headers={"kid": key.kid} if headers is None else headers,
    )


def refused(ring, token, now=NOW):
    with pytest.raises(Unauthenticated):
        ring.read(token, now)
    return True


def test_token_says_what_was_signed(ring):
    token = ring.sign(CLAIMS, NOW)

    assert ring.read(token, NOW) == CLAIMS
    assert len(token) < LONGEST / 1.5


def test_token_ends_after_a_quarter_of_an_hour(ring):
    token = ring.sign(CLAIMS, NOW)

    assert ring.read(token, NOW + LIFETIME - SECOND) == CLAIMS
    assert refused(ring, token, NOW + LIFETIME)


def test_a_forgery_with_the_right_key_would_pass_so_the_refusals_below_mean_something(ring):
    assert ring.read(forged(ring), NOW) == Claims("u1", "f1", 1)


def test_token_from_the_future_is_refused_beyond_a_clock_set_back_a_little(ring):
    issued = int(NOW.timestamp())

    assert ring.read(forged(ring, payload(nbf=issued + 4)), NOW)
    assert refused(ring, forged(ring, payload(nbf=issued + 6)))


def test_unsigned_token_is_refused(ring):
    assert refused(ring, forged(ring, secret="", algorithm="none"))
    header, body, _signature = ring.sign(CLAIMS, NOW).split(".")
    assert refused(ring, f"{header}.{body}.")


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
@pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")
def test_our_own_key_under_another_algorithm_is_refused(ring, algorithm):
    assert refused(ring, forged(ring, algorithm=algorithm))


def signed(header, body, secret):
    """A token put together by hand, with what PyJWT would not write into its header."""
    head, rest = (_base64(json.dumps(part).encode()) for part in (header, body))
    seal = hmac.digest(secret.encode(), f"{head}.{rest}".encode(), "sha256")
    return f"{head}.{rest}.{_base64(seal)}"


def _base64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.mark.parametrize("kid", ["other", "", 7, None, ["x"]])
def test_unknown_missing_or_odd_kid_is_refused_though_the_signature_is_ours(ring, kid):
    header = {"alg": "HS256", "typ": "JWT"}
    key = ring.keys[0]
    assert ring.read(signed(header | {"kid": key.kid}, payload(), key.secret), NOW)

    assert refused(ring, signed(header | {"kid": kid}, payload(), key.secret))
    assert refused(ring, signed(header, payload(), key.secret))


def test_overlong_token_is_refused_before_anything_is_looked_at(ring):
    assert refused(ring, forged(ring, payload(sub="u" * LONGEST)))


def test_other_secret_under_our_kid_is_refused(ring):
    assert refused(ring, forged(ring, secret=secrets.token_urlsafe(32)))


def test_one_changed_character_is_refused_anywhere(ring):
    token = ring.sign(CLAIMS, NOW)
    for place in range(0, len(token) - 1, 5):  # the very last character has two idle bits
        other = "A" if token[place] != "A" else "B"
        assert refused(ring, token[:place] + other + token[place + 1 :])


@pytest.mark.parametrize(
    "body",
    [
        payload(cred="1"),
        payload(cred=True),
        payload(exp=None),
        payload(role="admin"),
        {key: value for key, value in payload().items() if key != "exp"},
    ],
)
def test_signed_but_odd_payload_is_refused(ring, body):
    assert refused(ring, forged(ring, body))


@given(st.text(max_size=600))
@example("." * 3)
@example("a.b.c")
@example("\ud800.\ud800.\ud800")
@example(base64.urlsafe_b64encode(b"[" * 99_999).decode() + ".e30.e30")
@example(base64.urlsafe_b64encode(b"[" * 369).decode() + ".e30.e30")
def test_any_other_text_is_refused_and_crashes_nothing(text):
    ring = TokenKeys(Path("never-written"), [])

    assert refused(ring, text)


def test_keys_survive_a_restart_and_lie_in_a_private_file(path, ring):
    token = ring.sign(CLAIMS, NOW)

    assert load(path).read(token, NOW) == CLAIMS
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_token_of_the_last_key_stays_good_and_that_of_the_one_before_does_not(ring):
    oldest = ring.sign(CLAIMS, NOW)
    ring.rotate(NOW, secrets.token_urlsafe)
    old = ring.sign(CLAIMS, NOW)
    assert ring.read(oldest, NOW) == CLAIMS
    ring.rotate(NOW, secrets.token_urlsafe)

    assert ring.read(old, NOW) == ring.read(ring.sign(CLAIMS, NOW), NOW) == CLAIMS
    assert refused(ring, oldest), "though it was read before"


def test_good_tokens_are_remembered_and_only_so_many(ring, monkeypatch):
    monkeypatch.setattr(tokens, "REMEMBERED", 3)
    signed = [ring.sign(Claims("u1", "f1", number), NOW) for number in range(10)]
    for _ in range(2):
        for token in signed:
            ring.read(token, NOW)

    assert list(ring._good) == signed[-3:]
    assert refused(ring, "a.b.c")
    assert len(ring._good) == 3


def test_old_key_is_renewed_at_a_start(path, ring):
    token = ring.sign(CLAIMS, NOW)

    assert load(path, NOW + ROTATE_AFTER - SECOND).keys == ring.keys
    later = load(path, NOW + ROTATE_AFTER)
    assert later.keys[1:] == ring.keys
    assert later.read(token, NOW) == CLAIMS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"keys": []}',
        '{"keys": [{"kid": "a", "secret": "short", "made_at": "2026-03-02T08:00:00Z"}]}',
        f'{{"keys": [{{"kid": "a", "secret": "{"x" * 43}", "made_at": "yesterday"}}]}}',
    ],
)
def test_damaged_key_file_is_refused_with_what_to_do(path, text):
    path.write_text(text)

    with pytest.raises(SettingsError, match="Delete it"):
        load(path)


def test_unreadable_key_file_is_refused(path):
    path.mkdir()

    with pytest.raises(SettingsError, match="cannot be read"):
        load(path)


def test_secret_shows_in_no_repr(ring):
    assert ring.keys[0].secret not in repr(ring)
