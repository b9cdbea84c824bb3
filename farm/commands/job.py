"""`farm job`: files sent to be printed, and what becomes of them."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from farm.commands import options, output, reach
from farm.domain.job import JobState
from farm.errors import Refused

COLUMNS = {
    "id": "ID",
    "state": "STATE",
    "name": "NAME",
    "copies": "DONE",
    "priority": "PRIORITY",
    "on": "PRINTERS",
    "due_at": "DUE",
    "created_at": "ADDED",
}
CHANGES = {
    "approve": "let a job go on that waits for approval",
    "hold": "begin no more prints of a job until it is released",
    "release": "let a held job go on",
    "cancel": "give a job up; a print of it that runs goes on",
    "retry": "let a job that failed, or needs a look, be tried again",
}


def add_to(commands: options.Commands) -> None:
    group = options.group(commands, "job", "send files to be printed, list the jobs, hold or cancel them")
    adding = options.command(
        group,
        "add",
        "send a file and have it printed",
        add,
        examples="  farm job add benchy.gcode\n  farm job add clip.gcode --copies 20 --tag row-a",
    )
    adding.add_argument("file", type=Path, help="a sliced file")
    adding.add_argument("--copies", type=int, default=1, metavar="N", help="how often (default: 1)")
    adding.add_argument("--priority", type=int, default=0, metavar="N", help="larger goes first (default: 0)")
    adding.add_argument(
        "--printer",
        dest="printers",
        action="append",
        default=[],
        metavar="ID",
        help="only on this printer, and others so named (default: on any)",
    )
    adding.add_argument(
        "--tag",
        dest="tags",
        action="append",
        default=[],
        metavar="TAG",
        help="only on printers with this tag; may be repeated",
    )
    adding.add_argument(
        "--prefer",
        dest="preferred",
        action="append",
        default=[],
        metavar="ID",
        help="rather on this printer; may be repeated",
    )
    adding.add_argument("--material", help="to print it in (default: what the file says)")
    adding.add_argument("--colour", help="to print it in (default: whatever is loaded)")
    adding.add_argument("--rotatable", action="store_true", help="it may be turned by 90 degrees to fit")
    adding.add_argument("--attended", action="store_true", help="only while somebody is there to its end")
    adding.add_argument(
        "--allow-short-filament", action="store_true", help="though too little is left on the spool"
    )
    adding.add_argument("--hold", action="store_true", help="begin nothing until it is released")
    listing = options.command(group, "list", "list the jobs, oldest first", list_all)
    listing.add_argument(
        "--state",
        choices=list(map(str, JobState)),
        metavar="STATE",
        help=f"only those that are {', '.join(JobState)}",
    )
    changing = []
    for change, words in CHANGES.items():
        parser = options.command(group, change, words, partial(change_job, change))
        parser.add_argument("id", help="its id, as `farm job list` shows it")
        changing.append(parser)
    for parser in (adding, listing, *changing):
        options.add_data(parser)
        options.add_json(parser)


def add(chosen: argparse.Namespace) -> int:
    with reach.server_in(options.data_folder(chosen)) as farm:
        try:
            with output.Progress(chosen.file.name, chosen.file.stat().st_size) as progress:
                file = farm.upload(chosen.file, progress.at)
        except OSError as problem:
            raise Refused(f"{chosen.file} cannot be read: {problem.strerror}.") from problem
        job = farm.add_job(
            {
                "file": file["id"],
                "copies": chosen.copies,
                "priority": chosen.priority,
                "required_printers": chosen.printers,
                "required_tags": chosen.tags,
                "preferred_printers": chosen.preferred,
                "material": chosen.material,
                "colour": chosen.colour,
                "rotatable": chosen.rotatable,
                "attended": chosen.attended,
                "allow_short_filament": chosen.allow_short_filament,
                "hold": chosen.hold,
            }
        )
    _answer(chosen, job)
    return 0


def list_all(chosen: argparse.Namespace) -> int:
    with reach.farm_in(options.data_folder(chosen)) as farm:
        jobs = sorted(farm.list_jobs(chosen.state), key=lambda job: str(job["created_at"]))
    if chosen.json:
        output.say_json(jobs)
    else:
        output.say_table([_line(job) for job in jobs], COLUMNS)
    return 0


def _line(job: output.Row) -> output.Row:
    pinned = [job["pin"]["printer"]] if job["pin"] else job["required_printers"]
    wanted = [*pinned, *(f"#{tag}" for tag in job["required_tags"])]
    return {**job, "state": _state(job), "copies": f"{job['done']}/{job['copies']}", "on": wanted or ["any"]}


def _state(job: output.Row) -> str:
    return "waits for approval" if job["approval"] else str(job["state"])


def change_job(change: str, chosen: argparse.Namespace) -> int:
    with reach.server_in(options.data_folder(chosen)) as farm:
        job = farm.change_job(chosen.id, change)
    _answer(chosen, job)
    return 0


def _answer(chosen: argparse.Namespace, job: output.Row) -> None:
    if chosen.json:
        output.say_json(job)
    else:
        stands = f"waits for approval: {job['approval_why']}" if job["approval"] else f"is {job['state']}"
        output.say(f"Job {job['id']} ({job['name']}) {stands}.")
