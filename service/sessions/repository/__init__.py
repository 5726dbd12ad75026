"""Named queries on sessions. Every change is one filtered update on the expected old state."""

from service.sessions.repository.changing import INSERTS, change, insert
from service.sessions.repository.due import (
    count_due,
    count_purgeable,
    expire_all,
    find_due,
    find_overdue_processing,
    note_asked,
    purge,
    walk_due,
    walk_purgeable,
)
from service.sessions.repository.reading import (
    LOADS,
    by_provider_ids,
    find,
    find_by_checkout,
    find_by_provider_ids,
    find_latest_checkout,
    find_open_checkout,
    page,
    read,
)

__all__ = [
    "INSERTS",
    "LOADS",
    "by_provider_ids",
    "change",
    "count_due",
    "count_purgeable",
    "expire_all",
    "find",
    "find_by_checkout",
    "find_by_provider_ids",
    "find_due",
    "find_latest_checkout",
    "find_open_checkout",
    "find_overdue_processing",
    "insert",
    "note_asked",
    "page",
    "purge",
    "read",
    "walk_due",
    "walk_purgeable",
]
