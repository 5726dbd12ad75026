"""Named queries on sessions. Every change is one filtered update on the expected old state."""

from service.sessions.repository.changing import INSERTS, change, insert
from service.sessions.repository.due import (
    count_due,
    count_overdue_processing,
    expire_all,
    find_due,
    find_overdue_processing,
    note_asked,
    read_nothing,
    walk_due,
)
from service.sessions.repository.left import Bought, item_of, others_of, page_of_left
from service.sessions.repository.listing import Listed, ids_of_email, page, page_of_changed
from service.sessions.repository.open_secrets import (
    KeptSecret,
    OpenSecrets,
    count_open_secrets,
    walk_open_secrets,
)
from service.sessions.repository.progress import find_followed
from service.sessions.repository.purging import (
    Purgeable,
    count_purgeable,
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
    find_within,
    has_open_rival,
    read,
)
from service.sessions.repository.sales import Sold, find_sold

__all__ = [
    "INSERTS",
    "LOADS",
    "Bought",
    "KeptSecret",
    "Listed",
    "OpenSecrets",
    "Purgeable",
    "Sold",
    "by_provider_ids",
    "change",
    "checkout_is_taken",
    "count_due",
    "count_open_secrets",
    "count_overdue_processing",
    "count_purgeable",
    "delete_marked",
    "expire_all",
    "find",
    "find_by_checkout",
    "find_by_provider_ids",
    "find_due",
    "find_followed",
    "find_latest_checkout",
    "find_many",
    "find_open_checkout",
    "find_overdue_processing",
    "find_purgeable",
    "find_sold",
    "find_within",
    "has_open_rival",
    "ids_of_email",
    "insert",
    "item_of",
    "mark_deletable",
    "note_asked",
    "others_of",
    "page",
    "page_of_changed",
    "page_of_left",
    "read",
    "read_nothing",
    "that_need_their_events",
    "walk_due",
    "walk_open_secrets",
    "walk_purgeable",
]
