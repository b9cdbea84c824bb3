"""What a worker process does while the others are not warm yet: it needs nothing compiled."""

from __future__ import annotations

from farm.files.at_work import work

__all__ = ["work"]
