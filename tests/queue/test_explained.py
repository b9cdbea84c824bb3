"""Why a print failed: asked for, said by somebody who looked, kept with the print."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from farm.domain.command import Cancel
from farm.domain.job import FailureCause, PrintState
from farm.domain.user import Grant, Principal, Role
from farm.errors import Forbidden, Invalid, NotFound, Refused
from farm.queue.messages import ExplainPrint
from farm.store import audit, prints
from tests.simulation.machine import Faults
from tests.simulation.shop import Shop, open_shop


async def failed(shop: Shop, name: str = "mk4") -> str:
    await shop.add_printer(name, Faults(print_fails=1.0), print_s=100.0)
    job = await shop.add_job(required_printers=frozenset({name}))
    await trio.sleep(1)
    await shop.clear(name)
    await trio.sleep(250)
    (attempt,) = await shop.prints(job.id)
    assert attempt.state is PrintState.FAILED
    return attempt.id


async def explain(shop: Shop, print: str, by: Principal | None = None, **changes: Any) -> Any:
    wish = ExplainPrint(print, changes)
    return await (shop.queue.ask(wish) if by is None else shop.queue.ask(wish, by=by))


async def unexplained(shop: Shop) -> list[str]:
    found = await shop.database.read(
        lambda db: prints.page(db, None, 10, job=None, printer=None, state=None, unexplained=True)
    )
    return [attempt.id for attempt in found]


async def test_why_a_print_failed_is_asked_until_somebody_has_said_it(autojump_clock):
    vera = Principal("user", "1", "Vera", role=Role.OPERATOR)
    async with open_shop() as shop:
        attempt = await failed(shop)
        assert await unexplained(shop) == [attempt]
        said = await explain(shop, attempt, vera, cause=FailureCause.CAME_OFF, note="greasy plate")
        assert (said.cause, said.note) == (FailureCause.CAME_OFF, "greasy plate")
        assert await unexplained(shop) == []
        (fact,) = [fact for fact in await shop.facts() if fact.type == "print.explained"]
        assert (fact.data["cause"], fact.data["by"]) == ("came_off", "user:1")
        assert (await shop.database.read(audit.entries, limit=1))[0].action == "print.explained"
        assert (await explain(shop, attempt, cause=None)).note == "greasy plate"  # it was something else
        assert await unexplained(shop) == [attempt]


async def test_nobody_is_asked_about_a_print_that_a_person_cancelled_but_may_say_why(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        job = await shop.add_job()
        await shop.clear("mk4")
        await trio.sleep(60)
        (attempt,) = await shop.prints(job.id)
        with pytest.raises(Refused, match="it goes on"):
            await explain(shop, attempt.id, cause=FailureCause.WARPED)
        await shop.tell("mk4", Cancel())
        await trio.sleep(10)
        assert await unexplained(shop) == []
        assert (await explain(shop, attempt.id, cause=FailureCause.WARPED)).cause is FailureCause.WARPED


async def test_only_who_may_clear_the_plate_says_why(autojump_clock):
    elsewhere = Principal("user", "1", "Ada", role=Role.OPERATOR, grant=Grant(printers=frozenset({"mini"})))
    viewer = Principal("user", "2", "Vim", role=Role.VIEWER)
    async with open_shop() as shop:
        attempt = await failed(shop)
        for by in (elsewhere, viewer):
            with pytest.raises(Forbidden):
                await explain(shop, attempt, by, cause=FailureCause.OTHER)
        with pytest.raises(Invalid, match="note"):
            await explain(shop, attempt, note="x" * 2001)
        with pytest.raises(NotFound):
            await explain(shop, "nothing", cause=FailureCause.OTHER)
