"""Jobs that are changed, wait for their time or belong to an order."""

from __future__ import annotations

from datetime import timedelta

import pytest
import trio

from farm.domain.job import JobState, PrintState
from farm.domain.order import OrderState
from farm.domain.user import Grant, Principal, Scope
from farm.errors import Forbidden, Invalid, NotFound, Refused
from farm.queue.messages import AddJob, AddOrder, AmendJob, CancelOrder, ChangeJob, ChangeOrder
from farm.store import audit, customer_orders
from tests.simulation.shop import NOON, Shop, open_shop

A_PRINT_S = 1000.0


async def order_of(shop: Shop, order: str) -> OrderState:
    return (await shop.database.read(customer_orders.existing, order)).state


def types(facts):
    return [fact.type for fact in facts]


async def test_a_job_is_not_begun_before_its_time(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        job = await shop.add_job(release_at=NOON + timedelta(minutes=30))
        await shop.clear("mk4")
        await trio.sleep(29 * 60)
        assert await shop.prints(job.id) == []
        await trio.sleep(2 * 60)
        assert len(await shop.prints(job.id)) == 1


async def test_a_job_whose_time_is_brought_forward_begins(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        job = await shop.add_job(release_at=NOON + timedelta(days=3))
        await shop.clear("mk4")
        await trio.sleep(60)
        await shop.queue.ask(AmendJob(job.id, {"release_at": None}))
        await trio.sleep(5)
        assert len(await shop.prints(job.id)) == 1


async def test_what_is_due_first_goes_first_whether_by_job_deadline_or_order(autojump_clock):
    async with open_shop() as shop:
        order = await shop.queue.ask(AddOrder("4711", due_at=NOON + timedelta(days=2)))
        whenever = await shop.add_job()
        ordered = await shop.add_job(order=order.id)
        due = await shop.add_job(due_at=NOON + timedelta(days=3))
        dead = await shop.add_job(deadline_at=NOON + timedelta(days=1), due_at=NOON + timedelta(days=9))
        for name in ("a", "b", "c", "d"):
            await shop.add_printer(name)
        await shop.clear("a", "b", "c", "d")
        await trio.sleep(60)
        began = {job.id: (await shop.prints(job.id))[0].reserved_at for job in (dead, ordered, due, whenever)}
        assert sorted(began, key=began.__getitem__) == [dead.id, ordered.id, due.id, whenever.id]


async def test_a_job_becomes_another_and_the_audit_says_what_it_was(autojump_clock):
    kim = Principal("key", "k1", "the page", scopes=frozenset({Scope.QUEUE}))
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        job = await shop.add_job(copies=2)
        changes = {"copies": 5, "priority": 7, "required_printers": frozenset({"mk4"}), "due_at": NOON}
        after = await shop.queue.ask(AmendJob(job.id, changes), by=kim)
        assert {name: getattr(after, name) for name in changes} == changes
        row, *_ = await shop.database.read(audit.entries)
        assert (row.action, row.object, row.who) == ("job.amended", f"job:{job.id}", "key:k1")
        assert row.detail["was"] == {"copies": 2, "due_at": None, "priority": 0, "required_printers": []}
        assert row.detail["is"]["required_printers"] == ["mk4"]
        told = {"job": job.id, "fields": sorted(changes), "printers": []}  # it was for any printer before
        assert (await shop.facts())[-1].data == told


async def test_a_change_that_changes_nothing_is_no_change(autojump_clock):
    async with open_shop() as shop:
        job = await shop.add_job(copies=2)
        before = await shop.facts()
        assert await shop.queue.ask(AmendJob(job.id, {"copies": 2, "hold": False})) == job
        assert await shop.facts() == before


async def test_a_job_is_held_and_released_along_with_other_changes(autojump_clock):
    async with open_shop() as shop:
        job = await shop.add_job()
        assert (await shop.queue.ask(AmendJob(job.id, {"hold": True}))).state is JobState.HELD
        assert (await shop.queue.ask(AmendJob(job.id, {"hold": False}))).state is JobState.QUEUED


async def test_a_job_of_which_enough_is_printed_is_done(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        job = await shop.add_job(copies=3)
        await shop.clear("mk4")
        await trio.sleep(A_PRINT_S)
        assert (await shop.queue.ask(AmendJob(job.id, {"copies": 1}))).state is JobState.DONE
        with pytest.raises(Refused, match="add a new job"):
            await shop.queue.ask(AmendJob(job.id, {"copies": 9}))


async def test_a_wish_that_cannot_be_is_refused_by_name_and_nothing_is_changed(autojump_clock):
    async with open_shop() as shop:
        file, job = await shop.add_file(), await shop.add_job()
        for changes, field in [
            ({"copies": 0}, "copies"),
            ({"copies": 10**9}, "copies"),
            ({"priority": 1001}, "priority"),
            ({"name": " "}, "name"),
            ({"name": "x" * 201}, "name"),
            ({"required_printers": frozenset({"ghost"})}, "required_printers"),
            ({"order": "ghost"}, "order"),
        ]:
            with pytest.raises(Invalid) as refusal:
                await shop.queue.ask(AmendJob(job.id, {"due_at": NOON, **changes}))
            assert refusal.value.field == field
            with pytest.raises(Invalid):
                await shop.queue.ask(AddJob(file, **({"name": None, **changes})))
        with pytest.raises(Invalid) as refusal:
            await shop.queue.ask(AddJob(file, yield_per_plate=0))
        assert refusal.value.field == "yield"
        with pytest.raises(NotFound):
            await shop.queue.ask(AmendJob("ghost", {"copies": 2}))
        assert await shop.job(job.id) == job


async def test_a_job_cannot_be_sent_to_printers_of_others(autojump_clock):
    mine = Principal(
        "key", "k1", "left row", scopes=frozenset({Scope.QUEUE}), grant=Grant(frozenset({"mk4"}))
    )
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        await shop.add_printer("mini")
        job = await shop.add_job(required_printers=frozenset({"mk4"}))
        await shop.queue.ask(AmendJob(job.id, {"copies": 2}), by=mine)
        for elsewhere in (frozenset({"mini"}), frozenset({"mk4", "mini"}), frozenset()):
            with pytest.raises(Forbidden):
                await shop.queue.ask(AmendJob(job.id, {"required_printers": elsewhere}), by=mine)
        for wish in (AddOrder("x"), ChangeOrder("x", {}), CancelOrder("x")):  # orders are everybody's
            with pytest.raises(Forbidden):
                await shop.queue.ask(wish, by=mine)


async def test_an_order_is_done_when_all_that_was_not_cancelled_is(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        order = await shop.queue.ask(AddOrder("4711", "blue"))
        assert order.state is OrderState.OPEN
        first = await shop.add_job(order=order.id)
        await trio.sleep(1)
        second = await shop.add_job(order=order.id)
        await shop.clear("mk4")
        await trio.sleep(A_PRINT_S)
        assert (await shop.job(first.id)).state is JobState.DONE
        assert await order_of(shop, order.id) is OrderState.OPEN

        await shop.queue.ask(ChangeJob(second.id, "cancel"))

        assert await order_of(shop, order.id) is OrderState.DONE
        assert types(await shop.facts()).count("order.finished") == 1
        third = await shop.add_job(order=order.id)
        assert await order_of(shop, order.id) is OrderState.OPEN
        await shop.clear("mk4")
        await trio.sleep(A_PRINT_S)
        assert (await shop.job(third.id)).order == order.id
        assert await order_of(shop, order.id) is OrderState.DONE


async def test_a_cancelled_order_cancels_its_jobs_and_lets_prints_end(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        order = await shop.queue.ask(AddOrder("4711"))
        running = await shop.add_job(order=order.id, copies=2)
        await trio.sleep(1)
        waiting = await shop.add_job(order=order.id)
        other = await shop.add_job()
        await shop.clear("mk4")
        await trio.sleep(60)

        assert (await shop.queue.ask(CancelOrder(order.id))).state is OrderState.CANCELLED

        await trio.sleep(A_PRINT_S)
        states = [(await shop.job(job.id)).state for job in (running, waiting, other)]
        assert states == [JobState.CANCELLED, JobState.CANCELLED, JobState.QUEUED]
        assert (await shop.prints(running.id))[0].state is PrintState.FINISHED
        for wish in (CancelOrder(order.id), ChangeOrder(order.id, {"note": "x"})):
            with pytest.raises(Refused, match="was cancelled already"):
                await shop.queue.ask(wish)
        with pytest.raises(Refused, match="nothing can be added"):
            await shop.add_job(order=order.id)
        with pytest.raises(NotFound):
            await shop.queue.ask(CancelOrder("ghost"))


async def test_an_order_is_changed_and_both_are_told(autojump_clock):
    async with open_shop() as shop:
        order = await shop.queue.ask(AddOrder("4711"))
        due = NOON + timedelta(days=1)
        changed = await shop.queue.ask(ChangeOrder(order.id, {"reference": "4712", "due_at": due}))
        assert (changed.reference, changed.due_at, changed.note) == ("4712", due, "")
        assert types(await shop.facts()) == ["order.added", "order.changed"]
        row, *_ = await shop.database.read(audit.entries)
        assert (row.action, row.detail["was"]) == ("order.changed", {"due_at": None, "reference": "4711"})
        for wrong, field in [({"reference": ""}, "reference"), ({"note": "x" * 2001}, "note")]:
            with pytest.raises(Invalid) as refusal:
                await shop.queue.ask(ChangeOrder(order.id, wrong))
            assert refusal.value.field == field
