"""What a row is counted as. Pure."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from sys import intern
from typing import Final

from msgspec import Struct

from service.analytics.states import Kind, Reached, slot_of
from service.core.ids import digest
from service.intents.documents import PaymentIntent
from service.payments.attempts.documents import Attempt
from service.payments.disputes.documents import Dispute
from service.payments.disputes.states import DisputeStatus
from service.payments.payments.documents import Payment
from service.payments.payments.states import moment_of
from service.payments.refunds.documents import Refund
from service.payments.refunds.states import RefundStatus
from service.sessions.documents import Session
from service.sessions.states import ENDED, Status
from service.storage.database import WRITTEN_AT, Row


class Beside(Struct, frozen=True):
    """What else is known of a merchant's sessions, by their ids.

    `items` are what they were opened for, `tries` how many tries at paying failed, `back` are those
    of whose payment something went back.
    """

    items: Mapping[str, str]
    tries: Mapping[str, int]
    back: Collection[str] = ()


LOST: Final = DisputeStatus.LOST.value
MADE: Final = RefundStatus.SUCCEEDED.value
_VOID = "void"
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_CLOCKS_DIFFER: Final = timedelta(days=1)
_SESSION: Final = Kind.SESSION.value
_TRIED: Final = frozenset({Status.PROCESSING.value, Status.FAILED.value})
_ENDED: Final = frozenset(one.value for one in ENDED)
_FURTHER: Final = [*Reached]


def of_session(row: Row, beside: Beside) -> Row:
    """Return the fact of a session: it counts when it was opened."""
    status, opened = row["status"], row["createdAt"]
    fact = _fact(_SESSION, row, opened, item_of(row))
    made = beside.tries.get(row["sessionId"], 0) + (status == Status.COMPLETED)
    # Each checkout after the first is a try, too, also where nobody reported one that failed.
    fact["tries"] = max(made - 1, row.get("attempts", 0) - 1, 0)
    fact["code"] = _reached(row, status, beside)
    fact["payer"] = _payer(row)
    if (ended := _ended_at(row, status)) is not None:
        fact["tookMs"] = _milliseconds(opened, ended)
        if status == Status.COMPLETED:
            fact["slot"] = slot_of(fact["tookMs"])
    return fact


def of_lead(row: Row, followed: Sequence[Row]) -> Row:
    """Return the fact of a lead, by the facts of the sessions that followed it.

    It counts when it was left, once, by the session that came farthest.
    """
    said = row | {"status": Reached.LEFT.value, "amount": row["amountMinor"], "provider": ""}
    fact = _fact(Kind.LEAD.value, said, row["createdAt"], row["planName"])
    if not row["followedBy"]:
        # Nobody knows who it is: each journey is somebody.
        return fact | {"payer": digest(f"{row['merchantId']}:journey:{row['sessionId']}")[:16]}
    # A session that was purged since was opened all the same.
    opened = {"code": Reached.OPENED.value, "provider": "", "payer": None}
    farthest = max(followed, key=lambda one: _FURTHER.index(one["code"]), default=opened)
    known = {name: farthest[name] for name in ("provider", "payer")}
    return fact | known | {"state": farthest["code"]}


def regressed(fact: Row, known: Row) -> bool:
    """Return whether a lead is said to have come less far, which only money back can cause.

    So its sessions were purged.
    """
    if fact["kind"] != Kind.LEAD:
        return False
    now, before = (_FURTHER.index(one["state"]) for one in (fact, known))
    return now < min(before, _FURTHER.index(Reached.PAID))


def of_payment(row: Row, beside: Beside) -> Sequence[Row]:
    """Return the fact of a payment: it counts when its provider first reported anything of it."""
    details, said = row.get("details") or {}, row.get("firstAt") or row["statusAt"]
    fact = _fact(Kind.PAYMENT.value, row, _possible(said, row), _item(row, beside))
    fact |= {"country": details.get("country") or "", "code": row.get("failureCode") or ""}
    return [fact | {"payer": _payer(row)}]


def heard_at(source: str, rows: Sequence[Row]) -> dict[str, datetime]:
    """Return when payments were first heard of, by the ids of their facts; of others, nothing."""
    if source != Payment.collection_name():
        return {}
    return {_id_of(Kind.PAYMENT.value, row): row["createdAt"] for row in rows}


def of_attempt(row: Row, beside: Beside) -> Sequence[Row]:
    """Return the fact of a try that failed: it counts when it was made."""
    at = _possible(row.get("madeAt") or row["createdAt"], row)
    fact = _fact(Kind.ATTEMPT.value, row, at, _item(row, beside))
    return [fact | {"country": row.get("country") or "", "code": row.get("failureCode") or ""}]


def of_refund(row: Row, beside: Beside) -> Sequence[Row]:
    """Return the fact of a refund: it counts when it succeeded.

    That is when its provider says so or when we heard of it, whichever is earlier: a later report
    of the same is no later success.
    """
    moves = [one["at"] for one in row.get("history", ()) if one["to"] == MADE]
    at = row["createdAt"]
    if row["status"] == MADE:
        place = (row.get("places") or {}).get("status")
        said = [moment_of(place)] if isinstance(place, int) else []
        at = max(min([*moves[:1], *said], default=at), _EARLIEST)
    fact = _fact(Kind.REFUND.value, row, at, _item(row, beside))
    if row.get("void") or row.get("byDispute") is not None:
        fact["state"] = _VOID
    return [fact]


def of_dispute(row: Row, beside: Beside) -> Sequence[Row]:
    """Return the two facts of a dispute: it counts when it is opened, and where it is lost."""
    opened = _possible(row.get("openedAt") or row["createdAt"], row)
    item = _item(row, beside)
    ended = max(row.get("closedAt") or opened, _EARLIEST)
    lost = row["status"] == LOST
    loss = _fact(Kind.LOSS.value, row, ended if lost else opened, item)
    return [_fact(Kind.DISPUTE.value, row, opened, item), loss | {"amount": row.get("held") or 0}]


def item_of(session: Row) -> str:
    """Return what a session was opened for: a plan, a pass or an event."""
    return session.get("plan") or session.get("passId") or session.get("eventId") or ""


def _reached(session: Row, status: str, beside: Beside) -> str:
    """Return how far a session came; a checkout that its caller opened is no attempt of ours."""
    session_id = session["sessionId"]
    if status == Status.COMPLETED:
        return (Reached.PAID if session_id in beside.back else Reached.KEPT).value
    tried = session.get("attempts", 0) or beside.tries.get(session_id, 0) or status in _TRIED
    return (Reached.ATTEMPTED if tried else Reached.OPENED).value


def _possible(said: datetime, row: Row) -> datetime:
    """Return when a provider says that something was; when we heard of it where that can't be.

    A time of zero would make months of half a century, and one to come would never be counted.
    """
    heard: datetime = row["createdAt"]
    return said if _EARLIEST <= said <= heard + _CLOCKS_DIFFER else heard


def _fact(kind: str, row: Row, at: datetime, item: str) -> Row:
    """Words that are said again and again are kept once: tens of thousands of facts may be."""
    return {
        "_id": _id_of(kind, row),
        "kind": kind,
        "merchantId": intern(row["merchantId"]),
        "at": at.astimezone(UTC),
        "currency": intern(row["currency"]),
        "state": intern(row["status"]),
        "amount": row["amount"],
        "provider": intern(row["provider"]),
        "item": intern(item),
        "country": "",
        "code": "",
        "payer": None,
        "tries": 0,
        "tookMs": None,
        "slot": None,
        "sourceAt": row[WRITTEN_AT],
    }


def _id_of(kind: str, row: Row) -> str:
    return f"{kind}:{row['_id']}"


def _item(row: Row, beside: Beside) -> str:
    return beside.items.get(row.get("sessionId") or "") or row.get("planId") or ""


def _payer(row: Row) -> str | None:
    """Return a hash of who pays: a user, else the provider's customer, else whoever it was."""
    who = row.get("userId") or row.get("providerCustomerId") or row.get("sessionId")
    return digest(f"{row['merchantId']}:{who}")[:16] if who else None


def _ended_at(session: Row, status: str) -> datetime | None:
    if status == Status.COMPLETED:
        completed: datetime | None = session.get("completedAt")
        return completed
    if status not in _ENDED:
        return None
    moves = [one["at"] for one in session.get("history", ()) if one["to"] == status]
    return moves[-1] if moves else None


def _milliseconds(begins: datetime, ends: datetime) -> int:
    return max(round((ends - begins).total_seconds() * 1000), 0)


_OF_ALL = ("merchantId", "currency", "status", "amount", "provider", "createdAt", WRITTEN_AT)
_OF_THE_LEDGER = (*_OF_ALL, "sessionId", "userId")
FIELDS: Mapping[str, Sequence[str]] = {
    Session.collection_name(): (
        *(*_OF_THE_LEDGER, "plan", "passId", "eventId", "attempts", "completedAt"),
        *("history.at", "history.to", "intentId"),
    ),
    Payment.collection_name(): (
        *(*_OF_THE_LEDGER, "planId", "providerCustomerId", "statusAt", "firstAt", "failureCode"),
        *("details.country", "refunded", "held"),
    ),
    Attempt.collection_name(): (*_OF_THE_LEDGER, "madeAt", "country", "failureCode"),
    Refund.collection_name(): (
        *(*_OF_THE_LEDGER, "history.at", "history.to", "places.status", "void", "byDispute"),
    ),
    Dispute.collection_name(): (*_OF_THE_LEDGER, "openedAt", "closedAt", "held"),
    PaymentIntent.collection_name(): (
        *("merchantId", "currency", "amountMinor", "planName", "followedBy", "createdAt"),
        *("sessionId", WRITTEN_AT),
    ),
}
"""What is read of each collection that is counted."""

DERIVE = {
    Payment.collection_name(): of_payment,
    Attempt.collection_name(): of_attempt,
    Refund.collection_name(): of_refund,
    Dispute.collection_name(): of_dispute,
}
"""How the rows of the ledger become facts, by collection."""
