"""Named queries on policies and on sessions that were left."""

from service.recovery.repository.figures import ArmSum, sum_by_arm, walk_paid
from service.recovery.repository.policies import (
    count_sends,
    enabled,
    find_policy,
    note_reached,
    put_policy,
)
from service.recovery.repository.recoveries import (
    add_once,
    count_due,
    find,
    known,
    move_on,
    note_resumed,
    page,
    walk_due,
)

__all__ = [
    "ArmSum",
    "add_once",
    "count_due",
    "count_sends",
    "enabled",
    "find",
    "find_policy",
    "known",
    "move_on",
    "note_reached",
    "note_resumed",
    "page",
    "put_policy",
    "sum_by_arm",
    "walk_due",
    "walk_paid",
]
