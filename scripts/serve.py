"""Starts the farm server; the first time it also makes everything the server needs.

    python3 scripts/serve.py [options of `farm serve`]

It makes `.venv` in this folder, installs the locked packages into it and starts the server from there.
Later starts skip all that. Everything after the script's name is passed on to the server.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from scripts import environment


def main(arguments: list[str]) -> int:
    """Makes the environment ready and goes on as the server. Returns only for help, or on Windows."""
    ours = environment.for_serving()
    # -P: a folder named farm where the person happens to stand must not be taken for the server.
    server = [str(ours.interpreter), "-P", "-m", "farm", "serve", *arguments]
    if {"-h", "--help"} & set(arguments):
        print(__doc__)
        if not environment.is_ready(ours):
            print("The server's own options are shown here once a first start has installed it.")
            return 0
        return environment.run_as_child(server)
    environment.prepare(ours)
    return environment.become(server)


if __name__ == "__main__":
    environment.run_script(main)
