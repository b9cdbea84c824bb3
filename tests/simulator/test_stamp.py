"""A reading that says when it was taken."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.simulator.stamp import age_s, stamped


@given(
    degc=st.floats(0, 400),
    at=st.floats(1.6e9, 2.2e9),
    waited_s=st.floats(0, 99),
)
def test_its_age_survives_the_way_through_json_and_the_reading_too(
    degc: float, at: float, waited_s: float
) -> None:
    read = json.loads(json.dumps(stamped(degc, at)))

    assert read == pytest.approx(round(degc, 2), abs=0.01)
    assert age_s(read, at + waited_s) == pytest.approx(waited_s, abs=0.001)
