"""An old row as a session. Pure.

There are two older stacks: one keeps payment sessions as camelCase documents in MongoDB, the other
checkout sessions as rows of an SQL table in snake_case. Fields that this does not know stay behind.
"""

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from service.core.errors import InvalidInput
from service.core.ids import SESSION_ID, digest, new_id, new_key
from service.imports.values import (
    BadRow,
    OldRow,
    Unit,
    amount,
    given,
    json_object,
    moment,
    needed_text,
    shown,
    text,
    whole,
)
from service.providers.base import OWN_ACCOUNT
from service.providers.money import check_step
from service.providers.registry import REGISTRY, ProviderName
from service.sessions.documents import Checkout, HistoryEntry, Kind, Session
from service.sessions.states import Lifetimes, Status, status_at

_STATUSES = {status.value: status for status in Status} | {"cancelled": Status.CANCELED}
BY = "import"


class ImportRules(Struct, frozen=True):
    """How old rows are read. `kind` None: by the shape of the row.

    `source` is the name of the collection, or of the file, as `origin` says.
    """

    merchant_id: str
    currency: str
    unit: Unit
    source: str
    lifetimes: Lifetimes
    now: datetime
    kind: Kind | None = None
    origin: Literal["collection", "file"] = "collection"


def session_from(row: OldRow, rules: ImportRules) -> Session:
    """Turn an old row into a session as it now stands. Raises `BadRow` that says what is wrong.

    An open session whose time is over comes in as expired. It is kept as long as one that ended
    today: what was just brought in must not be deleted within the hour.
    """
    kind: Kind = rules.kind or ("checkout" if "user_id" in row else "payment")
    session_id, provider = _session_id(row), _provider(row)
    times = _times(row, kind, rules)
    metadata = json_object(row.get("metadata"))
    return Session(
        merchant_id=rules.merchant_id,
        session_id=session_id,
        kind=kind,
        **_ware(row),
        amount=_amount(row, provider, rules),
        currency=rules.currency,
        provider=provider,
        account=OWN_ACCOUNT,
        **_at_the_provider(row, times.created_at),
        status=times.status,
        attempts=whole(row, "attempts", default=0, least=0),
        metadata=metadata,
        guarded_metadata=sorted(metadata),
        history=[_line(times.status, rules)],
        # Nobody was ever given a secret for it: this one is unknown to all.
        client_secret_hash=digest(new_key("")),
        secret_salt=new_id("salt"),
        create_hash=digest(f"{BY}:{rules.source}:{session_id}"),
        created_at=times.created_at,
        updated_at=times.updated_at,
        expires_at=times.expires_at,
        completed_at=times.completed_at,
        purge_at=rules.lifetimes.purge_at(times.status, rules.now),
    )


class _Times(Struct, frozen=True):
    """When things happened to an old session, and where it stands by that."""

    status: Status
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    completed_at: datetime | None


def _times(row: OldRow, kind: Kind, rules: ImportRules) -> _Times:
    created_at = moment(row, "createdAt", "created_at") or rules.now
    expires_at = moment(row, "expiresAt", "expires_at") or created_at + rules.lifetimes.of(kind)
    status = _status(row, expires_at, rules.now)
    completed_at = _completed_at(row, status, created_at)
    updated_at = moment(row, "updatedAt", "updated_at") or completed_at or created_at
    return _Times(status, created_at, updated_at, expires_at, completed_at)


def _ware(row: OldRow) -> dict[str, Any]:
    """Return for whom the session was, and what they wanted to buy."""
    return {
        "user_id": needed_text(row, "userId", "user_id"),
        "email": text(row, "email", "userEmail"),
        "event_id": text(row, "eventId", "event_id"),
        "quantity": whole(row, "quantity", default=1, least=1),
        "pass_id": text(row, "passId", "pass_id"),
        "selected_date": text(row, "selectedDate", "selected_date"),
        "coupon_code": text(row, "couponCode", "coupon_code"),
        "waiting_list_id": text(row, "waitingListId", "waiting_list_id"),
        "plan": text(row, "plan", "subscription_plan"),
    }


def _at_the_provider(row: OldRow, opened_at: datetime) -> dict[str, Any]:
    """Return by which ids the provider knows the session."""
    ref = text(row, "providerSessionId", "stripe_session_id", "provider_session_id")
    return {
        "provider_session_id": ref,
        "provider_payment_id": text(row, "providerPaymentId", "paymentId", "payment_id"),
        "provider_customer_id": text(row, "providerCustomerId", "stripe_customer_id"),
        "checkouts": [Checkout(ref=ref, n=0, opened_at=opened_at)] if ref else [],
        "checkout_ids": [ref] if ref else [],
    }


def _line(status: Status, rules: ImportRules) -> HistoryEntry:
    reason = f"from {rules.source}"
    return HistoryEntry(at=rules.now, from_status=None, to=status, by=BY, reason=reason)


def name_of(row: OldRow) -> str:
    """Name a row in a report, whatever is wrong with it."""
    return shown(given(row, "sessionId", "session_id", "id", "_id") or "a row without an id")


def _session_id(row: OldRow) -> str:
    found = needed_text(row, "sessionId", "session_id", "id", "_id")
    if not SESSION_ID.fullmatch(found):
        raise BadRow("its id is not 1 to 40 letters, digits, dashes and underscores")
    return found


def _provider(row: OldRow) -> ProviderName:
    named = needed_text(row, "paymentMethod", "payment_provider", "provider").lower()
    if named not in REGISTRY:
        raise BadRow(f"'{shown(named)}' is not a provider of Tillgate")
    return named


def _status(row: OldRow, expires_at: datetime, now: datetime) -> Status:
    named = text(row, "status") or Status.PENDING.value
    status = _STATUSES.get(named.lower())
    if status is None:
        raise BadRow(f"'{shown(named)}' is not a status of a session")
    # Only one open checkout may stand per user and plan; older stacks left overdue ones open.
    return status_at(status, expires_at, now)


def _completed_at(row: OldRow, status: Status, created_at: datetime) -> datetime | None:
    if status is not Status.COMPLETED:
        return None
    return moment(row, "completedAt", "completed_at", "updatedAt", "updated_at") or created_at


def _amount(row: OldRow, provider: str, rules: ImportRules) -> int:
    value: Any = given(row, "amount", "plan_price", "price")
    if value is None:
        raise BadRow("amount or plan_price is missing")
    named = text(row, "currency")
    if named is not None and named.upper() != rules.currency:
        raise BadRow(f"its currency is {shown(named)}, not {rules.currency}")
    minor = amount(value, rules.unit, provider, rules.currency)
    try:
        check_step(provider, rules.currency, minor)
    except InvalidInput as error:
        raise BadRow(error.problems[0].message) from error
    return minor
