"""How many users tried again, by months that are over and by an index of the rest."""

from typing import Final

from service.analytics.documents import MonthRollup
from service.analytics.operations.added_up import coarse_of
from service.analytics.operations.keeping import unread_of
from service.analytics.operations.payers import estimate_of, packed
from service.analytics.operations.services import Shown
from service.analytics.operations.spans import apart_from
from service.analytics.operations.unread import Unread
from service.analytics.repository import facts, longer
from service.analytics.repository.facts import Span, Which
from service.analytics.repository.rollups import Wanted
from service.analytics.states import Grain
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction

_WITHIN_S: Final = 20.0


async def count_who_retried(shown: Shown, span: Span) -> int:
    """Return how many users tried again in the sessions of a time.

    Estimated where the time has a whole month, as payers are. Raises `Unavailable`.
    """

    async def work(tx: Transaction) -> int:
        await unread.read(tx)
        months = await _months_of(shown, span, unread, tx)
        left = apart_from(span, sorted(months))
        users = {
            row["payer"]
            for row in unread.fresh(left)
            if row["tries"] and row["currency"] == shown.currency
        }
        which = Which(shown.merchant.id, left, unread.stale(left))
        if not months:
            return len(users) + await facts.count_who_retried(which, shown.currency, users, tx)
        rest = [packed(some) async for some in facts.who_retried(which, shown.currency, tx)]
        return estimate_of(one for one in (*months.values(), packed(users), *rest) if one)

    async with unread_of(shown.merchant.id) as unread:
        return await in_transaction(work, _WITHIN_S)


async def _months_of(
    shown: Shown, span: Span, unread: Unread, tx: Transaction
) -> dict[Span, bytes]:
    """Return who tried again in the whole months of a time that are kept and as they were."""
    coarse = coarse_of(unread.state, Grain.MONTH, shown.timezone)
    if coarse is None or MonthRollup not in coarse.kinds_in(span):
        return {}
    odd = sorted({*await facts.marks_within(shown.merchant.id, span, tx), *unread.changes})
    found = await longer.who_retried(Wanted(shown.merchant.id, [span], shown.currency, ()), tx)
    return {one: of for one, of in found.items() if coarse.may_read(MonthRollup, one, odd)}
