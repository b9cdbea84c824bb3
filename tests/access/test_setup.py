"""From an empty data folder to the first administrator, once."""

from __future__ import annotations

import re
import stat
import sys

import pytest
import trio

from farm.access.gate import PageSession
from farm.access.limits import PER_ADDRESS_AND_NAME
from farm.domain.user import ANONYMOUS, LOCAL, Role
from farm.errors import Invalid, Refused, TooOften, Unauthenticated
from farm.store import audit, users

HOST = "192.168.1.20"
PASSWORD = "drei Rollen PLA"


def code_file(shop):
    return shop.folder / "setup-code"


async def test_code_makes_the_first_administrator_logs_them_in_and_is_gone(shop):
    code = await shop.gate.prepare()
    assert re.fullmatch(r"[0-9A-Z]{4}-[0-9A-Z]{4}", code)
    assert code_file(shop).read_text().strip() == code
    if sys.platform != "win32":
        assert stat.S_IMODE(code_file(shop).stat().st_mode) == 0o600

    tokens = await shop.gate.setup(code, "mara", PASSWORD, HOST)

    assert tokens.user.role is Role.ADMIN
    assert (await shop.gate.authenticate(tokens.access_token)).name == "mara"
    assert not code_file(shop).exists()
    assert await shop.gate.prepare() is None


async def test_page_gets_a_session_instead_of_tokens(shop):
    code = await shop.gate.prepare()

    assert isinstance(await shop.gate.setup(code, "mara", PASSWORD, HOST, session=True), PageSession)


async def test_code_stays_the_same_over_a_restart(shop):
    code = await shop.gate.prepare()
    shop.start()

    assert await shop.gate.prepare() == code
    assert await shop.gate.setup(code, "mara", PASSWORD, HOST)


@pytest.mark.parametrize("content", [b"", b"short", b"\xff\xfe", b"ABCD-ABC!"])
async def test_damaged_code_file_is_replaced(shop, content):
    code_file(shop).write_bytes(content)

    code = await shop.gate.prepare()

    assert code_file(shop).read_bytes() == f"{code}\n".encode()
    assert await shop.gate.setup(code, "mara", PASSWORD, HOST)


async def test_code_may_be_typed_small_and_without_its_dash(shop):
    code = await shop.gate.prepare()

    assert await shop.gate.setup(code.lower().replace("-", " "), "mara", PASSWORD, HOST)


async def test_second_set_up_is_refused_also_after_a_restart(shop):
    code = await shop.gate.prepare()
    await shop.gate.setup(code, "mara", PASSWORD, HOST)

    for _ in range(2):
        with pytest.raises(Refused, match="set up already"):
            await shop.gate.setup(code, "eve", PASSWORD, HOST)
        shop.start()
        await shop.gate.prepare()


async def test_of_two_who_set_up_at_once_one_is_refused(shop):
    code = await shop.gate.prepare()
    outcomes = []

    async def set_up(name):
        try:
            await shop.gate.setup(code, name, PASSWORD, HOST)
            outcomes.append("made")
        except Refused:
            outcomes.append("refused")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(set_up, "mara")
        nursery.start_soon(set_up, "eve")

    assert sorted(outcomes) == ["made", "refused"]
    assert len(users.all_users(shop.store.db)) == 1


async def test_guessing_the_code_is_limited_and_the_right_one_works_from_elsewhere(shop):
    code = await shop.gate.prepare()
    for guess in range(PER_ADDRESS_AND_NAME.burst):
        with pytest.raises(Unauthenticated):
            await shop.gate.setup(f"AAAA-{guess:04}", "eve", PASSWORD, HOST)

    with pytest.raises(TooOften):
        await shop.gate.setup(code, "eve", PASSWORD, HOST)
    assert await shop.gate.setup(code, "mara", PASSWORD, "127.0.0.1")


@pytest.mark.parametrize("code", ["", "-", "é" * 9, "\ud800", "0000-0000 and more"])
async def test_odd_code_is_just_wrong(shop, code):
    await shop.gate.prepare()

    with pytest.raises(Unauthenticated):
        await shop.gate.setup(code, "mara", PASSWORD, HOST)


@pytest.mark.parametrize(
    ("username", "password", "field"),
    [("", PASSWORD, "username"), ("a b", PASSWORD, "username"), ("mara", "short", "password")],
)
async def test_bad_name_or_password_leaves_the_code_good(shop, username, password, field):
    code = await shop.gate.prepare()
    with pytest.raises(Invalid) as refusal:
        await shop.gate.setup(code, username, password, HOST)
    assert refusal.value.field == field

    assert await shop.gate.setup(code, "mara", PASSWORD, HOST)


async def test_administrator_added_at_the_shop_pc_closes_the_set_up(shop):
    code = await shop.gate.prepare()
    await shop.gate.add_user(LOCAL, "anna", PASSWORD, Role.OPERATOR)
    assert code_file(shop).exists()

    await shop.gate.add_user(LOCAL, "mara", PASSWORD, Role.ADMIN)

    assert not code_file(shop).exists()
    with pytest.raises(Refused):
        await shop.gate.setup(code, "eve", PASSWORD, HOST)


async def test_person_made_administrator_closes_the_set_up(shop):
    await shop.gate.prepare()
    anna = await shop.gate.add_user(LOCAL, "anna", PASSWORD, Role.OPERATOR)

    await shop.gate.change_user(LOCAL, anna.id, role=Role.ADMIN)

    assert not code_file(shop).exists()


async def test_administrator_added_behind_the_running_servers_back_keeps_a_code_from_working(shop):
    code = await shop.gate.prepare()
    other = shop.gate
    shop.start()
    await shop.gate.add_user(LOCAL, "mara", PASSWORD, Role.ADMIN)

    with pytest.raises(Refused):
        await other.setup(code, "eve", PASSWORD, HOST)


async def test_nobody_can_do_anything_before_the_set_up(shop):
    await shop.gate.prepare()
    with pytest.raises(Unauthenticated):
        await shop.gate.add_user(ANONYMOUS, "eve", PASSWORD, Role.ADMIN)
    with pytest.raises(Unauthenticated):
        await shop.gate.login("admin", "admin", HOST)


async def test_set_up_leaves_one_audit_row_for_the_person_and_one_for_their_login(shop):
    code = await shop.gate.prepare()
    tokens = await shop.gate.setup(code, "mara", PASSWORD, HOST)

    login, added = audit.entries(shop.store.db)
    assert (added.action, added.who, added.client) == ("user.added", f"user:{tokens.user.id}", HOST)
    assert login.action == "session.started"
    assert audit.verify_chain(shop.store.db) is None
