"""What a merchant's week came to, by currency, as its summary says it."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from service.core.money import exponent
from service.core.strict_json import JsonObject
from service.merchants.documents import Merchant
from service.notifications.mail.operations import words
from service.payments.history import repository as history
from service.payments.history.repository import Range
from service.payments.payments.states import PaymentStatus
from service.payments.refunds.states import RefundStatus

_PAID = frozenset({PaymentStatus.SUCCEEDED, PaymentStatus.REFUNDED, PaymentStatus.REVERSED})


async def values_of(merchant: Merchant, monday: date) -> JsonObject:
    """Return what a week came to, by currency."""
    zone = ZoneInfo(merchant.zone)
    since, until = (
        datetime.combine(day, time(), zone).astimezone(UTC)
        for day in (monday, monday + timedelta(days=7))
    )
    within = Range(merchant.id, since, until, merchant.zone)
    paid: Counter[tuple[str, str]] = Counter()
    for one in await history.sum_payments(within):
        kind = "paid" if one.status in _PAID else "failed"
        if kind == "paid" or one.status is PaymentStatus.FAILED:
            paid[one.currency, kind] += one.amount
            paid[one.currency, f"{kind}Count"] += one.count
    for back in await history.sum_refunds(within):
        if back.status is RefundStatus.SUCCEEDED:
            paid[back.currency, "refunded"] += back.amount
            paid[back.currency, "refundedCount"] += back.count
    for disputed in await history.sum_disputes(within):
        paid[disputed.currency, "disputed"] += disputed.amount
        paid[disputed.currency, "disputedCount"] += disputed.count
    return {
        "since": words.time(since, day_alone=True),
        "until": words.time(until - timedelta(hours=1), day_alone=True),
        "rows": [_row(currency, paid) for currency in sorted({one for one, _ in paid})],
    }


def _row(currency: str, sums: Counter[tuple[str, str]]) -> JsonObject:
    places = exponent(currency)

    def amount(kind: str) -> JsonObject:
        return words.price(sums[currency, kind], places, currency)

    return {
        "currency": currency,
        "paid": amount("paid"),
        "payments": sums[currency, "paidCount"],
        "refunded": amount("refunded"),
        "refunds": sums[currency, "refundedCount"],
        "disputed": amount("disputed"),
        "disputes": sums[currency, "disputedCount"],
        "failed": sums[currency, "failedCount"],
    }
