"""The comparison itself notices what it is there to notice."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from tests.simulator.comparison import differences, outdated, unlisted
from tests.simulator.conversation import Told


def picture(text: str = "Operational", **more: Any) -> dict[str, Any]:
    return {"current": {"state": {"text": text}, "temps": [], **more}}


def event(kind: str, **payload: Any) -> dict[str, Any]:
    return {"event": {"type": kind, "payload": payload or None}}


REAL = Told(
    answers={"upload": {"status": 201, "body": {"done": True, "size": 7, "date": 1, "left": None}}},
    pushed={"start": [event("Home"), event("PrintStarted", name="a"), picture(job={"size": 1})]},
    figures={"rhythm": 0.5, "pushes while idle": 4},
)


def changed(**parts: Any) -> Told:
    told = deepcopy(REAL)
    for name, change in parts.items():
        getattr(told, name).update(change)
    return told


def body(**fields: Any) -> dict[str, Any]:
    return {"upload": {"status": 201, "body": {**REAL.answers["upload"]["body"], **fields}}}


def test_the_same_talk_at_another_time_is_the_same() -> None:
    later = changed(answers=body(date=2), figures={"rhythm": 0.6, "pushes while idle": 5})

    assert list(differences(REAL, later)) == []


@pytest.mark.parametrize(
    ("ours", "words"),
    [
        (changed(answers={"upload": {**REAL.answers["upload"], "status": 200}}), "upload/status: 200"),
        (changed(answers=body(done=False)), "upload/body.done: False instead of True"),
        (changed(answers=body(size=8)), "upload/body.size: 8 instead of 7"),
        (changed(answers=body(date=1.5)), "upload/body.date: float instead of int"),
        (changed(answers=body(left=3)), "upload/body.left: int instead of null"),
        (changed(answers=body(more=1)), "upload/body.more: only ours"),
        (changed(pushed={"start": REAL.pushed["start"][1:]}), "events/Home: missing"),
        (changed(pushed={"start": [*REAL.pushed["start"], event("Odd")]}), "events/Odd: only ours"),
        (changed(pushed={"start": REAL.pushed["start"][1::-1]}), "events in start: PrintStarted Home"),
        (changed(pushed={"start": [picture(job={"size": 1.0})]}), "start/current Operational.job.size"),
        (changed(figures={"rhythm": 0.9}), "figures/rhythm: another figure"),
        (changed(figures={"pushes while idle": 0}), "figures/pushes while idle: another figure"),
    ],
)
def test_a_difference_is_named_with_its_place(ours: Told, words: str) -> None:
    assert [found for found in differences(REAL, ours) if found.startswith(words)]


def test_of_several_pictures_the_most_alike_counts() -> None:
    pushed = {"start": [*REAL.pushed["start"][:2], picture(job=None), picture(job={"size": 1})]}

    assert list(differences(REAL, changed(pushed=pushed))) == []


def test_the_list_covers_what_it_names_and_nothing_else() -> None:
    listed = {"*.done: *": "why", "gone/*": "why"}
    found = {"upload/body.done: missing", "upload/body.size: missing"}

    assert unlisted(found, listed) == {"upload/body.size: missing"}
    assert outdated(found, listed) == {"gone/*"}
