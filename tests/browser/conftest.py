"""Fixtures of the browser tests: a browser, and a farm to look at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.a_shop import Shop
from tests.browser.windows import chromium, window  # noqa: F401  # fixtures, found by their names


@pytest.fixture
def new_shop(tmp_path: Path) -> Iterator[Shop]:
    """A farm that was just started for the first time."""
    with Shop(tmp_path / "data") as shop:
        yield shop
