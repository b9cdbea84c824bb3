"""The whole of who may do what, written out. Change the table in `rights.py` and this page together."""

from __future__ import annotations

import pytest

from farm.access.rights import RULES, Action, Target, allowed, reaches, require
from farm.domain.user import ANONYMOUS, EVERYTHING, LOCAL, SYSTEM, Grant, Principal, Role, Scope
from farm.errors import Forbidden, Unauthenticated

MINE = Target("mk4", frozenset({"row-a"}))
OTHER = Target("ender", frozenset({"row-b"}))


def person(role, grant=EVERYTHING):
    return Principal("user", "u1", "mara", role=role, grant=grant)


def key(*scopes, grant=EVERYTHING):
    return Principal("key", "k1", "slicer", scopes=frozenset(scopes), grant=grant)


ONLY_MK4 = Grant(printers=frozenset({"mk4"}))
ONLY_ROW_A = Grant(tags=frozenset({"row-a"}))
NO_PRINTER = Grant(printers=frozenset())

PRINCIPALS = {
    "anonymous": ANONYMOUS,
    "viewer": person(Role.VIEWER),
    "operator": person(Role.OPERATOR),
    "admin": person(Role.ADMIN),
    "k:upload": key(Scope.UPLOAD),
    "k:read": key(Scope.READ),
    "k:queue": key(Scope.QUEUE),
    "k:control": key(Scope.CONTROL),
    "k:admin": key(Scope.ADMIN),
    "op@mk4": person(Role.OPERATOR, ONLY_MK4),
    "adm@mk4": person(Role.ADMIN, ONLY_MK4),
    "k:ctl@row": key(Scope.CONTROL, grant=ONLY_ROW_A),
    "k:adm@row": key(Scope.ADMIN, grant=ONLY_ROW_A),
    "op@none": person(Role.OPERATOR, NO_PRINTER),
    "k:nothing": key(),
}

# F: for the farm as a whole. M: for mk4, which is in row-a. O: for another printer. A dot is a refusal.
GOLDEN = """
                 anonymous viewer operator admin k:upload k:read k:queue k:control k:admin op@mk4 adm@mk4 k:ctl@row k:adm@row op@none k:nothing
READ             ...       FMO    FMO      FMO   ...      FMO    ...     ...       FMO     FM.    FM.     ...       FM.       F..     ...
READ_SYSTEM      ...       FMO    FMO      FMO   ...      FMO    ...     ...       FMO     FM.    FM.     ...       FM.       F..     ...
READ_AUDIT       ...       ...    ...      FMO   ...      ...    ...     ...       FMO     ...    ...     ...       ...       ...     ...
UPLOAD           ...       ...    FMO      FMO   FMO      ...    ...     ...       FMO     FM.    FM.     ...       FM.       F..     ...
REMOVE_FILES     ...       ...    FMO      FMO   ...      ...    FMO     ...       FMO     ...    ...     ...       ...       ...     ...
QUEUE            ...       ...    FMO      FMO   ...      ...    FMO     ...       FMO     .M.    .M.     ...       .M.       ...     ...
APPROVE          ...       ...    FMO      FMO   ...      ...    ...     FMO       FMO     .M.    .M.     .M.       .M.       ...     ...
CONTROL          ...       ...    FMO      FMO   ...      ...    ...     FMO       FMO     .M.    .M.     .M.       .M.       ...     ...
CLEAR_PLATE      ...       ...    FMO      FMO   ...      ...    ...     FMO       FMO     .M.    .M.     .M.       .M.       ...     ...
SEND_GCODE       ...       ...    FMO      FMO   ...      ...    ...     FMO       FMO     .M.    .M.     .M.       .M.       ...     ...
EMERGENCY_STOP   ...       ...    FMO      FMO   ...      ...    ...     FMO       FMO     .M.    .M.     .M.       .M.       ...     ...
SET_UP           ...       ...    ...      FMO   ...      ...    ...     ...       FMO     ...    .M.     ...       .M.       ...     ...
MANAGE_USERS     ...       ...    ...      FMO   ...      ...    ...     ...       FMO     ...    ...     ...       ...       ...     ...
MANAGE_KEYS      ...       ...    ...      FMO   ...      ...    ...     ...       FMO     ...    ...     ...       ...       ...     ...
"""  # noqa: E501


def cell(principal, action):
    targets = {"F": None, "M": MINE, "O": OTHER}
    return "".join(name if allowed(principal, action, target) else "." for name, target in targets.items())


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("name", PRINCIPALS)
def test_right_is_as_the_golden_table_says(name, action):
    header, *rows = (line.split() for line in GOLDEN.strip("\n").splitlines())
    table = {row[0]: dict(zip(header, row[1:], strict=True)) for row in rows}

    assert cell(PRINCIPALS[name], action) == table[action.name][name]


def test_action_that_no_rule_speaks_of_is_refused_to_everybody():
    assert not allowed(SYSTEM, "open the safe", None)


def test_every_action_has_a_rule():
    assert set(RULES) == set(Action)


@pytest.mark.parametrize("principal", [SYSTEM, LOCAL])
def test_the_farm_itself_and_the_shop_pc_may_do_everything(principal):
    assert all(allowed(principal, action, target) for action in Action for target in (None, MINE))


@pytest.mark.parametrize(
    ("grant", "reached"),
    [
        (EVERYTHING, True),
        (ONLY_MK4, True),
        (ONLY_ROW_A, True),
        (Grant(frozenset({"ender"}), frozenset({"row-a"})), True),
        (Grant(frozenset({"ender"}), None), False),
        (Grant(None, frozenset({"row-b"})), False),
        (Grant(None, frozenset()), False),
        (NO_PRINTER, False),
    ],
)
def test_grant_reaches_a_printer_it_lists_or_shares_a_tag_with(grant, reached):
    assert reaches(grant, MINE) is reached


def test_refusal_says_who_may_not_do_what_and_where():
    with pytest.raises(Forbidden, match=r"^mara may not command printers on mk4; an administrator"):
        require(person(Role.VIEWER), Action.CONTROL, MINE)


def test_unknown_asker_is_told_to_log_in_rather_than_that_they_may_not():
    with pytest.raises(Unauthenticated):
        require(ANONYMOUS, Action.READ)


def test_nothing_happens_to_whoever_may():
    require(person(Role.OPERATOR), Action.QUEUE, OTHER)
