"""The figures of payments, added up one by one: what the aggregations must equal."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from service.storage.database import Row

Figures = dict[str, Any]


def figures(payments: Iterable[Row]) -> Figures:
    """Return what payments of one currency come to."""
    rows = list(payments)
    paid = [row for row in rows if row["status"] in {"succeeded", "refunded"}]
    failed = [row for row in rows if row["status"] == "failed"]
    fees = [fee for row in paid if (fee := fee_of(row)) is not None]
    gross, refunded = sum(row["amount"] for row in paid), sum(row["refunded"] for row in paid)
    return {
        "succeeded": len(paid),
        "failed": len(failed),
        "gross": gross,
        "refunded": refunded,
        "fees": sum(fees),
        "feesKnown": len(fees),
        "net": gross - refunded - sum(fees),
        "average": int(gross / len(paid) + 0.5) if paid else None,
        "successRate": round(len(paid) / (len(paid) + len(failed)), 4) if paid or failed else None,
    }


def fee_of(row: Row) -> int | None:
    """Return what the provider kept of a payment; None where it is not known in its currency."""
    known: bool = row["details"].get("feeCurrency") == row["currency"]
    fee: int | None = row["details"].get("fee") if known else None
    return fee


def day_of(row: Row, zone: str) -> str:
    """Return the day of a row."""
    return str(row["createdAt"].astimezone(ZoneInfo(zone)).date())


def by(rows: Iterable[Row], key: Any) -> dict[Any, list[Row]]:
    """Return rows by what a function says of each."""
    found: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return found


def sums(rows: Iterable[Row], key: Any) -> dict[Any, dict[str, int]]:
    """Return count and amount of rows by what a function says of each."""
    return {
        name: {"count": len(of), "amount": sum(row["amount"] for row in of)}
        for name, of in by(rows, key).items()
    }


def tries(payments: Iterable[Row], attempts: Sequence[Row]) -> dict[int, int]:
    """Return how many payments that succeeded took how many tries."""
    took: Counter[int] = Counter()
    for row in payments:
        if row["status"] in {"succeeded", "refunded"}:
            failed = [one for one in attempts if _is_of(one, row)]
            took[1 + len(failed)] += 1
    return dict(took)


def _is_of(attempt: Row, payment: Row) -> bool:
    if payment["sessionId"] is None:
        names = ("provider", "account", "providerPaymentId")
    else:
        names = ("merchantId", "sessionId", "sessionId")
    return all(attempt[name] == payment[name] for name in names)
