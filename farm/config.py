"""The shop's settings: a TOML file, FARM_SECTION__KEY in the environment, and the command line.

A setting is one line in one of the dataclasses below, with its unit, default and bounds; everything
else here follows from those lines. What people change while the farm runs is not here but in the
database, behind the API.
"""

from __future__ import annotations

import difflib
import ipaddress
import json
import math
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar, cast

from farm.errors import SettingsError

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a setting may be, beside its type (that of its default); bounds belong to the range."""

    least: float = -math.inf
    most: float = math.inf
    choices: tuple[Any, ...] = ()
    check: Callable[[Any], bool] | None = None
    words: str = ""


def _setting(default: _T, **allowed: Any) -> _T:
    return field(default=default, metadata={"allowed": Allowed(**allowed)})


def _is_host(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", text) is not None
    return True


@dataclass(frozen=True, slots=True)
class Server:
    """Where the server listens. host: 0.0.0.0 is every network of the shop PC. port: 0 is any free one.

    announce: whether it can be found there (mDNS); never where it listens to the shop PC alone.
    """

    host: str = _setting(
        "127.0.0.1", check=_is_host, words="an IP address or host name, without http:// and without the port"
    )
    port: int = _setting(8080, least=0, most=65535)
    announce: bool = _setting(default=True)


@dataclass(frozen=True, slots=True)
class Files:
    """max_upload_mb: the largest file taken. min_free_mb: what uploads leave free. MB: 10^6 bytes.

    quota_mb: of all files together, user_quota_mb: of those of one person or key; 0 is no limit.
    workers: processes that read files; 0 is as many as suit the PC. worker_memory_mb, worker_time_s: what
    one file may take of memory, and of processor time in seconds.
    """

    max_upload_mb: int = _setting(1024, least=1, most=1_000_000)
    min_free_mb: int = _setting(1024, least=0, most=10_000_000)
    quota_mb: int = _setting(0, least=0, most=1_000_000_000)
    user_quota_mb: int = _setting(0, least=0, most=1_000_000_000)
    workers: int = _setting(0, least=0, most=16)
    worker_memory_mb: int = _setting(1024, least=256, most=65_536)
    worker_time_s: float = _setting(120.0, least=5, most=3600)


@dataclass(frozen=True, slots=True)
class Printers:
    """connect_timeout_s: until a print host counts as unreachable."""

    connect_timeout_s: float = _setting(5.0, least=0.5, most=60)


@dataclass(frozen=True, slots=True)
class Queue:
    """plate_undo_s: how long a cleared plate can be taken back, in seconds; nothing starts on it before."""

    plate_undo_s: float = _setting(15.0, least=0, most=300)


@dataclass(frozen=True, slots=True)
class Scheduling:
    """optimise: whether a plan is looked for; else jobs are begun as they come, the most urgent first.

    seconds: to look for a plan, whenever something has changed.
    """

    optimise: bool = _setting(default=True)
    seconds: float = _setting(5.0, least=0.5, most=60)


@dataclass(frozen=True, slots=True)
class Processing:
    """How what printers measure is understood, and how long it is kept.

    buffer_size: samples of each channel that are looked back on, one a second. interval_s: between two looks
    at what they mean. metrics_retention_h: each single reading, in hours. minutes_retention_d,
    hours_retention_d: the sums of whole minutes and hours, in days. history_size_mb: what all of it may take,
    in MB (10^6 bytes); of more the finest and oldest goes first.
    """

    buffer_size: int = _setting(1000, least=60, most=10_000)
    interval_s: float = _setting(5.0, least=1, most=60)
    metrics_retention_h: float = _setting(24.0, least=1, most=24 * 366)
    minutes_retention_d: float = _setting(14.0, least=1, most=3660)
    hours_retention_d: float = _setting(400.0, least=1, most=36_600)
    history_size_mb: int = _setting(4000, least=50, most=10_000_000)


@dataclass(frozen=True, slots=True)
class Live:
    """How /v1/live tells browsers and programs what happens.

    max_clients: at the same time; one more is sent away. batch_delay_ms: events are gathered for so long,
    in milliseconds, unless a client wants it otherwise; 0 sends each at once. batch_size: so many waiting
    facts are sent before that. compression: whether it is offered. rate_limit: states sent and requests
    taken, per client and second; 0 is no limit, and facts have none. ping_interval_s: how long a client
    may be silent before it is asked for a sign of life.
    """

    max_clients: int = _setting(1000, least=1, most=100_000)
    batch_delay_ms: int = _setting(50, choices=(0, 50, 250, 1000))
    batch_size: int = _setting(10, least=1, most=64)
    compression: bool = _setting(True)
    rate_limit: int = _setting(100, least=0, most=100_000)
    ping_interval_s: float = _setting(20.0, least=1, most=300)


@dataclass(frozen=True, slots=True)
class Log:
    """level: the least important line that is shown. format: auto is console in a terminal, else json."""

    level: str = _setting("info", choices=("debug", "info", "warning", "error"))
    format: str = _setting("auto", choices=("auto", "console", "json"))


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings; a section is a table of the file."""

    server: Server = Server()
    files: Files = Files()
    printers: Printers = Printers()
    queue: Queue = Queue()
    scheduling: Scheduling = Scheduling()
    processing: Processing = Processing()
    live: Live = Live()
    log: Log = Log()


@dataclass(frozen=True, slots=True)
class Given:
    """A value somebody wrote. where: "farm.toml, line 3", "FARM_SERVER__PORT" or "--port"."""

    where: str
    section: str
    key: str
    value: Any
    is_text: bool = False  # from the environment, where everything is text


def sections() -> dict[str, dict[str, Any]]:
    """Every section with its keys and their defaults."""
    return as_dict(Settings())


def as_dict(settings: Settings) -> dict[str, dict[str, Any]]:
    """The values, by section and key."""
    return {
        section.name: {key.name: getattr(values, key.name) for key in fields(values)}
        for section in fields(settings)
        for values in (getattr(settings, section.name),)
    }


def as_toml(settings: Settings) -> str:
    """The values in the form of the settings file."""
    blocks = (
        "\n".join([f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items())])
        for section, keys in as_dict(settings).items()
    )
    return "\n\n".join(blocks) + "\n"


def load(
    file: Path,
    environ: Mapping[str, str],
    command_line: Iterable[Given] = (),
    *,
    must_exist: bool = False,
) -> Settings:
    """The settings from the file, then `environ`, then the command line; the last one to say counts.

    A missing file means the defaults, unless it must exist. Raises SettingsError with everything that
    is wrong at once, a sentence a line.
    """
    problems: list[str] = []
    given = [
        *_from_file(file, must_exist, problems),
        *_from_environment(environ, problems),
        *command_line,
    ]
    chosen: dict[str, dict[str, Any]] = {section: {} for section in sections()}
    for one in given:
        problem, value = _judge(one)
        if problem:
            problems.append(f"{one.where}: {problem}")
        else:
            chosen[one.section][one.key] = value
    if problems:
        raise SettingsError("\n".join(problems))
    defaults = Settings()
    return replace(
        defaults, **{name: replace(getattr(defaults, name), **values) for name, values in chosen.items()}
    )


# --- the file


def _from_file(file: Path, must_exist: bool, problems: list[str]) -> Iterator[Given]:
    try:
        text = file.read_text("utf-8-sig")  # Windows' editor puts a mark in front
        document = tomllib.loads(text)
    except FileNotFoundError:
        if must_exist:
            problems.append(f"There is no settings file {file}.")
        return
    except OSError as problem:
        problems.append(f"{file} cannot be read: {problem.strerror}.")
        return
    except UnicodeDecodeError:
        problems.append(f"{file} is not UTF-8 text; save it as UTF-8.")
        return
    except tomllib.TOMLDecodeError as problem:
        problems.append(f"{file} is not valid TOML: {problem}.")
        return
    for section, table in document.items():
        if section not in sections() or not isinstance(table, dict):
            where = _place(file, _line_of(text, section, None))
            problems.append(f"{where}: {_wrong_section(section, table)}")
            continue
        for key, value in table.items():
            yield Given(_place(file, _line_of(text, section, key)), section, key, value)


def _place(file: Path, line: int | None) -> str:
    return str(file) if line is None else f"{file}, line {line}"


def _line_of(text: str, section: str, key: str | None) -> int | None:
    """The line on which a section, or a key of it, is written; tomllib does not tell.

    Plain text search: for unusual spellings (inline tables, quoted keys) None, never a wrong line.
    """
    inside = ""
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[\s*([\w-]+)\s*\]", line)
        if header:
            inside = header[1]
        name = re.match(r"\s*([\w-]+(?:\.[\w-]+)?)\s*=", line)
        written = f"{inside}.{name[1]}".lstrip(".") if name else ""
        if key is None and (inside == section if header else written.split(".")[0] == section):
            return number
        if key is not None and written == f"{section}.{key}":
            return number
    return None


def _wrong_section(section: str, value: Any) -> str:
    if section in sections():
        return f"{section} is a section: write [{section}] on a line of its own, and its settings below."
    homes = [name for name, keys in sections().items() if section in keys]
    if not isinstance(value, dict):
        if homes:
            return f"{section} belongs into the section [{homes[0]}]."
        everything = {key: f"[{name}] {key}" for name, keys in sections().items() for key in keys}
        return f"{section} is in no section, and not a setting{_nearest(section, everything)}"
    known = {name: f"[{name}]" for name in sections()}
    return f"[{section}] is not a section of the settings{_nearest(section, known)}"


# --- the environment


def _from_environment(environ: Mapping[str, str], problems: list[str]) -> Iterator[Given]:
    """FARM_SERVER__PORT and the like. FARM_ without a double underscore is not a setting of ours."""
    for name, text in sorted(environ.items()):
        if not name.startswith("FARM_") or "__" not in name:
            continue
        section, _, key = name.removeprefix("FARM_").lower().partition("__")
        if key in sections().get(section, {}):
            yield Given(name, section, key, text, is_text=True)
        else:
            problems.append(f"{name}: there is no such setting{_nearest(name, _variables())}")


def _variables() -> dict[str, str]:
    names = [f"FARM_{section}__{key}".upper() for section, keys in sections().items() for key in keys]
    return dict(zip(names, names, strict=True))


# --- one value


def _judge(given: Given) -> tuple[str, Any]:
    """What is wrong with it ("" when nothing is), and the value as the farm uses it."""
    keys = sections()[given.section]
    name = f"[{given.section}] {given.key}"
    if given.key not in keys:
        homes = [other for other, theirs in sections().items() if given.key in theirs]
        if homes:
            return f"{given.key} belongs into the section [{homes[0]}], not [{given.section}].", None
        return f"{name} is not a setting{_nearest(given.key, {key: key for key in keys})}", None
    allowed = _allowed(given.section, given.key)
    kind = type(keys[given.key])
    value = _typed(given, kind)
    if value is None or not _fits(value, allowed):
        return f"{name} is {_shown(given)}; it must be {_words(kind, allowed)}.", None
    return "", value


def _allowed(section: str, key: str) -> Allowed:
    values = getattr(Settings(), section)
    return next(cast(Allowed, one.metadata["allowed"]) for one in fields(values) if one.name == key)


def _typed(given: Given, kind: type) -> Any:
    """The value as `kind`, or None where it is not one. A whole number is good for a number, not v.v."""
    value = given.value
    if given.is_text and kind is bool:
        return {"true": True, "false": False}.get(value.lower())
    if given.is_text and kind is not str:
        try:
            return kind(value)
        except ValueError:
            return None
    if kind is float and type(value) is int:
        return float(value)
    return value if type(value) is kind else None  # a bool is an int to isinstance


def _fits(value: Any, allowed: Allowed) -> bool:
    if allowed.choices:
        return value in allowed.choices
    if isinstance(value, str):
        return not allowed.check or allowed.check(value)
    return bool(allowed.least <= value <= allowed.most)  # false for nan


def _words(kind: type, allowed: Allowed) -> str:
    if allowed.choices:
        return "one of " + ", ".join(map(str, allowed.choices))
    if kind is bool:
        return "true or false"
    if kind is str:
        return allowed.words
    number = "a whole number" if kind is int else "a number"
    return f"{number} from {allowed.least:.10g} to {allowed.most:.10g}"


def _shown(given: Given) -> str:
    text = json.dumps(given.value, default=str, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _nearest(name: str, known: Mapping[str, str]) -> str:
    """The end of a sentence about an unknown name. known: names, each with how it is shown."""
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"; did you mean {known[close[0]]}?"
    return f". Known are {', '.join(known.values())}."
