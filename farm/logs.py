"""Log lines: for people in a terminal, as JSON for programs, and never with a secret in them.

Everything goes one way, also what libraries write with `logging`: field names and times are added,
secrets are masked, and a thread of its own writes the line, for a terminal whose output somebody has
stopped (Ctrl-S, a click into a Windows console) must not stop the farm.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import queue
import re
import sys
import threading
import time
from collections.abc import Iterable, Mapping, MutableMapping
from enum import Enum
from typing import Any, TextIO

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

MASK = "***"

WAITING_LINES = 10_000  # about 2 MB; then lines are dropped and counted
FLUSH_S = 2.0  # how long the end of the program waits for the last lines
LONGEST = 32_768  # characters of one text; masking a megabyte would hold the loop for half a second
DEEPEST = 8  # levels of nesting that are shown; also the end of a value that contains itself

_SECRET_KEY = re.compile(
    "passw|passphrase|token|secret|authori[sz]ation|cookie|csrf"
    "|(api|private|sealed|signing|access|session)key|^pin$|^jwt$"
)
_SECRET_TEXT_KEY = re.compile("^(setup|onetime|login)?code$")  # but code=404 and gcode="G28" are none

_NAMES = (
    r"(?<![\w-])(?:[\w-]*(?:passw(?:or)?d|passphrase|token|secret|api[_-]?key|private[_-]?key|setup[_-]?code)"
    r"|(?:proxy-)?authorization|(?:set-)?cookie|x-csrf-token)"
)
_MAY_BE_ONE = re.compile(r"[:=,$]|farm_|eyJ|[Bb]earer |-----")  # most texts hold none of these
# Each pattern is linear on any text: what may start it cannot also stand inside it.
_SECRET_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    # Our own keys and the token of the shop PC; the id is in every list and says which key it was.
    (re.compile(r"(farm_[0-9a-z]{4,16}_)[\w-]{16,}"), rf"\1{MASK}"),
    (re.compile(r"(?<![\w-])eyJ[\w-]{6,}\.[\w-]{6,}\.[\w-]*"), MASK),
    (re.compile(r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----[^-]*"), f"-----BEGIN PRIVATE KEY-----{MASK}"),
    (re.compile(r"\$argon2\w{1,2}\$[^\s\"']+"), MASK),
    # "password": "…", api_key='…', (b'cookie', b'…'): JSON, reprs, header lists, and those in a repr
    (
        re.compile(
            rf"(?i)((?:{_NAMES}|(?<=[\"'])code)\\{{0,2}}[\"']?\s{{0,4}}[:=,]\s{{0,4}}b?\\{{0,2}})([\"'])(?:\\.|(?!\2)[^\\\n])*"
        ),
        rf"\1\2{MASK}",
    ),
    # X-Api-Key: …, up to the end of the line: a cookie or a digest has blanks in it
    (
        re.compile(
            r"(?i)((?:x-api-key|x-csrf-token|(?:proxy-)?authorization|(?:set-)?cookie): {0,4})"
            r"[^\s\"'][^\r\n]*"
        ),
        rf"\1{MASK}",
    ),
    # ?token=…&password=…
    (re.compile(rf"(?i)({_NAMES}=)[^\s&;,\"')]+"), rf"\1{MASK}"),
    (re.compile(r"\b([Bb]earer )[\w.~+/=-]{16,}"), rf"\1{MASK}"),
    (re.compile(r"(?i)\b(code=)[0-9A-Z]{4}-[0-9A-Z]{4}\b"), rf"\1{MASK}"),
    (re.compile(r"(://[^\s/:@\"']*:)[^\s/@\"']+(?=@)"), rf"\1{MASK}"),
)

# Names that come over the network must not be able to clear the screen or colour a lie.
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if code not in (9, 10)}


def set_up(level: str = "info", style: str = "auto", stream: TextIO | None = None) -> None:
    """Send every log line of this process to `stream` (stderr). May be called again.

    level: the least that is shown. style: "json", "console", or "auto" (console in a terminal).
    """
    stream = sys.stderr if stream is None else stream
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*_additions(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(number),
        cache_logger_on_first_use=False,  # loggers are made at import, before the level is known
    )
    handler = logging.StreamHandler(_writer_to(stream))
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_additions(),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.StackInfoRenderer(),
                structlog.processors.format_exc_info,
                mask_secrets,
                _renderer(style, stream),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=number, force=True)
    logging.captureWarnings(True)
    for chatty in ("httpx", "httpcore"):  # a line a request: at a poll a second, nothing else is seen
        logging.getLogger(chatty).setLevel(max(number, logging.WARNING))


def flush(within_s: float = FLUSH_S) -> None:
    """Wait until what was logged is written, but no longer than `within_s`."""
    if _writer is not None:
        _writer.drain(within_s)


def mask_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Replace what is or looks like a secret, at any depth, and in exception text."""
    return {mask_text(key): _masked(key, value, DEEPEST) for key, value in event.items()}


def mask_text(text: str) -> str:
    """`text` without what is shaped like a secret of ours or of a print host; the middle of much is cut."""
    if len(text) > LONGEST:
        head, tail = text[: LONGEST // 2].rsplit(None, 1)[0], text[-LONGEST // 2 :].split(None, 1)[-1]
        text = f"{head} … ({len(text) - len(head) - len(tail)} characters left out) … {tail}"
    if _MAY_BE_ONE.search(text) is None:
        return text
    for shape, instead in _SECRET_SHAPES:
        text = shape.sub(instead, text)
    return text


def _masked(key: str, value: Any, depth: int) -> Any:
    """A JSON-ready picture of `value`. Objects become text here, for their text may hold a secret."""
    if value is None or isinstance(value, bool) or value == "":
        return value
    if _names_a_secret(key, value):
        return MASK
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, str):
        return mask_text(value.value if isinstance(value, Enum) else value)
    if isinstance(value, (Mapping, list, tuple, set, frozenset)):
        if depth == 0:
            return "…"
        if isinstance(value, Mapping):
            return {mask_text(str(name)): _masked(str(name), one, depth - 1) for name, one in value.items()}
        return _masked_list(value, depth - 1)
    return mask_text(_text(value))


def _masked_list(values: Iterable[Any], depth: int) -> list[Any]:
    """Pairs of a name and a value, as header lists have them, are masked by the name."""
    values = list(values)
    if len(values) == 2 and isinstance(values[0], (str, bytes)):
        name, value = values
        return [_masked("", name, depth), _masked(_text(name), value, depth)]
    return [_masked("", one, depth) for one in values]


def _names_a_secret(key: str, value: Any) -> bool:
    bare = re.sub(r"[\W_]", "", key).lower()
    if isinstance(value, str) and _SECRET_TEXT_KEY.search(bare):
        return True
    return _SECRET_KEY.search(bare) is not None


def _text(value: object) -> str:
    try:
        if isinstance(value, (bytes, bytearray)):
            return value.decode("utf-8", "backslashreplace")
        return f"{type(value).__name__}: {value}" if isinstance(value, BaseException) else repr(value)
    except Exception as problem:  # a log line is written while something is wrong already
        return f"<a {type(value).__name__} that cannot be shown: {type(problem).__name__}>"


def _additions() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]


def _renderer(style: str, stream: TextIO) -> Processor:
    terminal = stream.isatty()
    if style == "json" or (style == "auto" and not terminal):
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    # Colours would need one more package on Windows.
    colours = terminal and sys.platform != "win32" and "NO_COLOR" not in os.environ
    for_people = structlog.dev.ConsoleRenderer(
        colors=colours, timestamp_key="at", exception_formatter=structlog.dev.plain_traceback
    )

    def render(logger: WrappedLogger, name: str, event: MutableMapping[str, Any]) -> str:
        safe = {key: _harmless(value) for key, value in event.items()}
        return str(for_people(logger, name, safe))

    return render


def _harmless(value: Any) -> Any:
    return value.translate(_CONTROLS) if isinstance(value, str) else value


# --- writing


class _Writer:
    """A file whose `write` never waits: a thread does, and lines that find no room are counted."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._lines: queue.Queue[str | None] = queue.Queue(WAITING_LINES)
        self._dropped = 0
        threading.Thread(target=self._write_until_closed, name="log writer", daemon=True).start()

    def write(self, line: str) -> None:
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._dropped += 1

    def flush(self) -> None:
        """Nothing: `logging` calls this after each line, and it must not wait."""

    def drain(self, within_s: float) -> None:
        deadline = time.monotonic() + within_s
        with self._lines.all_tasks_done:
            while self._lines.unfinished_tasks and (left := deadline - time.monotonic()) > 0:
                self._lines.all_tasks_done.wait(left)

    def close(self) -> None:
        self.drain(FLUSH_S)
        with contextlib.suppress(queue.Full):  # stuck: its thread ends with the program
            self._lines.put_nowait(None)

    def _write_until_closed(self) -> None:
        while (line := self._lines.get()) is not None:
            dropped, self._dropped = self._dropped, 0
            try:
                if dropped:
                    self.stream.write(f"{dropped} log lines were dropped: nobody took them\n")
                self.stream.write(line)
                if self._lines.empty():
                    self.stream.flush()
            except (OSError, ValueError):  # closed, or its disk is full: there is nobody to tell
                pass
            finally:
                self._lines.task_done()


_writer: _Writer | None = None


def _writer_to(stream: TextIO) -> _Writer:
    global _writer
    if _writer is None or _writer.stream is not stream:
        if _writer is None:
            atexit.register(flush)
        else:
            _writer.close()
        _writer = _Writer(stream)
    return _writer
