"""`farm serve`"""

from __future__ import annotations

import argparse
from functools import partial

from farm.commands import options


def add_to(commands: options.Commands) -> None:
    parser = options.command(
        commands,
        "serve",
        "run the farm",
        run,
        examples="  farm serve\n  farm serve --host 0.0.0.0 --port 80\n  farm serve --data /srv/farm\n"
        "  farm serve --demo",
    )
    options.add_config(parser)
    options.add_data(parser)
    parser.add_argument(
        "--host", help="the address to listen on: 127.0.0.1 is this PC only, 0.0.0.0 every network"
    )
    parser.add_argument("--port", help="the TCP port to listen on; 0 takes any free one")
    parser.add_argument(
        "--demo",
        action="store_true",
        help="show a simulated shop at work; made anew in DIR/demo each time, touches nothing else",
    )


def run(chosen: argparse.Namespace) -> int:
    """Returns when the server has stopped."""
    settings = options.settings(chosen, options.given(chosen, "server", "host", "port"))
    from farm import garbage, logs

    garbage.begin()
    from farm.app import serve

    logs.set_up(settings.log.level, settings.log.format)
    folder = options.data_folder(chosen)
    try:
        say = partial(print, flush=True)
        return serve(settings, folder.demo if chosen.demo else folder, say, demo=chosen.demo)
    finally:
        logs.flush()
