"""`farm key`, with and without a running server."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from farm.access import keys
from farm.domain.clock import parse_iso


def test_a_key_is_made_shown_once_listed_and_revoked(any_shop):
    code, out, err = any_shop.types("key", "add", "slicer office", "--scope", "upload", "--scope", "queue")
    assert (code, err) == (0, "The key slicer office, shown this once:\n")
    id = keys.parse(out.strip()).id

    _, listed, _ = any_shop.types("key", "list")
    (row,) = [line for line in listed.splitlines() if line.startswith(id)]
    assert "slicer office  queue,upload" in row
    assert out.strip() not in listed

    assert any_shop.types("key", "revoke", id) == (
        0,
        "The key slicer office is good for nothing any more.\n",
        "",
    )
    _, listed, _ = any_shop.types("key", "list", "--json")
    (kept,) = [key for key in json.loads(listed) if key["id"] == id]
    assert kept["revoked_at"] is not None


def test_a_key_can_be_bound_to_printers_tags_a_target_and_days(any_shop):
    code, out, _ = any_shop.types(
        *("key", "add", "row a", "--scope", "control", "--printer", "mk4-01", "--printer", "mk4-02"),
        *("--tag", "row-a", "--target", "group:row-a", "--days", "1.5", "--json"),
    )
    key = json.loads(out)
    assert code == 0
    assert (key["printers"], key["tags"], key["target"]) == (["mk4-01", "mk4-02"], ["row-a"], "group:row-a")
    lasts = parse_iso(key["expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=35.9) < lasts <= timedelta(hours=36)
    assert keys.parse(key["key"]).id == key["id"]
    _, listed, _ = any_shop.types("key", "list", "--json")
    del key["key"]
    assert key in json.loads(listed)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["add", "x"], "required: --scope"),
        (["add", "x", "--scope", "print"], "invalid choice: 'print' (choose from"),
        (["add", "x", "--scope", "read", "--days", "0"], "'0' is no number of days"),
        (["add", "x", "--scope", "read", "--days", "nan"], "'nan' is no number of days"),
        (["add", "x", "--scope", "read", "--days", "soon"], "'soon' is no number of days, more than 0"),
        (["revoke"], "required: id"),
    ],
)
def test_a_wrong_option_is_told_with_the_usage_and_exit_code_2(shop, words, complaint):
    code, out, err = shop.types("key", *words)
    assert (code, out) == (2, "")
    assert err.startswith("usage: farm key")
    assert complaint in err


def test_what_cannot_be_is_refused_in_one_sentence(any_shop):
    id = json.loads(any_shop.types("key", "add", "first", "--scope", "read", "--json")[1])["id"]
    for words, sentence in [
        (["revoke", "nothing"], "There is no such API key."),
        (["revoke", f"{id}?x"], "There is no such API key."),
        (
            ["add", "x", "--scope", "read", "--target", "moon"],
            "A target is queue, printer:<id> or group:<tag>.",
        ),
    ]:
        code, out, err = any_shop.types("key", *words)
        assert (code, out, err) == (1, "", f"{sentence}\n")
