"""The tables of states: whole, and with the promises the shop relies on."""

import pytest

from farm.domain.file import FILES, FileState
from farm.domain.job import ACTIVE_PRINTS, JOBS, MAY_BE_HOT, PRINTS, JobState, PrintState
from farm.domain.printer import CONNECTIONS, OPERATIONS, PLATES, Connection, Operation, Plate
from farm.domain.transitions import final, may_follow, require

TABLES = {
    Connection: CONNECTIONS,
    Operation: OPERATIONS,
    Plate: PLATES,
    JobState: JOBS,
    PrintState: PRINTS,
    FileState: FILES,
}


@pytest.mark.parametrize("states", TABLES)
def test_every_state_has_its_line_and_can_be_reached(states):
    table = TABLES[states]
    assert set(table) == set(states)
    reached = set().union(*table.values())
    assert set(states) - reached <= {next(iter(states)), JobState.HELD, PrintState.RESERVED}


@pytest.mark.parametrize("states", TABLES)
def test_staying_is_always_allowed_and_what_the_table_lacks_is_a_bug(states):
    table = TABLES[states]
    for old in states:
        assert require(table, old, old) is old
        for new in states:
            if may_follow(table, old, new):
                assert require(table, old, new) is new
            else:
                with pytest.raises(ValueError, match=f"no way from {old} to {new}"):
                    require(table, old, new)


def test_an_emergency_is_left_only_into_the_unknown():
    assert OPERATIONS[Operation.EMERGENCY] == {Operation.UNKNOWN}
    assert all(
        Operation.EMERGENCY in OPERATIONS[state] for state in Operation if state is not Operation.EMERGENCY
    )


def test_prints_end_for_good_and_only_active_ones_hold_their_printer():
    ends = set(PrintState) - ACTIVE_PRINTS
    for end in ends:
        assert not PRINTS[end] & ACTIVE_PRINTS, f"a print that is {end} could go on"
        assert final(PRINTS, end) or end is PrintState.FAILED  # it may turn out that nobody can tell
    assert ACTIVE_PRINTS >= MAY_BE_HOT
    for state in ACTIVE_PRINTS:
        assert PRINTS[state] & ends, f"a print could be {state} for ever"


def test_a_print_starts_only_from_a_file_that_was_brought_over():
    before_starting = {state for state in PrintState if PrintState.STARTING in PRINTS[state]}
    assert before_starting == {PrintState.UPLOADING}
