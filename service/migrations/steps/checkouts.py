"""What became of a session's checkouts, and under which names they went out."""

import re
from collections import Counter
from collections.abc import Iterable

from service.migrations import repository
from service.storage.database import Database, Row

# An id that a browser has chosen in the shape of a provider's would claim another one's payment.
_PROVIDERS_OWN = re.compile(
    r"(?:order|pay|plink)_[A-Za-z0-9]{14}|(?:cs_(?:test|live)|pi|ch|in|sub)_[A-Za-z0-9]{14,}"
)
_ATTEMPT = re.compile(r"(.{1,36})-([0-9]{1,4})")


def attempts_of(row: Row) -> dict[int, str]:
    """Return the names under which a session's attempts went out to its provider, by number.

    All up to the last: what was given up in between may stand at the provider all the same.
    """
    opening = row.get("opening") or {}
    opened = [checkout["n"] for checkout in row["checkouts"]]
    tried = opening.get("n", 0) if opening.get("repeated") else opening.get("n", 1) - 1
    last, session_id = max([*opened, tried], default=0), row["sessionId"]
    return {n: session_id if n == 1 else f"{session_id[:36]}-{n}" for n in range(1, last + 1)}


async def shared_attempts(database: Database, rows: Iterable[Row]) -> frozenset[str]:
    """Return those names that may mean another session too: they are nobody's.

    Attempt 2 of `abc` went out as `abc-2`, which may be a session. Two merchants may use one id,
    and two long ids may begin alike. An id may be shaped as a provider's own.
    """
    names = Counter(name for row in rows for name in attempts_of(row).values())
    ids = set(names) | {match[1] for name in names if (match := _ATTEMPT.fullmatch(name))}
    long = [name for name in names if len(name) >= 36]
    wanted: list[Row] = [{"sessionId": {"$in": sorted(ids)}}]
    wanted += [{"sessionId": {"$regex": f"^{re.escape(name[:36])}"}} for name in long]
    of = {"merchantId": {"$in": await repository.merchants(database)}}
    others = await repository.find(
        database,
        "sessions",
        {"$or": [of | one for one in wanted]},
        ("sessionId", "checkouts", "opening"),
    )
    used = Counter(name for other in others for name in set(attempts_of(other).values()))
    shaped = {name for name in names if _PROVIDERS_OWN.fullmatch(name)}
    return frozenset(shaped | {name for name in names if used[name] > 1})


def checkouts_of(row: Row, told: Iterable[Row]) -> list[Row]:
    """Return a session's checkouts, when they were closed, and how they ended.

    Without the name of the attempt, which did not go out in what Stripe sends back: by that they
    are known as older ones.
    """
    closed = {
        one["payload"]["ref"]: one["doneAt"]
        for one in told
        if one.get("topic") == "provider.close_checkout" and one["status"] == "done"
    }
    ends = _ends(row)
    return [
        {
            **checkout,
            "attemptId": None,
            "closedAt": closed.get(checkout["ref"]),
            "ended": ends.get(checkout["ref"]),
        }
        for checkout in row["checkouts"]
    ]


def _ends(row: Row) -> dict[str, str]:
    """Return what providers said of the end of checkouts: kept beside them, or told by a move."""
    ends = {row["endedRef"]: "expired"} if row.get("endedRef") else {}
    told = _told_end(row)
    if row["checkouts"] and told:
        ends[row["checkouts"][-1]["ref"]] = told
    return ends


def end_of_another(row: Row) -> str | None:
    """Return how a checkout ended that the caller opened itself and did not name."""
    if row["checkouts"]:
        return None
    return _told_end(row) or ("expired" if row.get("endedRef") else None)


def _told_end(row: Row) -> str | None:
    last = row["history"][-1] if row.get("history") else {}
    ended = last.get("eventId") and last["to"] in {"failed", "expired"}
    return str(last["to"]) if ended else None
