"""Who may do what: one table, one function that reads it. Pure; deny by default."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum

from farm.domain.user import ANONYMOUS, EVERYTHING, Grant, Principal, Role, Scope
from farm.errors import Forbidden, Unauthenticated


class Action(StrEnum):
    """Everything the farm can be asked for. The values are written into sentences people read."""

    READ = "look at this"
    READ_SYSTEM = "look at the state of the server"
    READ_AUDIT = "read the audit"
    UPLOAD = "upload files"
    REMOVE_FILES = "remove files"
    QUEUE = "queue or change jobs"
    APPROVE = "approve of jobs"
    CONTROL = "command printers"
    CLEAR_PLATE = "declare plates clear"
    SEND_GCODE = "send G-code"
    EMERGENCY_STOP = "stop printers in an emergency"
    SET_UP = "set up printers or change settings"
    MANAGE_USERS = "add or change people"
    MANAGE_KEYS = "make or revoke API keys"


@dataclass(frozen=True, slots=True)
class Target:
    """The printer an action is about. Where it is about the farm as a whole, None stands in its place."""

    printer: str
    tags: frozenset[str] = frozenset()


class Reach(Enum):
    """What becomes of an action for somebody whose grant is restricted to some printers."""

    OPEN = "they may do it on their printers, and without naming one"
    PRINTER = "they may do it on their printers only"
    FARM = "they may not do it: it concerns everybody"


@dataclass(frozen=True, slots=True)
class Rule:
    """role: the least role that may. scope: the key scope that may, beside `admin`; None if only that."""

    role: Role
    scope: Scope | None
    reach: Reach


RULES: dict[Action, Rule] = {
    Action.READ: Rule(Role.VIEWER, Scope.READ, Reach.OPEN),
    Action.READ_SYSTEM: Rule(Role.VIEWER, Scope.READ, Reach.OPEN),
    Action.READ_AUDIT: Rule(Role.ADMIN, None, Reach.FARM),
    Action.UPLOAD: Rule(Role.OPERATOR, Scope.UPLOAD, Reach.OPEN),
    Action.REMOVE_FILES: Rule(Role.OPERATOR, Scope.QUEUE, Reach.FARM),
    Action.QUEUE: Rule(Role.OPERATOR, Scope.QUEUE, Reach.PRINTER),
    Action.APPROVE: Rule(Role.OPERATOR, Scope.CONTROL, Reach.PRINTER),
    Action.CONTROL: Rule(Role.OPERATOR, Scope.CONTROL, Reach.PRINTER),
    Action.CLEAR_PLATE: Rule(Role.OPERATOR, Scope.CONTROL, Reach.PRINTER),
    Action.SEND_GCODE: Rule(Role.OPERATOR, Scope.CONTROL, Reach.PRINTER),
    Action.EMERGENCY_STOP: Rule(Role.OPERATOR, Scope.CONTROL, Reach.PRINTER),
    Action.SET_UP: Rule(Role.ADMIN, None, Reach.PRINTER),
    Action.MANAGE_USERS: Rule(Role.ADMIN, None, Reach.FARM),
    Action.MANAGE_KEYS: Rule(Role.ADMIN, None, Reach.FARM),
}

_RANK = {Role.VIEWER: 0, Role.OPERATOR: 1, Role.ADMIN: 2}


def allowed(principal: Principal, action: Action, target: Target | None = None) -> bool:
    """Whether `principal` may do `action` to `target`, or to the farm as a whole when it is None.

    Somebody whose grant is restricted to some printers may, without naming one, only look at things and
    upload files: a list is answered, but the answerer leaves out what `allowed(principal, READ, its
    printer)` refuses. All else they do printer by printer: a job is theirs to queue when it is pinned to
    printers that each pass, an emergency stop of "all printers" is one stop for each that passes.
    """
    rule = RULES.get(action)
    if rule is None or not _good_enough(principal, rule):
        return False
    if principal.grant == EVERYTHING:
        return True
    if rule.reach is Reach.FARM:
        return False
    if target is None:
        return rule.reach is Reach.OPEN
    return reaches(principal.grant, target)


def require(principal: Principal, action: Action, target: Target | None = None) -> None:
    """Return if `allowed`. Raises Unauthenticated for somebody unknown, Forbidden for anybody else."""
    if allowed(principal, action, target):
        return
    if principal.kind == ANONYMOUS.kind:
        raise Unauthenticated("Log in, or send an API key.")
    where = f" on {target.printer}" if target is not None else ""
    raise Forbidden(f"{principal.name} may not {action}{where}; an administrator can change that.")


def reaches(grant: Grant, target: Target) -> bool:
    """Whether the grant lists the printer or shares a tag with it. A grant of nothing but None is all."""
    if grant == EVERYTHING:
        return True
    listed = target.printer in (grant.printers or ())
    return listed or bool(target.tags & (grant.tags or frozenset()))


def _good_enough(principal: Principal, rule: Rule) -> bool:
    if principal.role is not None and _RANK[principal.role] >= _RANK[rule.role]:
        return True
    return Scope.ADMIN in principal.scopes or rule.scope in principal.scopes
