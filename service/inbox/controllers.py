"""Webhooks, the inbox and the review queue over HTTP."""

from typing import Annotated

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import (
    FromPath,
    JSONBody,
    PathParameter,
    QueryParameter,
    RawBody,
    SkipValidation,
)

from service.core.paging import decode_cursor
from service.core.principal import AccessScope, Principal
from service.inbox.operations.inbox import Inbox
from service.inbox.operations.look import EventFilter, list_events, list_rejections
from service.inbox.operations.receive import receive_webhook
from service.inbox.operations.replay import replay_event
from service.inbox.operations.review.choices import Choice, Wish
from service.inbox.operations.review.decide import decide_review
from service.inbox.operations.review.look import list_reviews
from service.inbox.operations.verify import verify
from service.inbox.schemas import (
    AcceptReview,
    DecidedAnswer,
    EventsAnswer,
    ReceivedAnswer,
    RejectionsAnswer,
    RejectReview,
    ReviewsAnswer,
    VerifiedAnswer,
    VerifyCheckout,
    decided,
    event_view,
    received,
    rejection_view,
    review_item,
)
from service.inbox.states import InboxStatus
from service.sessions.controllers import caller_of, desk_of
from service.sessions.schemas.answers import next_cursor, session_view
from service.sessions.states import Status
from service.web.authentication import (
    PROVEN,
    PUBLIC,
    AnyRequest,
    CurrentPrincipal,
    requires,
    sender_of,
)
from service.web.limits.rate_limits import UNLIMITED
from service.web.parameters import PAGE_SIZE, PageCursor, PageLimit
from service.web.requests import BODY_UP_TO
from service.web.short_way import SHORT

TheInbox = NamedDependency[SkipValidation[Inbox]]
EventIdPath = Annotated[str, PathParameter(max_length=400, description="The event's inbox id.")]

# Providers bound what they send nowhere; what is genuine must not be answered 4xx.
LARGEST_WEBHOOK = 4_000_000

_OPEN = {PUBLIC: True, UNLIMITED: True, SHORT: True, BODY_UP_TO: LARGEST_WEBHOOK}


class Webhooks(Controller):
    """Where providers post."""

    tags = ["Webhooks"]

    @post("/api/webhooks/{provider:str}", opt=_OPEN, status_code=200, summary="Receive a webhook")
    async def receive(
        self, provider: FromPath[str], body: RawBody, request: AnyRequest
    ) -> ReceivedAnswer:
        """2xx only once the event is committed; the signature is the only credential."""
        return await _receive(provider, body, request)

    @post(
        ["/api/payments/webhook", "/api/payment/webhook"],
        opt=_OPEN,
        status_code=200,
        summary="Receive a webhook of Stripe",
    )
    async def receive_stripe(self, body: RawBody, request: AnyRequest) -> ReceivedAnswer:
        """The older paths, which are Stripe's."""
        return await _receive("stripe", body, request)


class Verification(Controller):
    """Asking the provider instead of waiting for it."""

    tags = ["Sessions"]

    @post(
        "/api/payment/verify-checkout-session",
        opt={**requires(AccessScope.SESSIONS_WRITE), PROVEN: True},
        status_code=200,
        summary="Ask the provider how a session stands",
    )
    async def verify(
        self,
        data: JSONBody[VerifyCheckout],
        request: AnyRequest,
        inbox: TheInbox,
    ) -> VerifiedAnswer:
        """The answer goes through the inbox, as a webhook would."""
        caller = caller_of(request)
        rules = desk_of(request).rules
        session = await verify(data.session_id, data.to_callback(), caller, rules, inbox)
        view = session_view(session, caller, inbox.clock.now())
        return VerifiedAnswer(view, paid=session.status is Status.COMPLETED)


class AdminWebhooks(Controller):
    """The inbox and the review queue, for people."""

    path = "/api/admin"
    tags = ["Admin"]

    @get("/webhook-events", opt=requires(AccessScope.WEBHOOKS_READ), summary="List the inbox")
    async def events(
        self,
        principal: CurrentPrincipal,
        status: Annotated[InboxStatus | None, QueryParameter(name="status")] = None,
        type_: Annotated[str | None, QueryParameter(name="type", max_length=200)] = None,
        provider: Annotated[str | None, QueryParameter(name="provider", max_length=20)] = None,
        session_id: Annotated[str | None, QueryParameter(name="sessionId", max_length=255)] = None,
        limit: PageLimit = PAGE_SIZE,
        cursor: PageCursor = None,
    ) -> EventsAnswer:
        """Newest first, without payloads."""
        filters = EventFilter(status, type_, provider, session_id)
        place = decode_cursor(cursor) if cursor is not None else None
        rows, following = await list_events(
            principal.merchant_id, filters, cursor=place, limit=limit
        )
        return EventsAnswer([event_view(row) for row in rows], next_cursor(following))

    @get(
        "/webhook-rejections",
        opt=requires(AccessScope.WEBHOOKS_READ, AccessScope.OPERATOR),
        summary="List deliveries that were not believed",
    )
    async def rejections(
        self,
        provider: Annotated[str | None, QueryParameter(name="provider", max_length=20)] = None,
        limit: PageLimit = PAGE_SIZE,
    ) -> RejectionsAnswer:
        """The latest, and how many are kept of each provider and reason."""
        rows, counts = await list_rejections(provider, limit)
        return RejectionsAnswer([rejection_view(row) for row in rows], counts)

    @post(
        "/webhook-events/{event_id:str}/replay",
        opt=requires(AccessScope.WEBHOOKS_REPLAY),
        status_code=200,
        summary="Apply an event again",
    )
    async def replay(
        self, event_id: EventIdPath, principal: CurrentPrincipal, inbox: TheInbox
    ) -> ReceivedAnswer:
        """Translate the stored payload anew and apply it; what was done is not done twice."""
        return received(await replay_event(event_id, principal, inbox))

    @get(
        "/reviews", opt=requires(AccessScope.REVIEWS_READ), summary="List what waits for a decision"
    )
    async def reviews(
        self, principal: CurrentPrincipal, limit: PageLimit = PAGE_SIZE, cursor: PageCursor = None
    ) -> ReviewsAnswer:
        """Events that did not fit their session, newest first, and what each decision would do."""
        place = decode_cursor(cursor) if cursor is not None else None
        found, following = await list_reviews(principal.merchant_id, cursor=place, limit=limit)
        return ReviewsAnswer([review_item(one) for one in found], next_cursor(following))

    @post(
        "/reviews/{event_id:str}/accept",
        opt=requires(AccessScope.REVIEWS_DECIDE),
        status_code=200,
        summary="Accept a payment as it is",
    )
    async def accept(
        self,
        event_id: EventIdPath,
        principal: CurrentPrincipal,
        inbox: TheInbox,
        data: JSONBody[AcceptReview | None] = None,
    ) -> DecidedAnswer:
        """Complete the session with it; money that is held is captured first.

        The id is the event's or the session's. Only money that came, or is held, can be accepted.
        """
        body = data or AcceptReview()
        wish = Wish(Choice.ACCEPT, body.reason, body.payment_id)
        return await _decided(event_id, wish, principal, inbox)

    @post(
        "/reviews/{event_id:str}/reject",
        opt=requires(AccessScope.REVIEWS_DECIDE),
        status_code=200,
        summary="Reject a payment",
    )
    async def reject(
        self,
        event_id: EventIdPath,
        data: JSONBody[RejectReview],
        principal: CurrentPrincipal,
        inbox: TheInbox,
    ) -> DecidedAnswer:
        """Leave the session without it; the money's ledger row stays."""
        wish = Wish(Choice.REJECT, data.reason, data.payment_id)
        return await _decided(event_id, wish, principal, inbox)

    @post(
        "/reviews/{event_id:str}/same-money",
        opt=requires(AccessScope.REVIEWS_DECIDE),
        status_code=200,
        summary="Take a payment for the money that was entered by hand",
    )
    async def same_money(
        self,
        event_id: EventIdPath,
        principal: CurrentPrincipal,
        inbox: TheInbox,
        data: JSONBody[AcceptReview | None] = None,
    ) -> DecidedAnswer:
        """Reverse the entry by hand; the session is then completed by the payment itself."""
        body = data or AcceptReview()
        wish = Wish(Choice.SAME_MONEY, body.reason, body.payment_id)
        return await _decided(event_id, wish, principal, inbox)


async def _receive(provider: str, body: bytes, request: AnyRequest) -> ReceivedAnswer:
    sender = sender_of(request.scope)
    return received(
        await receive_webhook(provider, _headers(request), body, _inbox(request), sender)
    )


async def _decided(review_id: str, wish: Wish, principal: Principal, inbox: Inbox) -> DecidedAnswer:
    session = await decide_review(review_id, wish, principal, inbox)
    return decided(session, principal, inbox.clock.now())


def _inbox(request: AnyRequest) -> Inbox:
    # From the application's state: the short way injects nothing.
    inbox: Inbox = request.app.state.wired.inbox
    return inbox


def _headers(request: AnyRequest) -> dict[str, str]:
    # By name in lower case; latin-1 never fails, and a verifier refuses what it doesn't know.
    return {
        name.decode("latin-1").lower(): value.decode("latin-1")
        for name, value in request.scope["headers"]
    }
