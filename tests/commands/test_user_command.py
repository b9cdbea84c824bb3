"""`farm user`, with and without a running server."""

from __future__ import annotations

import json

from farm.commands.stopped import StoppedFarm

PASSWORD = "three or four words"


def test_a_person_is_added_listed_and_switched_off(any_shop):
    added = any_shop.types("user", "add", "anna", "--role", "admin", answers=[PASSWORD, PASSWORD])
    assert added == (0, "anna may log in now, as admin.\n", "")
    assert any_shop.asked == ["Password for anna: ", "The same again: "]
    any_shop.types("user", "add", "Berta", answers=[PASSWORD, PASSWORD])

    assert any_shop.types("user", "disable", "BERTA") == (0, "Berta cannot log in any more.\n", "")

    code, out, _ = any_shop.types("user", "list")
    heading, *rows = (line.split() for line in out.splitlines())
    assert code == 0
    assert heading == ["NAME", "ROLE", "ENABLED", "ADDED", "ID"]
    assert [row[:3] for row in rows] == [["anna", "admin", "yes"], ["Berta", "operator", "no"]]


def test_a_password_can_be_given_anew(any_shop):
    any_shop.types("user", "add", "anna", answers=[PASSWORD, PASSWORD])
    code, out, err = any_shop.types("user", "reset-password", "anna", answers=["another good one"] * 2)
    assert (code, out, err) == (0, "anna has a new password and has to log in again.\n", "")


def test_programs_get_json_and_the_same_with_and_without_a_server(any_shop):
    added = any_shop.types("user", "add", "anna", "--json", answers=[PASSWORD, PASSWORD])
    listed = any_shop.types("user", "list", "--json")
    assert json.loads(listed[1]) == [json.loads(added[1])]
    row = json.loads(added[1])
    assert (row.pop("id"), row.pop("created_at")) != (None, None)
    assert row == {"username": "anna", "role": "operator", "enabled": True, "printers": None, "tags": None}


def test_a_refusal_is_one_sentence_and_exit_code_1(any_shop):
    any_shop.types("user", "add", "anna", "--role", "admin", answers=[PASSWORD, PASSWORD])
    for words, sentence in [
        (["add", "Anna"], "There is already a user named Anna."),
        (["disable", "anna"], "anna is the last administrator; make somebody else one first."),
        (["disable", "nobody"], "There is no user nobody; `farm user list` shows them."),
        (["reset-password", "nobody"], "There is no user nobody; `farm user list` shows them."),
    ]:
        assert any_shop.types("user", *words, answers=[PASSWORD, PASSWORD]) == (1, "", f"{sentence}\n")


def test_a_short_password_is_refused(any_shop):
    any_shop.types("user", "add", "anna", answers=[PASSWORD, PASSWORD])
    for words in (["add", "berta"], ["reset-password", "anna"]):
        code, out, err = any_shop.types("user", *words, answers=["short", "short"])
        assert (code, out) == (1, "")
        assert err == "A password has at least 12 characters; three or four words do well.\n"


def test_two_different_passwords_change_nothing(shop):
    code, _, err = shop.types("user", "add", "anna", answers=[PASSWORD, "something else"])
    assert (code, err) == (1, "The two passwords differ; nothing was changed.\n")
    assert not shop.folder.farm_db.exists()


def test_a_password_is_never_taken_from_the_command_line(shop):
    for words in (["--password", PASSWORD], ["--password"], ["--password-std"], [PASSWORD]):
        code, out, err = shop.types("user", "add", "anna", *words, stdin=PASSWORD)
        assert (code, out) == (2, "")
        assert "unrecognized arguments" in err


def test_a_password_comes_from_standard_input_without_its_line_end(shop):
    added = shop.types("user", "add", "anna", "--password-stdin", stdin=f" {PASSWORD} \r\nsecond line\n")
    assert added == (0, "anna may log in now, as operator.\n", "")

    async def log_in(gate):
        return await gate.login("anna", f" {PASSWORD} ", "127.0.0.1")

    assert StoppedFarm(shop.folder)._run(log_in).user.username == "anna"


def test_without_a_terminal_nobody_is_asked_and_nothing_waits(shop):
    code, _, err = shop.types("user", "add", "anna", stdin=f"{PASSWORD}\n")
    assert (code, err) == (2, "There is no terminal to ask for the password at; use --password-stdin.\n")
    code, _, err = shop.types("user", "add", "anna", "--password-stdin", stdin="")
    assert (code, err) == (2, "No password came in on standard input.\n")


def test_a_command_for_a_farm_that_is_not_there_makes_none(shop):
    for words in (["list"], ["disable", "anna"], ["reset-password", "anna"]):
        code, out, err = shop.types("user", *words, answers=[PASSWORD, PASSWORD])
        assert (code, out) == (1, "")
        assert err == (
            f"There is no farm in {shop.folder.path} yet; start it once, or name its folder with --data.\n"
        )
    assert not shop.folder.path.exists()
