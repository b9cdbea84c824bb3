"""Options that several commands share, and the things they stand for."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:  # loaded where they are used: `farm --help` is there at once
    from farm.config import Given, Settings
    from farm.data_folder import DataFolder

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Leaves the lines of examples alone, and gives the longest command a line with its words."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30)


def command(
    commands: Commands,
    name: str,
    words: str,
    run: Callable[[argparse.Namespace], int] | None = None,
    *,
    examples: str = "",
) -> argparse.ArgumentParser:
    """A command (`run` None: a group of commands) with its one line of help, and examples below it."""
    parser = commands.add_parser(
        name,
        help=words,
        description=words[0].upper() + words[1:] + ".",
        epilog=f"examples:\n{examples}" if examples else None,
        formatter_class=HelpFormatter,
        allow_abbrev=False,  # --pass must not become --password-stdin
    )
    if run is not None:
        parser.set_defaults(run=run)
    return parser


def group(commands: Commands, name: str, words: str) -> Commands:
    """A command that only has commands of its own."""
    parser = command(commands, name, words)
    return parser.add_subparsers(title="commands", metavar="COMMAND", required=True)


def millimetres(least: float, most: float) -> Callable[[str], float]:
    """The type of an argument."""

    def read(text: str) -> float:
        with suppress(ValueError):
            if least <= (value := float(text)) <= most:
                return value
        raise argparse.ArgumentTypeError(f"{text!r} is not from {least:g} to {most:g}")

    return read


def add_data(parser: argparse.ArgumentParser) -> None:
    """--data"""
    parser.add_argument(
        "--data",
        metavar="DIR",
        type=Path,
        help="the data folder (default: ./data in a checkout, else this account's data folder)",
    )


def add_config(parser: argparse.ArgumentParser) -> None:
    """--config"""
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help="the settings file (default: farm.toml in the data folder)",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """--json"""
    parser.add_argument("--json", action="store_true", help="answer in JSON, for programs")


def data_folder(chosen: argparse.Namespace) -> DataFolder:
    """The folder --data names, or the usual one."""
    from farm.data_folder import DataFolder, default_folder

    return DataFolder((chosen.data or default_folder()).absolute())


def same_data(chosen: argparse.Namespace) -> str:
    """What a command that is to follow this one has to say of the data folder."""
    return f" --data {shlex.quote(str(chosen.data))}" if chosen.data else ""


def settings_file(chosen: argparse.Namespace) -> Path:
    """The file --config names, or the one in the data folder."""
    named: Path | None = chosen.config
    return named if named is not None else data_folder(chosen).settings


def settings(chosen: argparse.Namespace, command_line: Iterable[Given] = ()) -> Settings:
    """The settings that hold for this run. Raises SettingsError."""
    from farm.config import load

    must_exist = chosen.config is not None
    return load(settings_file(chosen), os.environ, command_line, must_exist=must_exist)


def given(chosen: argparse.Namespace, section: str, *keys: str) -> list[Given]:
    """The settings that were named on the command line, as --port."""
    from farm.config import Given

    values: dict[str, Any] = {key: getattr(chosen, key) for key in keys}
    return [
        Given(f"--{key}", section, key, value, is_text=True)
        for key, value in values.items()
        if value is not None
    ]
