"""Build a session from what a caller sent: checked and priced, not stored yet."""

from datetime import datetime, timedelta

from msgspec import Struct

from service.core.ids import digest, new_id, new_session_id, session_id_from
from service.providers.base import OWN_ACCOUNT
from service.sessions.documents import Checkout, Session, SessionRow
from service.sessions.errors import wrong_field
from service.sessions.operations.caller import Caller
from service.sessions.operations.moving.move import Cause, history_entry
from service.sessions.operations.opening.new_session import NewSession
from service.sessions.operations.opening.pricing import price_session
from service.sessions.operations.rules import Rules, client_secret
from service.sessions.states import Status

LONGEST_LIFE = timedelta(hours=24)


class Built(Struct, frozen=True):
    """A session that is not stored yet, and its client secret, of which only the hash is kept."""

    session: SessionRow
    client_secret: str


async def build_session(new: NewSession, caller: Caller, rules: Rules, now: datetime) -> Built:
    """Check, price and build. Raises `InvalidInput` or a subclass for invalid requests."""
    rules.check_mode(new.provider, new.mode)
    rules.check_url("successUrl", new.success_url)
    rules.check_url("cancelUrl", new.cancel_url)
    expires_at = _expiry(new, rules, now)
    due = await price_session(new, caller, rules, now)
    session_id = named_id(new, caller) or new_session_id()
    salt = new_id("salt")
    secret = client_secret(rules.pepper, session_id, salt)
    row = Session.new_row(
        {
            "merchantId": caller.principal.merchant_id,
            "sessionId": session_id,
            "owner": caller.owner_of(session_id),
            "openedFrom": caller.opens_from,
            "emailVouched": caller.vouches_for(new.email),
            "account": OWN_ACCOUNT,
            "amount": due.amount,
            "currency": due.currency,
            "pricedBy": due.priced_by,
            "live": rules.live.get(new.provider),
            "freeAllowed": due.free,
            "trialDays": due.trial_days,
            "title": due.title,
            "guardedMetadata": sorted(new.metadata) if caller.trusted else [],
            "history": [history_entry(None, Status.PENDING, Cause(caller.principal.label, now))],
            "clientSecretHash": digest(secret),
            "secretSalt": salt,
            "createHash": new.request_hash,
            "createdAt": now,
            "updatedAt": now,
            "expiresAt": expires_at,
        },
        new,
    )
    if ref := new.provider_session_id:
        row["checkouts"] = [Checkout.new_row({"ref": ref, "n": 0, "openedAt": now})]
        row["checkoutIds"] = [ref]
    return Built(SessionRow(row), secret)


def named_id(new: NewSession, caller: Caller) -> str | None:
    """Return the id that the request names, None if one must be made.

    With an idempotency key the id is derived from it: a call repeated after a crash between the
    insert and the stored answer finds the session that it created.
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
