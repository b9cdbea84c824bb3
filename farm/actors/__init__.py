"""The actor runtime: bounded mailboxes, addresses that outlive crashes, supervisors. Knows no printers."""

from farm.actors.address import Address, Ask
from farm.actors.directions import Directions
from farm.actors.latest import Latest
from farm.actors.letters import DeadLetter, DeadLetters
from farm.actors.mailbox import Delivery, Mailbox, WhenFull
from farm.actors.serving import Later, serve
from farm.actors.supervisor import (
    ActorState,
    ChildSpec,
    Escalated,
    Exhausted,
    Restart,
    RestartPolicy,
    Runtime,
    Supervisor,
)

__all__ = [
    "ActorState",
    "Address",
    "Ask",
    "ChildSpec",
    "DeadLetter",
    "DeadLetters",
    "Delivery",
    "Directions",
    "Escalated",
    "Exhausted",
    "Later",
    "Latest",
    "Mailbox",
    "Restart",
    "RestartPolicy",
    "Runtime",
    "Supervisor",
    "WhenFull",
    "serve",
]
