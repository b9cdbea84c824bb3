"""Logging in, being known, and ceasing to be."""

from __future__ import annotations

from datetime import timedelta

import pytest
import trio

from farm.access.gate import ABSOLUTE, IDLE, PageSession, Tokens
from farm.access.keys import KeyText
from farm.access.known import LIVES_S
from farm.access.limits import PER_ADDRESS_AND_NAME, PER_NAME, SLOWED_S
from farm.access.passwords import Cost, Hasher
from farm.domain.user import LOCAL, Role, Scope
from farm.errors import Forbidden, StorageFailed, StorageFull, TooOften, Unauthenticated
from farm.store import audit, sessions, users

HOST = "192.168.1.20"
PASSWORD = "drei Rollen PLA"
SECOND = timedelta(seconds=1)


@pytest.fixture
async def mara(shop):
    return await shop.gate.add_user(LOCAL, "mara", PASSWORD, Role.ADMIN)


async def log_in(shop, name="mara"):
    return await shop.gate.login(name, PASSWORD, HOST)


async def log_in_page(shop, name="mara"):
    return await shop.gate.login(name, PASSWORD, HOST, session=True)


async def known(shop, credential):
    """The name behind a token or key, None for a stranger."""
    try:
        return (await shop.gate.authenticate(credential)).name
    except Unauthenticated:
        return None


async def page_known(shop, cookie):
    try:
        return (await shop.gate.authenticate_session(cookie))[0].name
    except Unauthenticated:
        return None


async def test_program_logs_in_and_is_known_by_its_token(shop, mara):
    tokens = await log_in(shop)

    assert isinstance(tokens, Tokens)
    assert tokens.expires_in_s == 900
    principal = await shop.gate.authenticate(tokens.access_token)
    assert (principal.kind, principal.id, principal.role) == ("user", mara.id, Role.ADMIN)


async def test_page_logs_in_and_is_known_by_its_cookie_with_its_csrf_token(shop, mara):
    page = await log_in_page(shop)

    assert isinstance(page, PageSession)
    principal, csrf = await shop.gate.authenticate_session(page.cookie)
    assert principal.id == mara.id
    assert csrf == page.csrf
    assert len({page.csrf, page.cookie}) == 2


async def test_name_is_taken_in_any_capitals_and_spelling(shop, mara):
    for name in ("Mara", " mara ", "\uff4d\uff41\uff52\uff41"):
        assert (await log_in(shop, name)).user.id == mara.id


async def test_every_login_gets_a_new_cookie_and_a_chosen_one_is_never_taken_over(shop, mara):
    first, second = await log_in_page(shop), await log_in_page(shop)

    assert first.cookie != second.cookie
    assert await page_known(shop, "chosen by somebody else") is None


@pytest.mark.parametrize("name", ["mara", "nobody", "", "a b", "x" * 1000, "\x00", "\ud800"])
async def test_wrong_password_and_unknown_user_are_told_the_same_and_cost_the_same(shop, mara, name):
    shop.hasher.computed = 0

    with pytest.raises(Unauthenticated, match=r"^Wrong user name or password\.$"):
        await shop.gate.login(name, "wrong password", HOST)

    assert shop.hasher.computed == 1


async def test_disabled_account_costs_the_same_and_is_told_only_to_its_owner(shop, mara):
    anna = await shop.gate.add_user(LOCAL, "anna", PASSWORD, Role.VIEWER)
    await shop.gate.disable_user(LOCAL, anna.id)
    shop.hasher.computed = 0

    with pytest.raises(Unauthenticated, match=r"^Wrong user name"):
        await shop.gate.login("anna", "wrong password", HOST)
    with pytest.raises(Unauthenticated, match="switched off"):
        await shop.gate.login("anna", PASSWORD, HOST)
    assert shop.hasher.computed == 2


async def test_guesser_is_shut_out_and_the_admin_comes_in_from_another_address(shop, mara):
    for _ in range(PER_ADDRESS_AND_NAME.burst):
        with pytest.raises(Unauthenticated):
            await shop.gate.login("mara", "wrong password", HOST)
    shop.hasher.computed = 0

    for name in ("mara", "MARA", "\uff4dara"):
        with pytest.raises(TooOften) as refusal:
            await shop.gate.login(name, PASSWORD, HOST)
        assert refusal.value.retry_after_s > 0
    assert shop.hasher.computed == 0, "a refused attempt costs no hash"
    assert await shop.gate.login("mara", PASSWORD, "192.168.1.21")


async def test_name_guessed_at_from_everywhere_is_slow_for_its_owner_but_open(shop, mara, autojump_clock):
    for host in range(PER_NAME.burst):
        with pytest.raises(Unauthenticated):
            await shop.gate.login("mara", "wrong password", f"10.0.0.{host}")
    before = trio.current_time()

    assert await log_in(shop)

    assert trio.current_time() - before == pytest.approx(SLOWED_S)


async def test_password_is_rehashed_at_login_and_tokens_go_on(shop, mara):
    tokens = await log_in(shop)
    old = users.by_id(shop.store.db, mara.id).password_hash
    shop.hasher = Hasher(inline=True, cost=Cost(memory_kib=16, passes=1))
    shop.start()

    await log_in(shop)

    new = users.by_id(shop.store.db, mara.id).password_hash
    assert "m=8," in old
    assert "m=16," in new
    assert await known(shop, tokens.access_token) == "mara"
    assert await log_in(shop)


async def test_login_does_not_outrun_a_password_reset(shop, mara):
    """The old password was right when it was read, but is no more when the session would start."""
    check = shop.hasher.check

    async def check_slowly(kept, password):
        verdict = await check(kept, password)
        await shop.gate.reset_password(LOCAL, mara.id, "another password")
        return verdict

    shop.hasher.check = check_slowly
    with pytest.raises(Unauthenticated, match="changed just now"):
        await log_in(shop)


async def test_right_logins_are_never_too_many(shop, mara):
    for _ in range(PER_NAME.burst + 5):
        assert await log_in(shop)


async def test_command_on_the_shop_pc_is_known_by_the_local_token_and_by_nothing_like_it(shop, mara):
    assert await known(shop, "local-token") is None
    shop.gate.trust_local("local-token")

    assert await shop.gate.authenticate("local-token") == LOCAL
    for other in ("local-tokem", "local-token ", "", "l\u00f6cal", "\ud800"):
        assert await known(shop, other) is None
    shop.start()
    assert await known(shop, "local-token") is None


# --- access and refresh tokens


async def test_access_token_ends_after_a_quarter_of_an_hour_and_is_refreshed(shop, mara):
    tokens = await log_in(shop)
    shop.pass_time(minutes=15)
    assert await known(shop, tokens.access_token) is None

    fresh = await shop.gate.refresh(tokens.refresh_token, HOST)

    assert fresh.refresh_token != tokens.refresh_token
    assert await known(shop, fresh.access_token) == "mara"


async def test_refresh_token_used_twice_ends_the_whole_family_and_is_written_down(shop, mara):
    other = await log_in(shop)
    tokens = await log_in(shop)
    second = await shop.gate.refresh(tokens.refresh_token, HOST)
    third = await shop.gate.refresh(second.refresh_token, HOST)
    assert await known(shop, third.access_token) == "mara"

    with pytest.raises(Unauthenticated):
        await shop.gate.refresh(tokens.refresh_token, "10.0.0.66")

    for dead in (tokens, second, third):
        assert await known(shop, dead.access_token) is None
        with pytest.raises(Unauthenticated):
            await shop.gate.refresh(dead.refresh_token, HOST)
    assert await known(shop, other.access_token) == "mara"
    newest = audit.entries(shop.store.db, limit=1)[0]
    assert (newest.action, newest.object, newest.client) == (
        "session.replayed",
        f"user:{mara.id}",
        "10.0.0.66",
    )


async def test_family_ends_after_thirty_days_however_often_it_was_refreshed(shop, mara):
    tokens = await log_in(shop)
    for _ in range(29):
        shop.pass_time(days=1)
        tokens = await shop.gate.refresh(tokens.refresh_token, HOST)
    shop.pass_time(days=1)

    with pytest.raises(Unauthenticated):
        await shop.gate.refresh(tokens.refresh_token, HOST)


async def test_one_kind_of_secret_is_no_other_kind(shop, mara):
    tokens, page = await log_in(shop), await log_in_page(shop)

    assert await page_known(shop, tokens.refresh_token) is None
    assert await page_known(shop, tokens.access_token) is None
    assert await known(shop, tokens.refresh_token) is None
    assert await known(shop, page.cookie) is None
    for wrong in (page.cookie, tokens.access_token, "", "\ud800"):
        with pytest.raises(Unauthenticated):
            await shop.gate.refresh(wrong, HOST)
    assert await known(shop, tokens.access_token) == "mara"


async def test_no_secret_of_a_login_lies_in_the_database(shop, mara):
    tokens, page = await log_in(shop), await log_in_page(shop)
    _key, text = await shop.gate.create_key(LOCAL, "script", [Scope.READ])

    content = (shop.folder / "farm.db").read_bytes()
    for secret in (tokens.refresh_token, page.cookie, text[-43:], PASSWORD):
        assert secret.encode() not in content


# --- page sessions


async def test_page_left_alone_for_a_night_is_logged_out_and_one_in_use_is_not(shop, mara):
    left, used = await log_in_page(shop), await log_in_page(shop)
    shop.pass_time(seconds=(IDLE - SECOND).total_seconds())
    assert await page_known(shop, used.cookie) == "mara"
    shop.pass_time(seconds=1)

    assert await page_known(shop, left.cookie) is None
    assert await page_known(shop, used.cookie) == "mara"


async def test_page_session_ends_after_thirty_days_however_busy(shop, mara):
    page = await log_in_page(shop)
    for _ in range(61):  # each stay just short of the idle limit
        assert await page_known(shop, page.cookie) == "mara"
        shop.pass_time(seconds=ABSOLUTE.total_seconds() / 61)

    assert await page_known(shop, page.cookie) is None


async def test_last_use_of_a_page_and_a_key_is_kept_once_a_minute(shop, mara):
    page = await log_in_page(shop)
    key, text = await shop.gate.create_key(LOCAL, "script", [Scope.READ])
    assert await known(shop, text) == "script"
    writes = shop.store.writes

    for _ in range(130):
        shop.pass_time(seconds=1)
        await page_known(shop, page.cookie)
        await known(shop, text)

    assert shop.store.writes - writes == 4
    assert (await shop.gate.list_keys(LOCAL))[0].last_used_at == key.created_at + timedelta(minutes=2)


async def test_key_revoked_while_it_was_looked_up_is_not_remembered_by_its_last_use(shop, monkeypatch):
    key, text = await shop.gate.create_key(LOCAL, "script", [Scope.READ])
    looked, go_on, read = trio.Event(), trio.Event(), shop.store.read

    async def slow_read(op, *args):
        found = await read(op, *args)
        looked.set()
        await go_on.wait()
        return found

    monkeypatch.setattr(shop.store, "read", slow_read)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(known, shop, text)  # its first use, so that this is noted too
        await looked.wait()
        await shop.gate.revoke_key(LOCAL, key.id)
        go_on.set()

    assert await known(shop, text) is None


# --- what ends a login, at once and over a restart

ENDINGS = {
    "logout of that login": lambda shop, mara, tokens, page: logout(shop, tokens, page),
    "disabling": lambda shop, mara, tokens, page: shop.gate.disable_user(LOCAL, mara.id),
    "a new password": lambda shop, mara, tokens, page: shop.gate.reset_password(
        LOCAL, mara.id, "another password"
    ),
    "a new role": lambda shop, mara, tokens, page: shop.gate.change_user(LOCAL, mara.id, role=Role.VIEWER),
}


async def logout(shop, tokens, page):
    await shop.gate.logout(tokens.access_token, HOST)
    await shop.gate.logout(page.cookie, HOST)


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("how", ENDINGS)
async def test_login_is_ended_at_once_and_stays_so_after_a_restart(shop, mara, how, restart):
    await shop.gate.add_user(LOCAL, "chief", PASSWORD, Role.ADMIN)
    tokens, page = await log_in(shop), await log_in_page(shop)
    assert await known(shop, tokens.access_token) == await page_known(shop, page.cookie) == "mara"
    revision = shop.gate.revision

    await ENDINGS[how](shop, mara, tokens, page)
    assert shop.gate.revision > revision
    if restart:
        shop.start()

    assert await known(shop, tokens.access_token) is None
    assert await page_known(shop, page.cookie) is None
    with pytest.raises(Unauthenticated):
        await shop.gate.refresh(tokens.refresh_token, HOST)


async def test_logins_go_on_over_a_restart(shop, mara):
    tokens, page = await log_in(shop), await log_in_page(shop)
    _key, text = await shop.gate.create_key(LOCAL, "script", [Scope.READ])
    shop.start()

    assert await known(shop, tokens.access_token) == await page_known(shop, page.cookie) == "mara"
    assert await known(shop, text) == "script"
    assert await shop.gate.refresh(tokens.refresh_token, HOST)


async def test_re_enabled_person_has_to_log_in_again(shop, mara):
    anna = await shop.gate.add_user(LOCAL, "anna", PASSWORD, Role.VIEWER)
    tokens, page = await log_in(shop, "anna"), await log_in_page(shop, "anna")
    await shop.gate.disable_user(LOCAL, anna.id)
    await shop.gate.change_user(LOCAL, anna.id, enabled=True)

    assert await known(shop, tokens.access_token) is await page_known(shop, page.cookie) is None
    assert await log_in(shop, "anna")


async def test_token_signed_for_other_rights_is_worthless_even_if_its_login_lives(shop, mara):
    """Behind the ended sessions stands a second bolt: the number in the token."""
    tokens = await log_in(shop)
    shop.store.db.execute("UPDATE users SET credentials = credentials + 1")

    assert await known(shop, tokens.access_token) is None


async def test_disabled_account_is_unknown_even_if_its_logins_live(shop, mara):
    tokens, page = await log_in(shop), await log_in_page(shop)
    shop.store.db.execute("UPDATE users SET enabled = 0")

    assert await known(shop, tokens.access_token) is await page_known(shop, page.cookie) is None


async def test_logout_ends_one_login_and_may_be_repeated_with_its_refresh_token(shop, mara):
    mine, other = await log_in(shop), await log_in(shop)

    for _ in range(2):
        await shop.gate.logout(mine.refresh_token, HOST)

    assert await known(shop, mine.access_token) is None
    assert await known(shop, other.access_token) == "mara"
    ended = [entry for entry in audit.entries(shop.store.db) if entry.action == "session.ended"]
    assert len(ended) == 1


async def test_logout_with_rubbish_does_nothing(shop, mara):
    tokens = await log_in(shop)
    writes, revision = shop.store.writes, shop.gate.revision

    for rubbish in ("", "\ud800", "x" * 43, str(KeyText("a" * 12, "b" * 43))):
        await shop.gate.logout(rubbish, HOST)
    with pytest.raises(Unauthenticated):
        await shop.gate.logout("a.b.c", HOST)

    assert (shop.store.writes, shop.gate.revision) == (writes, revision)
    assert await known(shop, tokens.access_token) == "mara"


async def test_revoked_and_expired_keys_stop_at_once(shop, mara):
    end = shop.now + timedelta(seconds=LIVES_S / 2)
    revoked, text = await shop.gate.create_key(LOCAL, "one", [Scope.READ])
    _expiring, expiring_text = await shop.gate.create_key(LOCAL, "two", [Scope.READ], expires_at=end)
    assert await known(shop, text) == "one"
    assert await known(shop, expiring_text) == "two"

    await shop.gate.revoke_key(LOCAL, revoked.id)
    shop.pass_time(seconds=LIVES_S / 2)

    assert await known(shop, text) is None
    assert await known(shop, expiring_text) is None, "though it was looked up a moment ago"
    shop.start()
    assert await known(shop, text) is None


async def test_key_with_another_secret_is_unknown_also_while_the_right_one_is_remembered(shop, mara):
    key, text = await shop.gate.create_key(LOCAL, "one", [Scope.READ])
    assert await known(shop, text) == "one"

    assert await known(shop, str(KeyText(key.id, "x" * 43))) is None
    assert await known(shop, str(KeyText("nobodyskey12", text[-43:]))) is None
    assert await known(shop, text) == "one"


# --- cheap, and open when the disk is not


async def test_request_after_request_costs_no_query(shop, mara):
    tokens, page = await log_in(shop), await log_in_page(shop)
    _key, text = await shop.gate.create_key(LOCAL, "script", [Scope.READ])
    for _ in range(2):
        reads, writes = shop.store.reads, shop.store.writes
        for _ in range(20):
            await known(shop, tokens.access_token)
            await known(shop, text)
            await page_known(shop, page.cookie)

    assert (shop.store.reads - reads, shop.store.writes - writes) == (0, 0)


async def test_failing_disk_keeps_nobody_who_is_known_from_the_stop_button(shop, mara):
    tokens, page = await log_in(shop), await log_in_page(shop)
    await known(shop, tokens.access_token)
    await page_known(shop, page.cookie)
    shop.pass_time(minutes=10)

    shop.store.reads_fail = shop.store.writes_fail = StorageFailed("the disk refused")

    assert await known(shop, tokens.access_token) == "mara"
    assert await page_known(shop, page.cookie) == "mara"
    with pytest.raises(StorageFailed):
        await shop.gate.authenticate_session("a stranger's")


async def test_full_disk_keeps_nobody_from_the_stop_button(shop, mara):
    page = await log_in_page(shop)
    _key, text = await shop.gate.create_key(LOCAL, "script", [Scope.CONTROL])
    shop.pass_time(minutes=10)
    shop.store.writes_fail = StorageFull("the disk is full")

    assert await page_known(shop, page.cookie) == "mara"
    assert await known(shop, text) == "script"


async def test_change_whose_caller_was_cut_off_holds_all_the_same(shop, mara):
    anna = await shop.gate.add_user(LOCAL, "anna", PASSWORD, Role.VIEWER)
    tokens = await log_in(shop, "anna")
    change = shop.store.change

    async def change_to_the_end(by, op, *args):
        """As the database's thread does, which cannot be stopped half-way."""
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                assert await known(shop, tokens.access_token) == "anna"
                await change(by, op, *args)

    shop.store.change = change_to_the_end
    with trio.move_on_after(0.01):
        await shop.gate.disable_user(LOCAL, anna.id)

    assert await known(shop, tokens.access_token) is None


async def test_role_is_judged_as_it_is_now(shop, mara):
    anna = await shop.gate.add_user(LOCAL, "anna", PASSWORD, Role.ADMIN)
    page = await log_in_page(shop, "anna")
    principal, _csrf = await shop.gate.authenticate_session(page.cookie)
    await shop.gate.list_users(principal)

    await shop.gate.change_user(LOCAL, anna.id, role=Role.OPERATOR)
    page = await log_in_page(shop, "anna")
    principal, _csrf = await shop.gate.authenticate_session(page.cookie)

    with pytest.raises(Forbidden):
        await shop.gate.list_users(principal)


async def test_secrets_show_in_no_repr(shop, mara):
    tokens, page = await log_in(shop), await log_in_page(shop)

    shown = repr((tokens, page, sessions.by_id(shop.store.db, "x")))
    for secret in (tokens.access_token, tokens.refresh_token, page.cookie, page.csrf):
        assert secret not in shown
