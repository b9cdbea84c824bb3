"""Where commands that work without a farm keep compiled code for the next time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # loaded where it is used: `farm --help` is there at once
    from farm.workers.surroundings import Surroundings


def surroundings() -> Surroundings:
    """Of a worker process, in the folder that this account has for such things."""
    import platformdirs

    from farm.data_folder import NAME
    from farm.workers.surroundings import Surroundings

    return Surroundings(platformdirs.user_cache_path(NAME, appauthor=False))
