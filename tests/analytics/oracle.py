"""What figures must be: one pass over all rows, in plain Python that shares nothing with them."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from service.storage.database import Database, Row

NAMES = ("sessions", "payments", "refunds", "disputes", "payment_attempts", "payment_intents")
STEPS = ("left", "opened", "attempted", "paid", "kept")
Rows = dict[str, list[Row]]


async def all_rows(database: Database, merchant: str, currency: str) -> Rows:
    """Return all that a merchant has in a currency."""
    wanted = {"merchantId": merchant, "currency": currency}
    return {name: await database[name].find(wanted).to_list() for name in NAMES}


def time_of(name: str, row: Row) -> datetime:
    """Return when a row counts."""
    if name == "payments":
        return row["firstAt"] or row["statusAt"]
    if name == "payment_attempts":
        return row["madeAt"]
    if name == "refunds":
        return min([one["at"] for one in row["history"] if one["to"] == "succeeded"])
    return row["openedAt"] or row["createdAt"] if name == "disputes" else row["createdAt"]


def money(rows: Rows, is_in: Callable[[datetime], bool]) -> dict[str, int]:
    """Return counts and sums of a time."""
    made = [row for row in rows["refunds"] if row["status"] == "succeeded" and not row["void"]]
    paid = [row for row in rows["payments"] if is_in(time_of("payments", row))]
    came = [row for row in paid if row["status"] in {"succeeded", "refunded"}]
    back = [row for row in made if is_in(time_of("refunds", row))]
    lost = [row for row in rows["disputes"] if row["status"] == "lost" and is_in(row["closedAt"])]
    revenue, refunded = _sum(came, "amount"), _sum(back, "amount")
    return {
        "revenue": revenue,
        "refunded": refunded,
        "lost": _sum(lost, "held"),
        "netRevenue": revenue - refunded - _sum(lost, "held"),
        "transactionCount": len(paid),
        "successfulCount": len(came),
        "failedCount": len([row for row in paid if row["status"] == "failed"]),
        "payers": len({row["userId"] for row in came}),
    }


def by(rows: Iterable[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
    """Return rows by what `key` says of each."""
    found: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return dict(found)


def statuses(rows: Iterable[Row]) -> Counter[str]:
    """Count rows by their status."""
    return Counter(row["status"] for row in rows)


async def whole(database: Database, merchant: str = "default") -> Rows:
    """Return all that a merchant has: a lead and its sessions may be in different currencies."""
    wanted = {"merchantId": merchant}
    return {name: await database[name].find(wanted).to_list() for name in NAMES}


def customers(
    rows: Rows, span: tuple[datetime, datetime]
) -> tuple[int, int, list[tuple[str, int, int]]]:
    """Return how many users paid in a time, how many more than once, and the ten who paid most."""
    came = [row for row in rows["payments"] if row["status"] in {"succeeded", "refunded"}]
    heard = [row for row in came if span[0] <= row["createdAt"] < span[1]]
    users = by([row for row in heard if isinstance(row["userId"], str)], lambda row: row["userId"])
    lines = [(user, _sum(of, "amount"), len(of)) for user, of in users.items()]
    top = sorted(lines, key=lambda one: (-one[1], one[0]))[:10]
    return len(users), len([one for one in lines if one[2] > 1]), top


def reached(rows: Rows, everything: Rows) -> tuple[Counter[str], Counter[str]]:
    """Count leads and sessions by how far they came, each once."""
    steps = {row["sessionId"]: step_of(row, everything) for row in everything["sessions"]}
    leads = Counter(lead_step(row, steps) for row in rows["payment_intents"])
    return leads, Counter(steps[row["sessionId"]] for row in rows["sessions"])


def step_of(session: Row, everything: Rows) -> str:
    """Return how far a session came."""

    def of(name: str) -> list[Row]:
        return [row for row in everything[name] if row["sessionId"] == session["sessionId"]]

    if session["status"] == "completed":
        back = any(row["refunded"] or row["held"] for row in of("payments"))
        return "paid" if back else "kept"
    tried = session["attempts"] or of("payment_attempts")
    return "attempted" if tried or session["status"] in {"processing", "failed"} else "opened"


def lead_step(lead: Row, steps: Mapping[str, str]) -> str:
    """Return how far a lead came, by the sessions that followed it."""
    came = [STEPS.index(steps[one]) for one in lead["followedBy"]]
    return STEPS[max(came, default=0)]


def _sum(rows: Iterable[Row], name: str) -> int:
    return sum(row[name] for row in rows)
