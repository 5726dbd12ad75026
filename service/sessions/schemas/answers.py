"""What callers get about sessions."""

from datetime import datetime

import msgspec
from msgspec import UNSET, Struct, UnsetType

from service.core.strict_json import JsonObject
from service.core.views import view_of
from service.payments.subscriptions.documents import Subscription
from service.payments.subscriptions.schemas import SubscriptionView, subscription_view
from service.providers.base import CheckoutMode, CheckoutScript
from service.providers.registry import ProviderName
from service.sessions.checkouts.open import OpenCheckout
from service.sessions.documents import Kind, Session, SessionRow
from service.sessions.operations.caller import Caller
from service.sessions.states import Status, status_at


class ReviewView(Struct, frozen=True, rename="camel"):
    """Why a person must look at the session."""

    reason: str
    event_id: str
    at: datetime


class HistoryView(Struct, frozen=True, rename={"from_status": "from", "event_id": "eventId"}):
    """One move of the session."""

    at: datetime
    from_status: Status | None
    to: Status
    by: str
    event_id: str | None
    reason: str | None


class SessionView(Struct, frozen=True, rename="camel", kw_only=True):
    """A session. `amount` is the total in minor units of `currency`; times are UTC.

    `paymentMethod` is the older name of `provider`. `history` is for secret and admin keys.
    """

    session_id: str
    kind: Kind
    user_id: str
    email: str | None
    event_id: str | None
    quantity: int
    pass_id: str | None
    selected_date: str | None
    coupon_code: str | None
    waiting_list_id: str | None
    plan: str | None
    amount: int
    currency: str
    provider: ProviderName
    payment_method: ProviderName
    mode: CheckoutMode
    provider_session_id: str | None
    provider_payment_id: str | None
    provider_customer_id: str | None
    checkout_url: str | None
    status: Status
    late: bool
    review: ReviewView | None
    attempts: int
    version: int
    metadata: JsonObject
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    completed_at: datetime | None
    intent_id: str | None = None
    history: list[HistoryView] | UnsetType = UNSET


class SessionAnswer(Struct, frozen=True, rename="camel"):
    """One session."""

    session: SessionView


class OpenedAnswer(Struct, frozen=True, rename="camel"):
    """A session that was opened or found, with its secret if the caller may have it."""

    session: SessionView
    client_secret: str | None


class SessionsAnswer(Struct, frozen=True, rename="camel"):
    """A page of sessions, newest first.

    `nextUpdatedSince` is there with `updatedSince` alone, null while there are more pages.
    """

    sessions: list[SessionView]
    next_cursor: str | None
    next_updated_since: datetime | UnsetType | None = UNSET


class VerifiedAnswer(Struct, frozen=True, rename="camel"):
    """A session after its provider was asked, and the subscription that it began, if any."""

    session: SessionView
    paid: bool
    subscription: SubscriptionView | None = None


class CheckoutAnswer(Struct, frozen=True, rename="camel"):
    """A checkout that stands open. `checkoutUrl` is null where the frontend draws it itself.

    Razorpay's then is drawn by `checkoutScript`: its address, and the public key that it takes.
    Where nothing was due the session is `completed`, `providerSessionId` is null, and `checkoutUrl`
    is where the customer comes back to. `amount` is what the checkout is over, in minor units.
    """

    session_id: str
    status: Status
    amount: int
    currency: str
    checkout_url: str | None
    provider: ProviderName
    provider_session_id: str | None
    expires_at: datetime
    client_secret: str | None
    qr_code: str | None = None
    checkout_script: CheckoutScript | None = None


def checkout_answer(opened: OpenCheckout, client_secret: str | None) -> CheckoutAnswer:
    """Return the answer to whoever opens a checkout."""
    return view_of(
        CheckoutAnswer,
        opened.session,
        checkout_url=opened.url,
        provider_session_id=opened.ref,
        client_secret=client_secret,
        qr_code=opened.qr_code,
        checkout_script=opened.script,
    )


def session_view(session: Session | SessionRow, caller: Caller, now: datetime) -> SessionView:
    """Show a session as its caller may see it, in its state at this time."""
    if isinstance(session, SessionRow):
        return _row_view(session, caller, now)
    view = msgspec.convert(session, SessionView, from_attributes=True)
    status = status_at(session.status, session.expires_at, now)
    if status is session.status and caller.sees_history:
        return view
    history = view.history if caller.sees_history else UNSET
    return msgspec.structs.replace(view, status=status, history=history)


def _row_view(session: SessionRow, caller: Caller, now: datetime) -> SessionView:
    fields = session.fields
    shown = {
        **fields,
        "paymentMethod": fields["provider"],
        "status": status_at(Status(fields["status"]), fields["expiresAt"], now),
    }
    if not caller.sees_history:
        del shown["history"]
    try:
        return msgspec.convert(shown, SessionView)
    except msgspec.ValidationError:
        # Written before the field existed; the document has its default.
        return session_view(session.document(), caller, now)


def listed_view(session: Session, now: datetime) -> SessionView:
    """Show a session in a list: without its history."""
    view = msgspec.convert(session, SessionView, from_attributes=True)
    status = status_at(session.status, session.expires_at, now)
    return msgspec.structs.replace(view, status=status, history=UNSET)


def verified(
    session: Session, began: Subscription | None, caller: Caller, now: datetime
) -> VerifiedAnswer:
    """Show a session after its provider was asked."""
    view = session_view(session, caller, now)
    subscription = subscription_view(began) if began is not None else None
    return VerifiedAnswer(view, session.status is Status.COMPLETED, subscription)
