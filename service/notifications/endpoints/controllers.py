"""Webhook endpoints over HTTP: added, changed, tried, and what was sent to them."""

from typing import Annotated

from litestar import Controller, delete, get, patch, post
from litestar.params import JSONBody, PathParameter, QueryParameter

from service.core.errors import FieldProblem, InvalidInput
from service.core.paging import cursor_of, next_cursor
from service.core.principal import AccessScope
from service.notifications.endpoints.operations.browse import list_endpoints, list_sent
from service.notifications.endpoints.operations.changing import (
    add_endpoint,
    change_endpoint,
    remove_endpoint,
    rotate_secret,
)
from service.notifications.endpoints.operations.finding import find_endpoint
from service.notifications.endpoints.operations.sending_again import (
    resend_event,
    send_test,
)
from service.notifications.endpoints.operations.sending_missed import resend_since
from service.notifications.endpoints.operations.services import EndpointServices
from service.notifications.endpoints.schemas import (
    AddEndpoint,
    ChangeEndpoint,
    EndpointAnswer,
    EndpointsAnswer,
    Resend,
    ResentAnswer,
    SentAnswer,
    SentListAnswer,
    ToldEndpoint,
    endpoint_view,
    sent_view,
)
from service.notifications.endpoints.states import DeliveryStatus
from service.web.authentication import (
    AnyRequest,
    CurrentPrincipal,
    on_behalf_of,
    requires,
)
from service.web.idempotency.middleware import IDEMPOTENT
from service.web.parameters import PAGE_SIZE, MerchantQuery, PageCursor, PageLimit

EndpointPath = Annotated[str, PathParameter(max_length=60, description="The endpoint's id.")]

_READ = requires(AccessScope.ENDPOINTS_READ)
_WRITE = requires(AccessScope.ENDPOINTS_WRITE)
_ACT = {**_WRITE, IDEMPOTENT: True}


def endpoints_of(request: AnyRequest) -> EndpointServices:
    """Return what all that endpoints share, from the application's state."""
    services: EndpointServices = request.app.state.endpoints
    return services


class WebhookEndpoints(Controller):
    """The merchant's own servers, which are told what happens.

    Operators act on those of any merchant that they name.
    """

    path = "/api/webhook-endpoints"
    tags = ["Webhook endpoints"]
    opt = _READ

    @post("/", opt=_ACT, operation_id="addEndpoint", summary="Add a webhook endpoint")
    async def add(
        self,
        data: JSONBody[AddEndpoint],
        principal: CurrentPrincipal,
        request: AnyRequest,
        merchant: MerchantQuery = None,
    ) -> ToldEndpoint:
        """201 with its secret, which is shown this once. It hears events from `activeFrom` on.

        Addresses that are private, or not https, are refused.
        """
        seed: str | None = request.scope["state"].get("idempotency_seed")
        by = on_behalf_of(principal, merchant)
        told = await add_endpoint(endpoints_of(request), data.wish(), by, seed=seed)
        return ToldEndpoint(endpoint_view(told.endpoint), told.secret)

    @get("/", operation_id="listEndpoints", summary="List webhook endpoints")
    async def listed(
        self,
        principal: CurrentPrincipal,
        merchant: MerchantQuery = None,
        limit: PageLimit = PAGE_SIZE,
        cursor: PageCursor = None,
    ) -> EndpointsAnswer:
        """The merchant's, newest first."""
        place = cursor_of(cursor)
        whose = on_behalf_of(principal, merchant).merchant_id
        found, following = await list_endpoints(whose, cursor=place, limit=limit)
        views = [endpoint_view(one) for one in found]
        return EndpointsAnswer(views, next_cursor(following))

    @get("/{endpoint_id:str}", operation_id="readEndpoint", summary="Read a webhook endpoint")
    async def read(
        self,
        endpoint_id: EndpointPath,
        principal: CurrentPrincipal,
        merchant: MerchantQuery = None,
    ) -> EndpointAnswer:
        """One of the merchant's."""
        whose = on_behalf_of(principal, merchant).merchant_id
        found = await find_endpoint(endpoint_id, whose)
        return EndpointAnswer(endpoint_view(found))

    @patch(
        "/{endpoint_id:str}",
        opt=_WRITE,
        operation_id="changeEndpoint",
        summary="Change a webhook endpoint",
    )
    async def change(
        self,
        endpoint_id: EndpointPath,
        data: JSONBody[ChangeEndpoint],
        principal: CurrentPrincipal,
        request: AnyRequest,
        merchant: MerchantQuery = None,
    ) -> EndpointAnswer:
        """Only what is named. Every process knows of it within ten seconds."""
        services, by = endpoints_of(request), on_behalf_of(principal, merchant)
        changed = await change_endpoint(services, endpoint_id, data.wish(), by)
        return EndpointAnswer(endpoint_view(changed))

    @delete(
        "/{endpoint_id:str}",
        opt=_WRITE,
        operation_id="removeEndpoint",
        summary="Remove a webhook endpoint",
    )
    async def remove(
        self,
        endpoint_id: EndpointPath,
        principal: CurrentPrincipal,
        request: AnyRequest,
        merchant: MerchantQuery = None,
    ) -> None:
        """What waits for it is canceled."""
        by = on_behalf_of(principal, merchant)
        await remove_endpoint(endpoints_of(request), endpoint_id, by)

    @post(
        "/{endpoint_id:str}/test",
        opt=_ACT,
        status_code=202,
        operation_id="testEndpoint",
        summary="Send a test event",
    )
    async def test(
        self,
        endpoint_id: EndpointPath,
        principal: CurrentPrincipal,
        request: AnyRequest,
        merchant: MerchantQuery = None,
    ) -> SentAnswer:
        """An event `endpoint.test`, sent as all others are; its delivery says what came of it."""
        by = on_behalf_of(principal, merchant)
        sent = await send_test(endpoints_of(request), endpoint_id, by)
        return SentAnswer(sent_view(sent))

    @post(
        "/{endpoint_id:str}/rotate",
        opt=_ACT,
        status_code=200,
        operation_id="rotateSecret",
        summary="Make a new secret",
    )
    async def rotate(
        self,
        endpoint_id: EndpointPath,
        principal: CurrentPrincipal,
        request: AnyRequest,
        merchant: MerchantQuery = None,
    ) -> ToldEndpoint:
        """Shown this once. For a day each event is signed with the one before, too."""
        by = on_behalf_of(principal, merchant)
        told = await rotate_secret(endpoints_of(request), endpoint_id, by)
        return ToldEndpoint(endpoint_view(told.endpoint), told.secret)

    @post(
        "/{endpoint_id:str}/resend",
        opt=_ACT,
        status_code=202,
        operation_id="resendEvents",
        summary="Send events again",
    )
    async def resend(
        self,
        endpoint_id: EndpointPath,
        data: JSONBody[Resend],
        principal: CurrentPrincipal,
        request: AnyRequest,
        merchant: MerchantQuery = None,
    ) -> ResentAnswer:
        """One event, whatever became of it; or all since a time that were not taken here.

        Of the latter 200 a call: call again with the same `since` and `nextCursor` as `cursor`,
        until that is null.
        """
        services, by = endpoints_of(request), on_behalf_of(principal, merchant)
        if data.event_id is not None and data.since is None:
            sent = await resend_event(services, endpoint_id, data.event_id, by)
            return ResentAnswer(1, None, sent_view(sent))
        if data.since is None or data.event_id is not None:
            problem = FieldProblem("eventId", "or since must be given, one of the two")
            raise InvalidInput("Name eventId or since, one of the two.", problems=(problem,))
        place = cursor_of(data.cursor)
        resent = await resend_since(services, endpoint_id, data.since, by, place)
        return ResentAnswer(resent.count, next_cursor(resent.following))

    @get(
        "/{endpoint_id:str}/deliveries",
        operation_id="listSentEvents",
        summary="List what was sent to an endpoint",
    )
    async def deliveries(
        self,
        endpoint_id: EndpointPath,
        principal: CurrentPrincipal,
        status: Annotated[DeliveryStatus | None, QueryParameter(name="status")] = None,
        merchant: MerchantQuery = None,
        limit: PageLimit = PAGE_SIZE,
        cursor: PageCursor = None,
    ) -> SentListAnswer:
        """Newest first, each with its latest attempts."""
        place = cursor_of(cursor)
        whose = on_behalf_of(principal, merchant).merchant_id
        found, following = await list_sent(endpoint_id, whose, status, cursor=place, limit=limit)
        views = [sent_view(one) for one in found]
        return SentListAnswer(views, next_cursor(following))
