"""Named queries on policies and on sessions that were left."""

from service.recovery.repository.figures import ArmSum, sum_by_arm, walk_paid
from service.recovery.repository.policies import (
    count_send,
    enabled,
    find_policy,
    note_reached,
    put_policy,
)
from service.recovery.repository.recoveries import (
    Lately,
    add_once,
    count_due,
    find,
    known,
    move_on,
    note_resumed,
    page,
    reminded_lately,
    walk_due,
)

__all__ = [
    "ArmSum",
    "Lately",
    "add_once",
    "count_due",
    "count_send",
    "enabled",
    "find",
    "find_policy",
    "known",
    "move_on",
    "note_reached",
    "note_resumed",
    "page",
    "put_policy",
    "reminded_lately",
    "sum_by_arm",
    "walk_due",
    "walk_paid",
]
