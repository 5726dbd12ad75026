"""Named queries on the inbox."""

from service.inbox.repository.browsing import (
    OpenEvents,
    OpenOfMerchant,
    count_by_merchant,
    count_open,
    of_session,
    page,
)
from service.inbox.repository.events import (
    COMMITS,
    Meeting,
    by_meeting,
    commit,
    find,
    insert,
    refuse_known,
    replace,
    waiting_for,
    wake,
)
from service.inbox.repository.purging import (
    count_purgeable,
    delete_marked,
    find_purgeable,
    mark_deletable,
    sessions_waited_for,
    walk_purgeable,
)
from service.inbox.repository.rejections import count_rejections, latest_rejections, reject
from service.inbox.repository.reviews import (
    decided_review_of,
    open_again,
    open_reviews_of,
    write_review,
)
from service.inbox.repository.stored import page_of_type, write_facts
from service.inbox.repository.waiting import (
    claim_waiting,
    count_waiting,
    find_waiting_lane,
    postpone,
)

__all__ = [
    "COMMITS",
    "Meeting",
    "OpenEvents",
    "OpenOfMerchant",
    "by_meeting",
    "claim_waiting",
    "commit",
    "count_by_merchant",
    "count_open",
    "count_purgeable",
    "count_rejections",
    "count_waiting",
    "decided_review_of",
    "delete_marked",
    "find",
    "find_purgeable",
    "find_waiting_lane",
    "insert",
    "latest_rejections",
    "mark_deletable",
    "of_session",
    "open_again",
    "open_reviews_of",
    "page",
    "page_of_type",
    "postpone",
    "refuse_known",
    "reject",
    "replace",
    "sessions_waited_for",
    "waiting_for",
    "wake",
    "walk_purgeable",
    "write_facts",
    "write_review",
]
