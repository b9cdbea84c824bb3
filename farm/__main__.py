"""The command line: `farm`, or `python -m farm`."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Iterator, Sequence

from farm.commands import (
    analyse,
    check_config,
    constraints,
    job,
    key,
    optimise,
    options,
    output,
    print_,
    printer,
    serve,
    simulate,
    spool,
    statistics,
    user,
    version,
    watch,
)
from farm.errors import FarmError, SettingsError

GOOD, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130

_WORDS = "Runs every 3D printer in the shop."
_MORE = """\
exit codes: 0 good, 1 failed, 2 wrong usage or settings, 130 interrupted

examples:
  farm serve
  farm user add anna --role operator
  farm key add "PrusaSlicer in the office" --scope upload --scope queue
  farm printer add mk4-01 --url http://192.168.1.20
  farm job add benchy.gcode
  farm analyse benchy.gcode
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and answers the exit code."""
    os.umask(0o077)  # whatever a command writes, databases too, is for this account alone
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a console that lacks a letter must not end a command
            stream.reconfigure(errors="backslashreplace")
    chosen = _parser().parse_args(arguments)
    try:
        code: int = chosen.run(chosen)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # `farm key list | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except BaseException as problem:
        return _explain(problem)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "farm", description=_WORDS, epilog=_MORE, formatter_class=options.HelpFormatter
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    work = (user, key, printer, spool, constraints, job, print_, statistics)
    for module in (serve, check_config, *work, watch, analyse, optimise, simulate, version):
        module.add_to(commands)
    return parser


def _explain(problem: BaseException) -> int:
    """Tell the person what went wrong, and answer the exit code for it."""
    causes = list(_leaves(problem))
    if any(isinstance(cause, KeyboardInterrupt) for cause in causes):
        return INTERRUPTED
    if isinstance(problem, SystemExit):
        raise problem
    if all(isinstance(cause, FarmError) for cause in causes):
        output.complain("\n".join(dict.fromkeys(map(str, causes))))
        wrong = all(isinstance(cause, SettingsError) for cause in causes)
        return WRONG_USAGE if wrong else FAILED
    _report_bug(problem)
    return FAILED


def _leaves(problem: BaseException) -> Iterator[BaseException]:
    """The errors in a group, which is how they come out of a nursery."""
    if isinstance(problem, BaseExceptionGroup):
        for part in problem.exceptions:
            yield from _leaves(part)
    else:
        yield problem


def _report_bug(problem: BaseException) -> None:
    import traceback

    from farm import logs

    logs.flush()
    output.complain(logs.mask_text("".join(traceback.format_exception(problem))).rstrip())
    output.complain("This is a fault of the farm's. Please report it with the lines above.")


if __name__ == "__main__":
    sys.exit(main())
