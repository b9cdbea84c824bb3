"""`farm version`"""

from __future__ import annotations

import argparse
import platform

from farm import __version__
from farm.commands import options, output


def add_to(commands: options.Commands) -> None:
    options.command(commands, "version", "say which version this is", run)


def run(chosen: argparse.Namespace) -> int:
    output.say(f"printer-farm {__version__} (Python {platform.python_version()}, {platform.system()})")
    return 0
