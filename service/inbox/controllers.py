"""Webhooks and the inbox over HTTP."""

from typing import Annotated

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter, RawBody, SkipValidation
from litestar.types import Scope

from service.core.paging import cursor_of, next_cursor
from service.core.principal import AccessScope
from service.inbox.operations.browse import EventFilter, list_events, list_rejections
from service.inbox.operations.inbox import Inbox
from service.inbox.operations.payload import read_payload
from service.inbox.operations.receive import receive_webhook
from service.inbox.operations.replay import replay_event
from service.inbox.schemas import (
    EventsAnswer,
    PayloadAnswer,
    ReceivedAnswer,
    RejectionsAnswer,
    event_view,
    payload_answer,
    received,
    rejection_view,
)
from service.inbox.states import InboxStatus
from service.web.authentication import PUBLIC, CurrentPrincipal, requires
from service.web.bodies import BODY_UP_TO
from service.web.docs.marks import NAMED, OLDER, SIGNED_BY
from service.web.limits.rate_limits import UNLIMITED
from service.web.logs.clients import client_of
from service.web.parameters import PAGE_SIZE, PageCursor, PageLimit
from service.web.short_way import SHORT

TheInbox = NamedDependency[SkipValidation[Inbox]]
ProviderPath = Annotated[
    str,
    PathParameter(
        description="Who posts: stripe, razorpay or phonepe.", schema_extra={"examples": ["stripe"]}
    ),
]
EventIdPath = Annotated[str, PathParameter(max_length=400, description="The event's inbox id.")]

# Providers bound what they send nowhere; what is genuine must not be answered 4xx.
LARGEST_WEBHOOK = 4_000_000

# Of PhonePe's two the other is Authorization, which the document has as a security scheme.
_SIGNATURES = ("Stripe-Signature", "X-Razorpay-Signature", "X-VERIFY")
_OLDER_PATHS = ["/api/payments/webhook", "/api/payment/webhook"]
_OPEN = {PUBLIC: True, UNLIMITED: True, SHORT: True, BODY_UP_TO: LARGEST_WEBHOOK}


class Webhooks(Controller):
    """Where providers post."""

    tags = ["Webhooks"]

    @post(
        "/api/webhooks/{provider:str}",
        opt={**_OPEN, SIGNED_BY: _SIGNATURES},
        status_code=200,
        operation_id="receiveWebhook",
        summary="Receive a webhook",
    )
    async def receive(self, provider: ProviderPath, body: RawBody, scope: Scope) -> ReceivedAnswer:
        """2xx only once the event is committed; the signature is the only credential."""
        return await _receive(provider, body, scope)

    @post(
        _OLDER_PATHS,
        opt={
            **_OPEN,
            NAMED: "receiveStripeWebhook",
            OLDER: _OLDER_PATHS,
            SIGNED_BY: _SIGNATURES[:1],
        },
        status_code=200,
        summary="Receive a webhook of Stripe",
    )
    async def receive_stripe(self, body: RawBody, scope: Scope) -> ReceivedAnswer:
        """The older paths, which are Stripe's."""
        return await _receive("stripe", body, scope)


class AdminWebhooks(Controller):
    """The inbox, for people."""

    path = "/api/admin"
    tags = ["Admin"]

    @get(
        "/webhook-events",
        opt=requires(AccessScope.WEBHOOKS_READ),
        operation_id="listWebhookEvents",
        summary="List the inbox",
    )
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
        place = cursor_of(cursor)
        rows, following = await list_events(
            principal.merchant_id, filters, cursor=place, limit=limit
        )
        begins_at = next_cursor(following)
        return EventsAnswer([event_view(row) for row in rows], begins_at)

    @get(
        "/webhook-rejections",
        opt=requires(AccessScope.WEBHOOKS_READ, AccessScope.OPERATOR),
        operation_id="listRejections",
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

    @get(
        "/webhook-events/{event_id:str}/payload",
        opt=requires(AccessScope.WEBHOOKS_PAYLOAD),
        operation_id="readPayload",
        summary="Read what a provider posted",
    )
    async def payload(
        self, event_id: EventIdPath, principal: CurrentPrincipal, inbox: TheInbox
    ) -> PayloadAnswer:
        """The body as it is kept, without the fields that are stripped; each look is audited."""
        return payload_answer(await read_payload(event_id, principal, inbox))

    @post(
        "/webhook-events/{event_id:str}/replay",
        opt=requires(AccessScope.WEBHOOKS_REPLAY),
        status_code=200,
        operation_id="replayWebhookEvent",
        summary="Apply an event again",
    )
    async def replay(
        self, event_id: EventIdPath, principal: CurrentPrincipal, inbox: TheInbox
    ) -> ReceivedAnswer:
        """Translate the stored payload anew and apply it; what was done is not done twice."""
        return received(await replay_event(event_id, principal, inbox))


async def _receive(provider: str, body: bytes, scope: Scope) -> ReceivedAnswer:
    client = client_of(scope)
    return received(await receive_webhook(provider, _headers(scope), body, _inbox(scope), client))


def _inbox(scope: Scope) -> Inbox:
    # From the application's state: the short way injects nothing.
    inbox: Inbox = scope["litestar_app"].state.container.inbox
    return inbox


def _headers(scope: Scope) -> dict[str, str]:
    # Servers write names in lower case (ASGI); latin-1 never fails, and a verifier refuses what it
    # doesn't know.
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
