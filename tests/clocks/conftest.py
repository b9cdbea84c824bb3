from __future__ import annotations

import pytest
import structlog


@pytest.fixture
def logged():
    """What is logged meanwhile."""
    with structlog.testing.capture_logs() as entries:
        yield entries
