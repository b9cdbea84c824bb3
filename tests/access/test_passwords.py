from __future__ import annotations

import threading

import pytest
import trio
from argon2 import PasswordHasher, extract_parameters

from farm.access.passwords import (
    AT_ONCE,
    LONGEST,
    MOST_WAITING,
    WRONG,
    Cost,
    Hasher,
    check_new_password,
)
from farm.errors import Invalid, Overloaded

CHEAP = Cost(memory_kib=8, passes=1)
GOOD = "drei Rollen PLA"


async def test_password_is_known_again_and_another_is_not():
    hasher = Hasher(inline=True, cost=CHEAP)
    kept = await hasher.hash(GOOD)

    assert (await hasher.check(kept, GOOD)).right
    assert await hasher.check(kept, GOOD + " ") == WRONG
    assert await hasher.check(kept, "") == WRONG


async def test_hash_is_argon2id_at_least_as_dear_as_owasp_asks():
    parameters = extract_parameters(await Hasher().hash(GOOD))

    assert parameters.type.name == "ID"
    assert parameters.memory_cost >= 19 * 1024
    assert parameters.time_cost >= 2


async def test_right_password_is_rehashed_when_the_cost_has_changed():
    kept = await Hasher(inline=True, cost=CHEAP).hash(GOOD)
    dearer = Hasher(inline=True, cost=Cost(memory_kib=16, passes=1))

    verdict = await dearer.check(kept, GOOD)

    assert verdict.right
    assert extract_parameters(verdict.rehashed).memory_cost == 16
    assert (await dearer.check(verdict.rehashed, GOOD)).rehashed is None


async def test_nobodys_hash_costs_what_a_real_one_does(shop):
    hasher = shop.hasher
    kept = await hasher.hash(GOOD)
    hasher.computed = 0

    assert await hasher.check(kept, "wrong password") == WRONG
    assert hasher.computed == 1
    assert await hasher.check(None, "wrong password") == WRONG
    assert hasher.computed == 2

    nobody = extract_parameters(hasher._nobody)
    assert nobody == extract_parameters(kept)


async def test_damaged_hash_lets_nobody_in():
    assert await Hasher(inline=True, cost=CHEAP).check("$argon2id$v=19$nonsense", GOOD) == WRONG
    assert await Hasher(inline=True, cost=CHEAP).check("plain text", "plain text") == WRONG


async def test_overlong_password_is_refused_without_computing(shop):
    assert await shop.hasher.check(None, "x" * (LONGEST + 1)) == WRONG
    assert shop.hasher.computed == 0


async def test_password_typed_composed_or_decomposed_is_the_same():
    hasher = Hasher(inline=True, cost=CHEAP)

    assert (await hasher.check(await hasher.hash("Düsenwechsel!"), "Du\u0308senwechsel!")).right


async def test_half_a_surrogate_pair_is_wrong_and_no_crash():
    hasher = Hasher(inline=True, cost=CHEAP)

    assert await hasher.check(await hasher.hash(GOOD), "\ud800" * 12) == WRONG


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("elevenchars", "at least 12"),
        ("x" * (LONGEST + 1), "at most 1024 bytes"),
        ("ü" * 513, "at most 1024 bytes"),
        ("Mara.Muster.Mann", "user name"),
        (" mara.muster.mann", "user name"),
    ],
)
def test_bad_new_password_is_refused_and_the_field_named(password, words):
    with pytest.raises(Invalid, match=words) as refusal:
        check_new_password(password, "mara.muster.mann")
    assert refusal.value.field == "password"


@pytest.mark.parametrize("password", ["aaaaaaaaaaaa", "ü" * 512, "            !"])
def test_any_other_password_is_taken_whatever_it_is_made_of(password):
    check_new_password(password, "mara.muster.mann")


class Slow:
    """Stands where argon2 does and holds every hash until the test lets go."""

    def __init__(self):
        self.busy, self.go = threading.Event(), threading.Event()
        self.lock = threading.Lock()
        self.running = self.peak = 0

    def hash(self, password):
        with self.lock:
            self.running += 1
            self.peak = max(self.peak, self.running)
            if self.running == AT_ONCE:
                self.busy.set()
        self.go.wait(10)
        with self.lock:
            self.running -= 1
        return PasswordHasher(1, 8, 1).hash(password)


async def test_flood_of_logins_computes_two_at_a_time_and_refuses_what_would_wait_too_long():
    hasher = Hasher()
    hasher._argon2 = slow = Slow()
    refused, enough = [], trio.Event()

    async def one():
        try:
            await hasher.hash(GOOD)
        except Overloaded:
            refused.append(1)
            if len(refused) == 5:
                enough.set()

    async with trio.open_nursery() as nursery:
        for _ in range(AT_ONCE + MOST_WAITING + 5):
            nursery.start_soon(one)
        with trio.fail_after(5):
            await enough.wait()
            assert await trio.to_thread.run_sync(slow.busy.wait, 4)
        slow.go.set()

    assert len(refused) == 5
    assert slow.peak == AT_ONCE
