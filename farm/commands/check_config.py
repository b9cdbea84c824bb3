"""`farm check-config`"""

from __future__ import annotations

import argparse

from farm.commands import options, output


def add_to(commands: options.Commands) -> None:
    parser = options.command(
        commands,
        "check-config",
        "check the settings and show what holds",
        run,
        examples="  farm check-config\n  farm check-config --config config/farm.example.toml",
    )
    options.add_config(parser)
    options.add_data(parser)


def run(chosen: argparse.Namespace) -> int:
    """Changes nothing; also good beside a running server."""
    from farm.config import as_toml

    settings = options.settings(chosen)
    file = options.settings_file(chosen)
    output.say(f"good: {file}" if file.exists() else f"good: there is no {file}, so these are the defaults")
    output.say(f"\n{as_toml(settings).rstrip()}")
    return 0
