"""Which rare states a conversation has come through: what never happens is not searched."""

from collections import Counter
from collections.abc import Iterable, Mapping

from service.storage.database import Row
from tests.conversation.books import RealPayment

_NOT_COME = frozenset({"pending", "authorized", "failed", "abandoned"})


def rare_states(
    sessions: Iterable[Row],
    ledger: Iterable[Row],
    reviews: Iterable[Row],
    real: Mapping[str, RealPayment],
) -> set[str]:
    """Return in words which of the rare states there are now."""
    not_come = {row["providerPaymentId"] for row in ledger if row["status"] in _NOT_COME}
    in_doubt = {doubt["about"] for row in reviews for doubt in row["doubts"]}
    held = Counter(paid.session_id for paid in real.values() if paid.held)
    over = {row["sessionId"] for row in sessions if row["status"] in {"completed", "canceled"}}
    earlier = {row["sessionId"]: row for row in sessions}
    old_paid = any(
        paid.paid and not paid.is_of(earlier[paid.session_id])
        for paid in real.values()
        if paid.session_id in earlier
    )
    states = {
        "money in review that has not come": bool(not_come & in_doubt),
        "two held payments of one session": any(count > 1 for count in held.values()),
        "held money of a session that is over": bool(over & held.keys()),
        "money of an earlier session of the same id": old_paid,
    }
    return {words for words, holds in states.items() if holds}
