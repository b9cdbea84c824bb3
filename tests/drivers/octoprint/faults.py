"""What a driver's readings show when things go wrong during a print at a real OctoPrint.

One row a fault; `test_octoprint_faults.py` makes each happen. The states a shop sees are concluded from it.
"""

from __future__ import annotations

from dataclasses import dataclass

from farm.domain.printer import Operation
from farm.drivers.base import EndKind, Loss, OutcomeKind


@dataclass(frozen=True, slots=True)
class Shown:
    """The reading in the end, and what is remembered of the print.

    words: in the reading's error or, when it is stale, in its attention. outcome: what `outcome` says after.
    comes_back: the machine is idle again after `connect_machine`, a stale one after an emergency stop.
    """

    connected: bool
    operation: Operation
    loss: Loss | None
    ended: EndKind | None
    words: str
    outcome: OutcomeKind
    stale: bool = False
    comes_back: bool = True


AWAY = (False, Operation.UNKNOWN)

FAULTS: dict[str, Shown] = {
    # by the virtual printer's own switches
    "drop_connection": Shown(
        *AWAY, Loss.LINK_LOST, EndKind.FAILED, "SerialTimeoutException", OutcomeKind.FAILED
    ),
    "trigger_fatal_error_marlin": Shown(
        *AWAY, Loss.FIRMWARE_ERROR, EndKind.FAILED, "Thermal Runaway", OutcomeKind.FAILED
    ),
    "toggle_klipper_connection": Shown(
        *AWAY, Loss.FIRMWARE_ERROR, EndKind.FAILED, "Lost communication", OutcomeKind.FAILED
    ),
    # OctoPrint gives it up by itself after three minutes; until then it says "Printing" as ever
    "go_awol": Shown(
        True,
        Operation.PRINTING,
        None,
        None,
        "nothing new from its printer",
        OutcomeKind.RUNNING,
        stale=True,
    ),
    "action_pause": Shown(True, Operation.PAUSED, None, None, "", OutcomeKind.RUNNING, comes_back=False),
    # by hand or by us
    "disconnect": Shown(*AWAY, Loss.CLOSED, EndKind.FAILED, "", OutcomeKind.FAILED),
    "M112": Shown(*AWAY, Loss.EMERGENCY_STOP, EndKind.FAILED, "M112", OutcomeKind.FAILED),
}


# OctoPrint itself stopped (or killed) and started: the watch is lost, and then nothing tells of the print,
# though something lies on the plate.
RESTARTED = Shown(True, Operation.IDLE, None, None, "", OutcomeKind.NO_RECORD)
