"""The table of steps: complete, and never a start where one may have been sent."""

import itertools

from farm.domain.job import ACTIVE_PRINTS, PRINTS, PrintState
from farm.domain.transitions import may_follow
from farm.printers.messages import Stage
from farm.queue.steps import STEPS, Do, next_step

SAFE_TO_START = {Stage.UPLOADED}  # the printer itself vouches that it sent nothing


def test_every_step_that_notes_a_state_may_follow_by_the_prints_own_table():
    for state, stage in itertools.product(ACTIVE_PRINTS, [None, *Stage]):
        step = next_step(state, stage)
        if step.state is not None:
            assert may_follow(PRINTS, state, step.state), (state, stage)


def test_a_start_is_sent_only_when_the_printer_vouches_that_none_was():
    for (state, stage), step in STEPS.items():
        if step.do is Do.SEND_START:
            assert stage in SAFE_TO_START, (state, stage)


def test_nothing_is_sent_again_once_a_start_may_have_been():
    for state in (PrintState.STARTING, PrintState.PRINTING, PrintState.PAUSED):
        assert next_step(state, None).do is Do.WATCH
        assert next_step(state, Stage.STARTING).do in (Do.NOTHING, Do.NOTE)


def test_every_end_that_may_have_left_plastic_raises_the_plate():
    for (state, stage), step in STEPS.items():
        if state is not PrintState.STARTING and state is not PrintState.UPLOADING and step.state in PRINTS:
            ended = not PRINTS[step.state]
            assert not ended or step.plate is not None, (state, stage)


def test_what_cannot_come_about_is_shown_to_a_person():
    assert next_step(PrintState.RESERVED, Stage.FINISHED).state is PrintState.UNKNOWN
