from __future__ import annotations

import pytest

from farm.access import limits
from farm.access.limits import PER_ADDRESS, PER_ADDRESS_AND_NAME, PER_NAME, SLOWED_S, LoginLimits, network_of
from farm.errors import TooOften


class Clock:
    def __init__(self):
        self.seconds = 1000.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def guard(clock):
    return LoginLimits(clock)


def attempts_let_through(guard, client, names, count):
    through = 0
    for number in range(count):
        try:
            guard.admit(client, names[number % len(names)])
        except TooOften:
            continue
        through += 1
    return through


def test_hundred_wrong_logins_from_one_address_are_cut_to_ten(guard):
    assert attempts_let_through(guard, "192.168.1.5", ["admin"], 100) == PER_ADDRESS_AND_NAME.burst


def test_one_address_cannot_go_on_by_changing_the_name(guard):
    names = [f"user{number}" for number in range(100)]

    assert attempts_let_through(guard, "192.168.1.5", names, 100) == PER_ADDRESS.burst


def test_whoever_waits_as_told_is_let_in_once(guard, clock):
    attempts_let_through(guard, "192.168.1.5", ["admin"], 20)
    with pytest.raises(TooOften) as refusal:
        guard.admit("192.168.1.5", "admin")
    assert refusal.value.retry_after_s == pytest.approx(PER_ADDRESS_AND_NAME.refill_s)

    clock.seconds += refusal.value.retry_after_s

    guard.admit("192.168.1.5", "admin")
    with pytest.raises(TooOften):
        guard.admit("192.168.1.5", "admin")


def test_attempt_that_was_refused_does_not_lengthen_the_wait(guard, clock):
    attempts_let_through(guard, "192.168.1.5", ["admin"], 10)
    clock.seconds += PER_ADDRESS_AND_NAME.refill_s / 2
    for _ in range(50):
        with pytest.raises(TooOften) as refusal:
            guard.admit("192.168.1.5", "admin")

    assert refusal.value.retry_after_s == pytest.approx(PER_ADDRESS_AND_NAME.refill_s / 2)


def test_fifty_addresses_slow_a_name_down_but_never_lock_its_owner_out(guard, clock):
    for _ in range(100):
        for host in range(50):
            attempts_let_through(guard, f"127.0.0.{host + 10}", ["admin"], 10)
        assert guard.admit("127.0.0.1", "admin") == SLOWED_S
        clock.seconds += PER_ADDRESS_AND_NAME.refill_s

    assert guard.admit("127.0.0.1", "mara") == 0


def test_slowness_ends_when_the_guessing_does(guard, clock):
    for host in range(50):
        attempts_let_through(guard, f"10.0.0.{host}", ["admin"], 10)

    clock.seconds += PER_NAME.refill_s

    assert guard.admit("127.0.0.1", "admin") == 0


def test_right_login_forgives_the_slips_before_it(guard):
    for _ in range(5):
        for _ in range(PER_ADDRESS_AND_NAME.burst):
            guard.admit("192.168.1.5", "mara")
            guard.succeeded("192.168.1.5", "mara")
    for _ in range(PER_ADDRESS_AND_NAME.burst - 1):
        guard.admit("192.168.1.5", "mara")
    guard.admit("192.168.1.5", "mara")
    guard.succeeded("192.168.1.5", "mara")

    assert attempts_let_through(guard, "192.168.1.5", ["mara"], 20) == PER_ADDRESS_AND_NAME.burst


def test_logging_in_oneself_buys_no_guesses_at_another(guard):
    through = 0
    for _ in range(50):
        through += attempts_let_through(guard, "192.168.1.5", ["admin"], 1)
        guard.admit("192.168.1.5", "mara")
        guard.succeeded("192.168.1.5", "mara")

    assert through == PER_ADDRESS_AND_NAME.burst


def test_memory_is_bounded_however_many_addresses_and_names_come(guard, monkeypatch):
    monkeypatch.setattr(limits, "MOST_REMEMBERED", 100)

    for number in range(1000):
        guard.admit(f"10.0.{number // 250}.{number % 250}", f"{number}" * 1000)

    assert [len(guard._pairs), len(guard._addresses), len(guard._names)] == [100, 100, 100]
    assert all(len(name) <= 64 for (name,) in guard._names._levels)


def test_bucket_that_is_full_again_is_not_kept(guard):
    guard.admit("192.168.1.5", "mara")
    guard.succeeded("192.168.1.5", "mara")

    assert [len(guard._pairs), len(guard._addresses), len(guard._names)] == [0, 0, 0]


@pytest.mark.parametrize(
    ("client", "network"),
    [
        ("192.168.1.5", "192.168.1.5"),
        ("::ffff:192.168.1.5", "192.168.1.5"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", ""),
        ("x" * 200, "x" * 64),
    ],
)
def test_one_attacker_is_an_ipv4_address_or_an_ipv6_network(client, network):
    assert network_of(client) == network
