"""How much a peer may send: one that sends more is slowed down, and given up when it does not stop."""

from __future__ import annotations

from farm.errors import ProtocolError


class Flooded(ProtocolError):
    """A peer sent too much for too long. Nobody listens to it any more; asked, it may still answer."""


class Allowance:
    """So much of something a second on the whole, and so much at once."""

    def __init__(self, a_second: float, at_once: float, now: float) -> None:
        self._a_second = a_second
        self._left = self._most = at_once
        self._at = now

    def take(self, amount: float, now: float) -> float:
        """Takes `amount` at `now`, seconds of a monotonic clock. How many seconds that was too early."""
        left = self._left + (now - self._at) * self._a_second
        if left > self._most:
            left = self._most
        self._left, self._at = left - amount, now
        return 0.0 if left >= amount else (amount - left) / self._a_second


class Pace:
    """The pace at which a peer is listened to. While we wait it cannot send: its network holds it back.

    what: of which it sends too much, for the sentence. patience_s: how long it is slowed down without a
    pause before it is given up.
    """

    def __init__(self, what: str, allowance: Allowance, patience_s: float) -> None:
        self._what = what
        self._allowance = allowance
        self._patience_s = patience_s
        self._slowed_since: float | None = None

    def wait_s(self, amount: float, now: float) -> float:
        """How many seconds a peer that has sent `amount` more is to be left waiting, mostly none.

        now: seconds of a monotonic clock. Raises Flooded.
        """
        wait_s = self._allowance.take(amount, now)
        if not wait_s:
            self._slowed_since = None
        elif self._slowed_since is None:
            self._slowed_since = now
        elif now - self._slowed_since > self._patience_s:
            raise self._flooded()
        return wait_s

    def give_up_if_slowed(self) -> None:
        """Whatever else is wrong with a peer that is being slowed down comes of that. Raises Flooded."""
        if self._slowed_since is not None:
            raise self._flooded()

    def _flooded(self) -> Flooded:
        return Flooded(f"{self._what}: a plugin may have gone mad there. The farm hung up.")
