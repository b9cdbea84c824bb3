"""Takes what people wish of jobs and orders: who may, what it becomes, and that it is committed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from farm.access.rights import Action, Target, require
from farm.domain.clock import Randomness, WallClock, new_id
from farm.domain.constraints import Constraints
from farm.domain.job import Job, JobState, Print, only_on
from farm.domain.order import Order
from farm.domain.settings import Settings
from farm.domain.user import Principal
from farm.errors import NotFound
from farm.queue import approvals, shop_rules, wishes
from farm.queue.messages import (
    AddJob,
    AddOrder,
    AmendJob,
    ApproveJob,
    CancelOrder,
    ChangeJob,
    ChangeOrder,
    ChangeSettings,
    ExplainPrint,
    SetConstraints,
    ShopRule,
    Wish,
)
from farm.store import files, jobs, prints
from farm.store.audit import Stamp
from farm.store.database import Database


class Clerk:
    """Keeps nothing itself: everything is in the database."""

    def __init__(
        self, database: Database, clock: WallClock, chance: Randomness, target: Callable[[str], Target]
    ) -> None:
        """target: a printer, by its id, as rights are asked about it."""
        self._database = database
        self._clock = clock
        self._chance = chance
        self._target = target

    async def take(self, wish: Wish, by: Principal) -> Job | Order:
        """Commit a wish. Raises Forbidden, and what its message says."""
        match wish:
            case AddJob():
                return await self._add_job(wish, by)
            case ChangeJob(job_id, change):
                self._require_queue_of(await self._job(job_id), by)
                return await self._database.change(by, wishes.change_job, job_id, change, self._stamp(by))
            case AmendJob():
                return await self._amend_job(wish, by)
            case ApproveJob(job_id):
                job = await self._job(job_id)
                self._require_queue(job.only_on, job.required_tags, by, Action.APPROVE)
                return await self._database.change(by, approvals.approve, job_id, self._stamp(by))
            case AddOrder():
                require(by, Action.QUEUE)
                order = Order(
                    id=new_id(self._chance),
                    reference=wish.reference,
                    created_by=str(by),
                    created_at=self._clock(),
                    note=wish.note,
                    due_at=wish.due_at,
                )
                return await self._database.change(by, wishes.add_order, order, self._stamp(by))
            case ChangeOrder():
                require(by, Action.QUEUE)
                return await self._database.change(by, wishes.change_order, wish, self._stamp(by))
            case CancelOrder(order_id):
                require(by, Action.QUEUE)
                return await self._database.change(by, wishes.cancel_order, order_id, self._stamp(by))
            case _:
                assert_never(wish)

    async def take_rule(self, rule: ShopRule, by: Principal) -> Constraints | Settings:
        """Commit what somebody says of the shop. Raises Forbidden, and what its message says."""
        require(by, Action.SET_UP)
        match rule:
            case SetConstraints(wanted):
                return await self._database.change(by, shop_rules.set_constraints, wanted, self._stamp(by))
            case ChangeSettings(changes):
                return await self._database.change(by, shop_rules.change_settings, changes, self._stamp(by))
            case _:
                assert_never(rule)

    async def explain(self, wish: ExplainPrint, by: Principal) -> Print:
        """Commit why a print failed. Raises Forbidden, and what its message says."""
        attempt = await self._database.read(prints.by_id, wish.print)
        if attempt is None:
            raise NotFound(f"there is no print {wish.print}")
        require(by, Action.CLEAR_PLATE, self._target(attempt.printer))
        return await self._database.change(by, wishes.explain_print, wish, self._stamp(by))

    async def _add_job(self, wish: AddJob, by: Principal) -> Job:
        self._require_queue(only_on(wish.pin, wish.required_printers), wish.required_tags, by)
        file = await self._database.read(files.by_id, wish.file)
        if file is None:
            raise NotFound(f"there is no file {wish.file}; upload it first")
        job = Job(
            id=new_id(self._chance),
            file=file.id,
            name=wish.name or file.name,
            copies=wish.copies,
            state=JobState.HELD if wish.hold else JobState.QUEUED,
            created_by=str(by),
            created_at=self._clock(),
            kind=file.kind,
            priority=wish.priority,
            yield_per_plate=wish.yield_per_plate,
            release_at=wish.release_at,
            due_at=wish.due_at,
            deadline_at=wish.deadline_at,
            order=wish.order,
            required_printers=wish.required_printers,
            required_tags=wish.required_tags,
            preferred_printers=wish.preferred_printers,
            pin=wish.pin,
            rotatable=wish.rotatable,
            attended=wish.attended,
            allow_short_filament=wish.allow_short_filament,
            material=wish.material,
            colour=wish.colour,
        )
        return await self._database.change(by, wishes.add_job, job, self._stamp(by))

    async def _amend_job(self, wish: AmendJob, by: Principal) -> Job:
        job = await self._job(wish.job)
        self._require_queue_of(job, by)
        fields = {name: value for name, value in wish.changes.items() if name != "hold"}
        self._require_queue_of(replace(job, **fields), by)  # nor may it be sent to printers of others
        return await self._database.change(by, wishes.amend_job, wish, self._stamp(by))

    async def _job(self, job_id: str) -> Job:
        job = await self._database.read(jobs.by_id, job_id)
        if job is None:
            raise NotFound(f"there is no job {job_id}")
        return job

    def _require_queue_of(self, job: Job, by: Principal) -> None:
        self._require_queue(job.only_on, job.required_tags, by)

    def _require_queue(
        self, printers: frozenset[str], tags: frozenset[str], by: Principal, action: Action = Action.QUEUE
    ) -> None:
        """A job for any printer needs the right to all of them."""
        for printer in printers:
            require(by, action, self._target(printer))
        if not printers:
            require(by, action, Target("", tags) if tags else None)

    def _stamp(self, by: Principal) -> Stamp:
        return Stamp.of(by, self._clock())
