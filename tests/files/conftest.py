from __future__ import annotations

import pytest
import structlog

from farm.files.storage import Storage
from farm.store.connection import FARM
from farm.store.database import Database


@pytest.fixture
def logged():
    """What is logged meanwhile."""
    with structlog.testing.capture_logs() as entries:
        yield entries


@pytest.fixture
async def database(tmp_path):
    database = Database(tmp_path / "farm.db", FARM)
    async with database.running():
        yield database


@pytest.fixture
async def storage(tmp_path):
    storage = Storage(tmp_path / "files", min_free=0)
    await storage.open()
    return storage
