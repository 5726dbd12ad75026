"""Named queries on sessions. Every change is one filtered update on the expected old state."""

from service.sessions.repository.changing import INSERTS, change, insert
from service.sessions.repository.due import (
    count_due,
    count_overdue_processing,
    expire_all,
    find_due,
    find_overdue_processing,
    note_asked,
    walk_due,
)
from service.sessions.repository.purging import (
    Purgeable,
    delete_marked,
    find_purgeable,
    mark_deletable,
    that_need_their_events,
    walk_purgeable,
)
from service.sessions.repository.reading import (
    LOADS,
    by_provider_ids,
    checkout_is_taken,
    find,
    find_by_checkout,
    find_by_provider_ids,
    find_latest_checkout,
    find_many,
    find_open_checkout,
    page,
    read,
)

__all__ = [
    "INSERTS",
    "LOADS",
    "Purgeable",
    "by_provider_ids",
    "change",
    "checkout_is_taken",
    "count_due",
    "count_overdue_processing",
    "delete_marked",
    "expire_all",
    "find",
    "find_by_checkout",
    "find_by_provider_ids",
    "find_due",
    "find_latest_checkout",
    "find_many",
    "find_open_checkout",
    "find_overdue_processing",
    "find_purgeable",
    "insert",
    "mark_deletable",
    "note_asked",
    "page",
    "read",
    "that_need_their_events",
    "walk_due",
    "walk_purgeable",
]
