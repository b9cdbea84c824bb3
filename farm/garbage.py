"""How seldom Python looks for garbage: while it does, everything else stands still."""

from __future__ import annotations

import gc

WHILE_STARTING = (50_000, 20, 100)
FROM_THEN_ON = (25_000, 10, 100)
"""So many new objects; so many such rounds before the survivors, and those before everything is looked at.

What is new holds the newest word of every printer, whose older one is gone without being looked for. So with
a thousand printers a round takes ten milliseconds and more, and five times as many took 2 % of a core. What
is garbage meanwhile takes a few megabytes.
"""


def begin() -> None:
    """While a farm starts, nearly all that is made is there to stay: a seventh of the start would go into
    looking at it, by Python's own measure."""
    gc.set_threshold(*WHILE_STARTING)


def set_modules_aside() -> None:
    """All is imported, and stays: nobody is to look at it when the farm is up and others wait."""
    gc.freeze()


def settle_down() -> None:
    """The farm is up: what there is now lives as long as we do, and is set aside.

    With a thousand printers the loop would stand still for a third of a second, every other second by
    Python's own measure.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*FROM_THEN_ON)
