"""Payments with what has become of them: refunds, tries, disputes, what stands on the accounts."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeVar

from msgspec import Struct

from service.core.paging import Cursor
from service.payments.attempts import repository as attempts
from service.payments.attempts.documents import Attempt
from service.payments.attempts.operations.tries import Try, tries_of
from service.payments.disputes import repository as disputes
from service.payments.disputes.documents import Dispute
from service.payments.entries import repository as entries
from service.payments.entries.operations import balances_of, by_object
from service.payments.entries.states import Balances
from service.payments.history import repository
from service.payments.payments import repository as payments
from service.payments.payments.documents import Payment
from service.payments.refunds import repository as refunds
from service.payments.refunds.documents import Refund
from service.storage.answering import answers_in_time
from service.storage.plain import NO_TRANSACTION

R = TypeVar("R", Refund, Dispute)


class Told(Struct, frozen=True):
    """A payment with its refunds, oldest first, and the tries at paying it."""

    payment: Payment
    refunds: Sequence[Refund]
    attempts: Sequence[Try]


class Whole(Struct, frozen=True):
    """All that the ledger has of a payment; `balances` are those of all entries about it."""

    told: Told
    disputes: Sequence[Dispute]
    balances: Balances


async def list_payments(
    wanted: repository.PaymentFilter, *, cursor: Cursor | None, limit: int
) -> tuple[list[Told], Cursor | None]:
    """List payments, newest first, and where the next page begins. Raises `Unavailable`."""
    async with answers_in_time():
        found, following = await repository.page_of_payments(wanted, cursor=cursor, limit=limit)
        return await told_of(found), following


async def find_whole(
    merchant_id: str, any_id: str, session_ids: Collection[str] = ()
) -> list[Whole]:
    """Find a merchant's payments by any id that leads to them, latest first. Raises `Unavailable`.

    Their own, those of their refunds and disputes, the bank's reference; and the payments of some
    sessions.
    """
    async with answers_in_time():
        found = await payments.find_by_any_id(merchant_id, any_id)
        keys = {any_id, *await repository.payments_that_came_back(merchant_id, any_id)}
        found += await repository.payments_by_keys(merchant_id, keys)
        for session_id in sorted({any_id, *session_ids}):
            found += await payments.of_session(merchant_id, session_id)
        each = {one.id: one for one in found}
        latest = sorted(each.values(), key=lambda one: (one.created_at, str(one.id)), reverse=True)
        return await _whole(latest)


async def told_of(found: Sequence[Payment]) -> list[Told]:
    """Return payments with what has become of them."""
    ids = [str(one.id) for one in found]
    back = by_payment(await refunds.of_payments(ids, NO_TRANSACTION) if ids else [])
    failed = await _failed(found)
    return [Told(one, back[str(one.id)], tries_of([one], failed[_key(one)])) for one in found]


async def _failed(found: Iterable[Payment]) -> Mapping[tuple[str, ...], list[Attempt]]:
    """Return the tries that failed by the key of their payment."""
    accounts: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in found:
        accounts[one.provider, one.account].append(one.provider_payment_id)
    failed: dict[tuple[str, ...], list[Attempt]] = defaultdict(list)
    for (provider, account), ids in accounts.items():
        for attempt in await attempts.of_payments(provider, account, ids):
            failed[provider, account, attempt.provider_payment_id].append(attempt)
    return failed


async def _whole(found: Sequence[Payment]) -> list[Whole]:
    told = await told_of(found)
    ids = [str(one.id) for one in found]
    disputed = by_payment(await disputes.of_payments(ids, NO_TRANSACTION) if ids else [])
    objects = {
        str(one.payment.id): [
            str(row.id) for row in (one.payment, *one.refunds, *disputed[str(one.payment.id)])
        ]
        for one in told
    }
    posted = by_object(await entries.find_of([key for keys in objects.values() for key in keys]))
    return [
        Whole(
            one,
            disputed[name],
            balances_of(entry for key in objects[name] for entry in posted.get(key, ())),
        )
        for one in told
        for name in [str(one.payment.id)]
    ]


def _key(payment: Payment) -> tuple[str, ...]:
    return payment.provider, payment.account, payment.provider_payment_id


def by_payment(rows: Iterable[R]) -> Mapping[str, Sequence[R]]:
    """Return refunds or disputes by the `_id` of their payment in hex, empty where it has none."""
    found: dict[str, list[R]] = defaultdict(list)
    for row in rows:
        found[row.payment_id].append(row)
    return found
