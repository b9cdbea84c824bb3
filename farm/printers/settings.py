"""What the shop may say of a printer, held against what can be. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from farm.domain.ejecting import WARNING, check_ejecting
from farm.domain.models import filled_in
from farm.domain.optimising import ARC_STEPS_MM, TOLERANCES_MM, Optimising
from farm.domain.printer import (
    ENDPOINTS,
    FASTEST,
    PASSWORD_KINDS,
    PRINT_HOSTS,
    SIMULATED,
    SLOWEST,
    Address,
    Loaded,
    Printer,
    Profile,
    Simulation,
)
from farm.errors import Invalid

LONGEST_NAME = 100
MOST_NAMES = 50  # materials a printer takes, or tags it has
MOST_TOOLS = 16
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_WORD = re.compile(r"[^\s,/][^,/]{0,39}")
_ACCESS = ("api_key", "username", "password")
_NO_ADDRESS = "this is no address; write it like http://192.168.1.20"  # people paste some with passwords
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+")

_PLAUSIBLE: Mapping[str, tuple[float, float]] = {
    "nozzle_mm": (0.05, 5),
    "max_nozzle_degc": (0, 600),
    "max_bed_degc": (0, 300),
    "heat_up_w": (0, 20_000),
    "heat_up_s": (0, 36_000),
    "printing_w": (0, 20_000),
}


def checked_printer(printer: Printer) -> Printer:
    """The printer with its address in one form. Raises Invalid with the field and what to do."""
    if not _ID.fullmatch(printer.id):
        raise Invalid(
            "an id has 1 to 40 characters of a-z, 0-9, - and _, and starts with a letter or digit", "id"
        )
    if not printer.name.strip() or len(printer.name) > LONGEST_NAME:
        raise Invalid(f"give the printer a name of 1 to {LONGEST_NAME} characters", "name")
    if not printer.name.isprintable():
        raise Invalid("the name holds what cannot be shown on one line, such as a line break", "name")
    if printer.address.kind not in {*PRINT_HOSTS, SIMULATED}:
        driven = ", ".join((*PRINT_HOSTS, SIMULATED))
        raise Invalid(f"the farm drives {driven}, not {printer.address.kind}", "connection.kind")
    if not 1 <= printer.health_check_interval_s <= 3600:
        raise Invalid("between 1 and 3600 seconds", "health_check_interval_s")
    if not 0 <= printer.max_retries <= 20:
        raise Invalid("between 0 and 20 retries", "max_retries")
    check_words(printer.tags, "tags")
    profile = filled_in(printer.profile)
    _check_profile(profile)
    return replace(printer, address=checked_address(printer.address), profile=profile)


def checked_address(address: Address) -> Address:
    """The address in one form. Raises Invalid with the field and what to do."""
    if address.kind == SIMULATED:
        return _checked_simulated(address)
    if address.simulation is not None:
        raise Invalid("only a simulated printer has dialect, speed and faults; leave them out", "connection")
    _check_access(address)
    return replace(
        address,
        url=checked_url(address.url),
        endpoints=_checked_endpoints(address.kind, address.endpoints),
        api_key=address.api_key.strip(),  # no header holds the spaces that come along when one copies it
    )


def _check_access(address: Address) -> None:
    """Either an API key, or a user with a password where the print host takes one."""
    if not address.username and not address.password:
        return
    if address.kind not in PASSWORD_KINDS:
        raise Invalid("this kind of print host takes an API key, and no user", "connection.username")
    if address.api_key:
        raise Invalid("give either an API key, or a user and a password", "connection.api_key")
    missing = "username" if not address.username else "password" if not address.password else ""
    if missing:
        raise Invalid("a user and a password go together", f"connection.{missing}")


def _checked_simulated(address: Address) -> Address:
    given = {
        "url": address.url,
        "api_key": address.api_key,
        "username": address.username,
        "password": address.password,
        "tls": "" if address.tls == "system" else address.tls,
        "endpoints": address.endpoints,
    }
    for name, value in given.items():
        if value:
            raise Invalid("the farm starts a simulated printer itself; leave this out", f"connection.{name}")
    simulation = address.simulation or Simulation()
    if simulation.dialect not in PRINT_HOSTS:
        known = ", ".join(PRINT_HOSTS)
        raise Invalid(f"the farm simulates {known}, not {simulation.dialect}", "connection.dialect")
    if not SLOWEST <= simulation.speed <= FASTEST:
        raise Invalid(f"between {SLOWEST:g} and {FASTEST:g} times as fast as real time", "connection.speed")
    return replace(address, simulation=simulation)


def _checked_endpoints(kind: str, endpoints: Mapping[str, str]) -> dict[str, str]:
    """Paths of the host that lie elsewhere than usual, by the name of what lies there."""
    known = ENDPOINTS[kind]
    for name, path in endpoints.items():
        field = f"connection.endpoints.{name}"
        if name not in known:
            usual = ", ".join(f"{each} (usually {where})" for each, where in known.items())
            raise Invalid(f"there is no endpoint {name} of this kind of printer; known: {usual}", field)
        names = path.split("/")[1:]
        too_deep = name == "storage" and len(names) > 1
        if not _PATH.fullmatch(path) or len(path) > 200 or {".", ".."} & {*names} or too_deep:
            raise Invalid(f"{path!r} is no path; write it like {known[name]}", field)
    return dict(endpoints)


def checked_url(url: str) -> str:
    """A print host's address as scheme://host[:port][/path]. Raises Invalid."""
    field = "connection.url"
    try:
        parts = urlsplit(url.strip())
        port = f":{parts.port}" if parts.port else ""
    except ValueError as error:
        raise Invalid(_NO_ADDRESS, field) from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Invalid(_NO_ADDRESS, field)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise Invalid(
            "leave user, password, ? and # out of the address; the key has a field of its own", field
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"


def _check_profile(profile: Profile) -> None:
    if profile.volume_mm is not None and not all(0 < edge <= 5000 for edge in profile.volume_mm):
        raise Invalid("three edges in millimetres, as [220, 220, 250]", "profile.volume_mm")
    for name, (least, most) in _PLAUSIBLE.items():
        value = getattr(profile, name)
        if value is not None and not least <= value <= most:
            raise Invalid(f"between {least:g} and {most:g}", f"profile.{name}")
    check_words(profile.materials, "profile.materials")
    if profile.circuit is not None:
        check_words({profile.circuit}, "profile.circuit")
    _check_ejecting(profile)
    _check_loaded(profile.loaded)
    if profile.optimise is not None:
        _check_optimising(profile.optimise)


def _check_ejecting(profile: Profile) -> None:
    wish = profile.ejection
    if wish is not None:
        check_ejecting(wish, profile.volume_mm, "profile.ejection")
        check_words(wish.materials, "profile.ejection.materials")
    if not profile.auto_eject:
        return
    if wish is None:
        raise Invalid(
            "say first how it pushes prints off: the moves, and how cool its bed has to be",
            "profile.auto_eject",
        )
    if not wish.confirmed:
        raise Invalid(f"{WARNING} Say that you have read this: confirmed", "profile.ejection.confirmed")


def _check_optimising(wish: Optimising) -> None:
    for name, (least, most) in {"arc_tolerance_mm": TOLERANCES_MM, "arc_step_mm": ARC_STEPS_MM}.items():
        value = getattr(wish, name)
        if value is not None and not least <= value <= most:
            raise Invalid(f"between {least:g} and {most:g}", f"profile.optimise.{name}")


def _check_loaded(loaded: tuple[Loaded, ...]) -> None:
    field = "profile.loaded"
    tools = [each.tool for each in loaded]
    if len(set(tools)) < len(tools) or not all(0 <= tool < MOST_TOOLS for tool in tools):
        raise Invalid(f"each tool once, numbered from 0 to {MOST_TOOLS - 1}", field)
    for each in loaded:
        check_words({word for word in (each.material, each.colour) if word is not None}, field)


def check_words(words: frozenset[str] | set[str], field: str) -> None:
    """Raise Invalid for what cannot be a tag, a material and the like."""
    if len(words) > MOST_NAMES:
        raise Invalid(f"at most {MOST_NAMES} of them", field)
    for word in sorted(words):
        if not (_WORD.fullmatch(word) and word.isprintable()):
            raise Invalid(f"{word!r} is no name; 1 to 40 characters without comma and slash", field)


def changed_printer(printer: Printer, changes: Mapping[str, Any]) -> Printer:
    """The printer after `changes`, checked. Raises Invalid.

    changes: by the names of its fields; those of `connection` (see `Address`, `Simulation`) and `profile`
    hold only what changes in there.
    """
    fields = dict(changes)
    address = _changed_address(printer.address, fields.pop("connection", {}))
    profile = replace(printer.profile, **fields.pop("profile", {}))
    return checked_printer(replace(printer, address=address, profile=profile, **fields))


def _changed_address(address: Address, changes: Mapping[str, Any]) -> Address:
    if changes.get("kind", address.kind) != address.kind:
        raise Invalid("a printer stays of its kind; take it out and add it anew", "connection.kind")
    of_simulation = {name: changes[name] for name in ("dialect", "speed", "faults") if name in changes}
    simulation = address.simulation
    if of_simulation:
        simulation = replace(simulation or Simulation(), **of_simulation)
    own = {name: changes[name] for name in ("url", "tls", "endpoints", *_ACCESS) if name in changes}
    if own.get("api_key"):  # instead of the user there was, and the other way round
        own = {"username": "", "password": ""} | own
    elif own.get("username"):
        own = {"api_key": ""} | own
    return replace(address, simulation=simulation, **own)
