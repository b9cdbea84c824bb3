"""`python -m tests.compiled`: compile once, on all processors, what each process of the tests would otherwise
compile for itself while a test waits for it.
"""

from __future__ import annotations

import subprocess
import sys

from tests import conftest

MODULES = ("farm.files.at_work", "farm.schedule.at_work")


def main() -> int:
    """The exit code of the one that failed, 0 where none did."""
    assert conftest.COMPILED  # imported, it has said where compiled code is kept
    commands = [[sys.executable, "-c", f"from {module} import warm_up; warm_up()"] for module in MODULES]
    running = [subprocess.Popen(command) for command in commands]
    return max(process.wait() for process in running)


if __name__ == "__main__":
    sys.exit(main())
