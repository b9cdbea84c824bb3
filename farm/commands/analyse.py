"""`farm analyse`: what is in G-code files and models, on any PC, with or without a farm."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from farm.commands import compiling, options, output
from farm.errors import FarmError, Invalid, SettingsError

if TYPE_CHECKING:  # loaded where they are used: `farm --help` is there at once
    from farm.domain.analysis import GcodeAnalysis, MeshAnalysis
    from farm.files.pictures.thumbnails import Picture
    from farm.workers.process import Worker

MEMORY_MB, PROCESSOR_S = 1024, 300.0  # that one file may take


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file: a result, also as JSON, or one sentence about what is wrong."""

    path: Path
    result: GcodeAnalysis | MeshAnalysis | None = None
    text: bytes = b""
    picture: Picture | None = None
    problem: str = ""


def add_to(commands: options.Commands) -> None:
    parser = options.command(
        commands,
        "analyse",
        "say what is in G-code files and models",
        run,
        examples="  farm analyse benchy.gcode\n  farm analyse --json *.gcode *.stl\n"
        "  farm analyse bracket.3mf --thumbnail bracket.png",
    )
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path)
    parser.add_argument("--json", action="store_true", help="one JSON object a line, for programs")
    parser.add_argument("--thumbnail", metavar="OUT.png", type=Path, help="write the picture of the one FILE")


def run(chosen: argparse.Namespace) -> int:
    """1 when anything is wrong with any of the files."""
    if chosen.thumbnail is not None and len(chosen.files) > 1:
        raise SettingsError("--thumbnail writes the picture of one file. Name just that one.")
    import trio

    from farm import logs

    logs.set_up("critical")  # what becomes of a file is said in a sentence of its own
    outcomes = trio.run(_analyse, chosen.files, chosen.json)
    if not chosen.json:
        _show(outcomes)
    if any(outcome.problem for outcome in outcomes):
        return 1
    return 0 if chosen.thumbnail is None else _write(outcomes[0], chosen.thumbnail)


async def _analyse(paths: Sequence[Path], as_lines: bool) -> list[Outcome]:
    """One after the other. as_lines: say each as soon as it is read."""
    outcomes = []
    async with _Reader() as reader:
        for path in paths:
            outcome = await reader.read(path)
            outcomes.append(outcome)
            if as_lines:
                output.say(_line(outcome))
    return outcomes


class _Reader:
    """Reads files in a process held to limits, as the farm does: the worst of them takes no more with it."""

    async def __aenter__(self) -> Self:
        from farm.files.analyser import OF_ALL
        from farm.workers.process import Worker

        self._worker: Worker = Worker(OF_ALL, compiling.surroundings())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._worker.aclose()

    async def read(self, path: Path) -> Outcome:
        """Raises what is not the file's fault: that no process can be had."""
        from farm.domain.file import kind_of
        from farm.files.analyser import limits_of
        from farm.files.at_work import Asked, Found
        from farm.store.files import result_in
        from farm.workers.process import WorkFailed

        limits = limits_of(MEMORY_MB, PROCESSOR_S)
        with output.Progress(path.name) as progress:
            progress.say("getting ready; the first time of all this takes a minute")
            await self._worker.warm_up()
            try:
                kind = kind_of(path.name)
                found = await self._worker.do(Asked(_readable(path), kind), Found, limits, progress.at)
            except WorkFailed as lost:
                return Outcome(path, problem=f"this file cannot be read: {lost}")
            except FarmError as problem:
                return Outcome(path, problem=str(problem))
        picture = found.pictures[-1] if found.pictures else None
        return Outcome(path, result_in(found.result, kind), found.result, picture)


def _readable(path: Path) -> str:
    """The whole path. Raises Invalid where nobody could read it."""
    try:
        with path.open("rb"):
            return str(path.absolute())
    except OSError as error:
        raise Invalid(f"this file cannot be read: {error.strerror}") from error


def _line(outcome: Outcome) -> str:
    import msgspec

    shown = {"file": str(outcome.path), "ok": not outcome.problem}
    what = {"error": outcome.problem} if outcome.problem else {"result": msgspec.Raw(outcome.text)}
    return msgspec.json.encode({**shown, **what}).decode()


def _show(outcomes: Sequence[Outcome]) -> None:
    """A sheet of one file, a table of several; what could not be read goes to the error stream."""
    from farm.commands import analysis_words as words

    read = [(str(outcome.path), outcome.result) for outcome in outcomes if outcome.result is not None]
    if len(outcomes) == 1 and read:
        lines = list(words.sheet(*read[0]))
        width = max(len(what) for what, _ in lines)
        for what, said in lines:
            output.say(f"{what:{width}}  {said}")
    elif read:
        output.say_table([words.row(name, result) for name, result in read], words.COLUMNS)
    for outcome in outcomes:
        if outcome.problem:
            output.complain(f"{outcome.path}: {outcome.problem}")


def _write(outcome: Outcome, target: Path) -> int:
    if outcome.picture is None:
        output.complain(f"{outcome.path} holds no picture, and none can be drawn of it.")
        return 1
    try:
        target.write_bytes(outcome.picture.data)
    except OSError as error:
        output.complain(f"{target} cannot be written: {error.strerror}.")
        return 1
    return 0
