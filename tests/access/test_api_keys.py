from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from farm.access import keys
from farm.domain.user import EVERYTHING, ApiKey, Scope
from farm.errors import Unauthenticated

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SECRET = "s" * 43
KEY = ApiKey("abc123abc123", "PrusaSlicer", frozenset({Scope.UPLOAD}), EVERYTHING, "queue", "user:u1", NOW)

ids = st.text("0123456789abcdefghijklmnopqrstuvwxyz", min_size=12, max_size=12)
url_safe = st.text(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", min_size=43, max_size=43
)


@given(ids, url_safe)
@example("a" * 12, "_" * 43)
def test_key_that_was_written_is_read_back(id, secret):
    assert keys.parse(str(keys.KeyText(id, secret))) == keys.KeyText(id, secret)


@given(st.text())
@example(f"farm_{'a' * 12}_{'b' * 43}\n")
@example(f"farm_{'a' * 12}_{'b' * 42}")
@example(f"farm_{'A' * 12}_{'b' * 43}")
@example(f" farm_{'a' * 12}_{'b' * 43}")
@example(f"farm_{'١' * 12}_{'b' * 43}")
@example("farm__")
def test_text_of_any_other_shape_is_no_key(text):
    shown = keys.parse(text)

    assert shown is None or str(shown) == text


@pytest.mark.parametrize(
    "wrong", [f"farm_{'a' * 12}_{'b' * 43}\n", f"farm_{'A' * 12}_{'b' * 43}", "", "farm_"]
)
def test_nearly_a_key_is_no_key(wrong):
    assert keys.parse(wrong) is None


def verify(key=KEY, secret=SECRET, now=NOW):
    keys.verify(keys.KeyText(key.id, secret), key, keys.hashed(SECRET), now)


def test_good_key_passes():
    verify()


def test_wrong_secret_is_told_no_more_than_a_key_nobody_has():
    with pytest.raises(Unauthenticated) as wrong:
        verify(dataclasses.replace(KEY, revoked_at=NOW), secret="t" * 43)
    assert str(wrong.value) == str(keys.unknown_key())


def test_revoked_key_is_refused_and_says_so_to_its_owner():
    with pytest.raises(Unauthenticated, match="PrusaSlicer was revoked"):
        verify(dataclasses.replace(KEY, revoked_at=NOW))


def test_key_ends_at_the_second_it_expires():
    expiring = dataclasses.replace(KEY, expires_at=NOW + timedelta(days=1))

    verify(expiring, now=NOW + timedelta(days=1, seconds=-1))
    with pytest.raises(Unauthenticated, match="has expired"):
        verify(expiring, now=NOW + timedelta(days=1))


def test_secret_shows_in_no_repr():
    assert SECRET not in repr(keys.KeyText("abc123abc123", SECRET))


def test_principal_of_a_key_carries_its_scopes_and_target():
    principal = keys.principal_of(KEY)

    assert (principal.kind, principal.role, principal.target) == ("key", None, "queue")
    assert principal.scopes == {Scope.UPLOAD}
