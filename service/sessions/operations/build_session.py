"""Build a session from what a caller sent: checked and priced, not stored yet."""

from datetime import datetime, timedelta
from typing import NamedTuple

from service.core.ids import digest, new_id, new_session_id, session_id_from
from service.providers.base import OWN_ACCOUNT
from service.sessions.documents import Checkout, SessionRow
from service.sessions.errors import wrong_field
from service.sessions.operations.caller import Caller
from service.sessions.operations.move import Why, line_of
from service.sessions.operations.new_session import NewSession
from service.sessions.operations.pricing import price_session
from service.sessions.operations.rules import Rules, client_secret
from service.sessions.states import Status
from service.storage.database import Row

LONGEST_LIFE = timedelta(hours=24)


class Built(NamedTuple):
    """A session that is not stored yet, and its client secret, of which it keeps the hash alone."""

    session: SessionRow
    client_secret: str


async def build_session(new: NewSession, caller: Caller, rules: Rules, now: datetime) -> Built:
    """Check, price and build. Raises `InvalidInput` and its kin for what can't be used."""
    rules.check_mode(new.provider, new.mode)
    rules.check_url("successUrl", new.success_url)
    rules.check_url("cancelUrl", new.cancel_url)
    expires_at = _expiry(new, rules, now)
    due = await price_session(new, caller, rules, now)
    session_id = named_id(new, caller) or new_session_id()
    salt = new_id("salt")
    secret = client_secret(rules.pepper, session_id, salt)
    row = _row_of(new, now) | {
        "merchantId": caller.principal.merchant_id,
        "sessionId": session_id,
        "owner": caller.owner_of(session_id),
        "amount": due.amount,
        "currency": due.currency,
        "pricedBy": due.priced_by,
        "live": rules.live.get(new.provider),
        "freeAllowed": due.free,
        "trialDays": due.trial_days,
        "guardedMetadata": sorted(new.metadata) if caller.trusted else [],
        "history": [line_of(None, Status.PENDING, Why(caller.principal.label, now))],
        "clientSecretHash": digest(secret),
        "secretSalt": salt,
        "expiresAt": expires_at,
    }
    return Built(SessionRow(row), secret)


def _row_of(new: NewSession, now: datetime) -> Row:
    """Return what follows from the request alone, as it is stored.

    Not by way of the document, which would check again what was checked, and take longer than all
    the rest of building. A test holds the two to be the same.
    """
    ref = new.provider_session_id
    return {
        "kind": new.kind,
        "userId": new.user_id,
        "email": new.email,
        "eventId": new.event_id,
        "quantity": new.quantity,
        "passId": new.pass_id,
        "selectedDate": new.selected_date,
        "couponCode": new.coupon_code,
        "waitingListId": new.waiting_list_id,
        "plan": new.plan,
        "provider": new.provider,
        "mode": new.mode,
        "account": OWN_ACCOUNT,
        "providerSessionId": ref,
        "providerPaymentId": None,
        "providerCustomerId": None,
        "checkoutUrl": None,
        "successUrl": new.success_url,
        "cancelUrl": new.cancel_url,
        "status": Status.PENDING.value,
        "late": False,
        "review": None,
        "decisions": [],
        "attempts": 0,
        "version": 1,
        "metadata": new.metadata,
        "checkouts": [Checkout(ref=ref, n=0, opened_at=now).model_dump(by_alias=True)]
        if ref
        else [],
        "checkoutIds": [ref] if ref else [],
        "opening": None,
        "capturing": None,
        "refusedCaptures": [],
        "liveAttempts": [],
        "checkoutEnded": None,
        "askedAt": None,
        "createHash": new.request_hash,
        "createdAt": now,
        "updatedAt": now,
        "completedAt": None,
        "purgeAt": None,
        "deletableAt": None,
    }


def named_id(new: NewSession, caller: Caller) -> str | None:
    """Return the id that the request names, None where one has to be made.

    With an idempotency key the id follows from it: a call that is repeated after a crash between
    the insert and the stored answer finds the session that it made.
    """
    if new.session_id is None and caller.idempotency_seed:
        return session_id_from(caller.idempotency_seed)
    return new.session_id


def _expiry(new: NewSession, rules: Rules, now: datetime) -> datetime:
    if new.expires_at is None:
        return now + rules.lifetimes.of(new.kind)
    if not now < new.expires_at <= now + LONGEST_LIFE:
        raise wrong_field("expiresAt", "must be in the future, at most 24 hours from now")
    return new.expires_at
