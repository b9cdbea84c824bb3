"""Who answers at an address: each kind of print host that the farm drives is asked for in turn."""

from __future__ import annotations

from collections.abc import Callable

import trio

from farm.domain.printer import PASSWORD_KINDS, PRINT_HOSTS, Address, Printer
from farm.drivers.base import AnswerLost, Driver, Identity
from farm.errors import FarmError, Forbidden, PrinterUnreachable, ProtocolError
from farm.printers.messages import Probed, ProbePrinter
from farm.printers.settings import checked_url

EASILY_REFUSED = "octoprint"  # whose driver takes any refusal for its host's own
PROBE_WITHIN_S = 9.0  # the asker is promised an answer within 10


async def probe(wish: ProbePrinter, driver_of: Callable[[Printer], Driver]) -> Probed:
    """Who answers at an address, or why nobody does, within PROBE_WITHIN_S."""
    try:
        url = checked_url(wish.url)
        with trio.fail_after(PROBE_WITHIN_S):
            return await _ask_for_each(url, wish, driver_of)
    except FarmError as problem:
        return Probed(None, problem=str(problem))
    except trio.TooSlowError:
        return Probed(None, problem=f"nobody answered at {url} within {PROBE_WITHIN_S:.0f} s")


async def _ask_for_each(url: str, wish: ProbePrinter, driver_of: Callable[[Printer], Driver]) -> Probed:
    """Raises what speaks for itself: a key that is not taken, an address that cannot be used or reached.

    With a user and a password only who takes those is asked.
    """
    other = starting = locked = None
    asked = {kind: peer for kind, peer in PRINT_HOSTS.items() if kind in PASSWORD_KINDS or not wish.username}
    for kind, peer in asked.items():
        key, user, password = wish.api_key.strip(), wish.username, wish.password
        address = Address(kind, url, key, wish.tls, username=user, password=password)
        try:
            identity = await _connect(driver_of(_at(address)))
        except Forbidden as error:  # another kind's driver may know better what to enter
            if locked is None or kind != EASILY_REFUSED:
                locked = error
        except ProtocolError as error:
            other = error
        except AnswerLost as error:
            starting = error
        except PrinterUnreachable as error:  # nobody is there to be taken for a host of this kind
            raise PrinterUnreachable(str(error).replace(f"{peer} at", "The print host at", 1)) from error
        else:
            return Probed(identity.kind, identity.version, identity.name or None)
    if locked is not None:
        raise locked
    peers = ", ".join(asked.values())
    words = f"What answers at {url} is none that the farm drives ({peers}). {other}"
    return Probed(None, problem=str(starting or words))


def _at(address: Address) -> Printer:
    return Printer("probe", "the address", address)


async def _connect(driver: Driver) -> Identity:
    try:
        return await driver.identify()
    finally:
        with trio.move_on_after(1, shield=True):
            await driver.aclose()
