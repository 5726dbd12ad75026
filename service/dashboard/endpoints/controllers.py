"""The pages of webhook endpoints over HTTP, and what their buttons do."""

from typing import Annotated

from litestar import Controller, get, post
from litestar.di import Provide
from litestar.params import PathParameter

from service.core.paging import cursor_of, next_cursor
from service.core.principal import AccessScope, Principal
from service.dashboard.acting import (
    Answer,
    Form,
    Sheet,
    TheDesk,
    drawn,
    filled,
    page,
    provide_desk,
)
from service.dashboard.endpoints.lines import endpoint_line, query_of, sent_line
from service.dashboard.endpoints.pressing import (
    HERE,
    READ,
    WRITE,
    acting,
    resending,
    telling,
    wish_of,
)
from service.dashboard.said import Said
from service.notifications.endpoints.controllers import endpoints_of
from service.notifications.endpoints.operations.browse import list_endpoints, list_sent
from service.notifications.endpoints.operations.changing import (
    Told,
    Wish,
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
from service.notifications.endpoints.schemas import Resend
from service.notifications.endpoints.states import DeliveryStatus
from service.web.authentication import AnyRequest, on_behalf_of
from service.web.parameters import PAGE_SIZE, MerchantQuery, PageCursor, StatusQuery
from service.web.wire import decode_wire_model

EndpointPath = Annotated[str, PathParameter(max_length=60)]


class EndpointPages(Controller):
    """Where a merchant's servers are, and what came of telling them.

    Operators see and change those of any merchant that they name.
    """

    path = HERE
    dependencies = {"desk": Provide(provide_desk, sync_to_thread=False)}

    @get("/")
    async def listed(
        self,
        request: AnyRequest,
        desk: TheDesk,
        merchant: MerchantQuery = None,
        cursor: PageCursor = None,
    ) -> Answer:
        """List the endpoints, with the form that adds one."""

        async def show(sheet: Sheet) -> Answer:
            place = cursor_of(cursor)
            reader = on_behalf_of(sheet.reader, merchant)
            found, following = await list_endpoints(
                reader.merchant_id, cursor=place, limit=PAGE_SIZE
            )
            return filled(
                sheet,
                "endpoints.html",
                lines=[endpoint_line(one, reader, HERE, query_of(merchant)) for one in found],
                adds=reader.scopes >= WRITE,
                names=AccessScope.OPERATOR in reader.scopes,
                merchant=merchant or "",
                query=query_of(merchant),
                seed=drawn(),
                older=next_cursor(following),
            )

        return await page(request, desk, READ, show)

    @get("/{endpoint_id:str}")
    async def one(
        self,
        endpoint_id: EndpointPath,
        request: AnyRequest,
        desk: TheDesk,
        status: StatusQuery = "any",
        merchant: MerchantQuery = None,
        cursor: PageCursor = None,
    ) -> Answer:
        """Show an endpoint with what was sent there, and the buttons for it."""

        async def show(sheet: Sheet) -> Answer:
            reader, stands = on_behalf_of(sheet.reader, merchant), None
            if status in set(DeliveryStatus):
                stands = DeliveryStatus(status)
            place = cursor_of(cursor)
            found = await find_endpoint(endpoint_id, reader.merchant_id)
            sent, following = await list_sent(
                endpoint_id, reader.merchant_id, stands, cursor=place, limit=PAGE_SIZE
            )
            return filled(
                sheet,
                "endpoint.html",
                of=endpoint_line(found, reader, HERE, query_of(merchant)),
                merchant=merchant or "",
                foreign=found.merchant_id != sheet.reader.merchant_id,
                sent=[sent_line(one) for one in sent],
                status=stands or "",
                statuses=[one.value for one in DeliveryStatus],
                older=next_cursor(following),
            )

        return await page(request, desk, READ, show)

    @post("/add", status_code=200)
    async def add(
        self, request: AnyRequest, desk: TheDesk, merchant: MerchantQuery = None
    ) -> Answer:
        """Add an endpoint, and show its secret this once."""

        async def do(reader: Principal, given: Form) -> Told:
            wish = wish_of(given)
            seed = f"{reader.merchant_id}:{given.get('seed', '')}"
            return await add_endpoint(endpoints_of(request), wish, reader, seed=seed)

        return await telling(request, desk, HERE, merchant, do)

    @post("/{endpoint_id:str}/rotate", status_code=200)
    async def rotate(
        self,
        endpoint_id: EndpointPath,
        request: AnyRequest,
        desk: TheDesk,
        merchant: MerchantQuery = None,
    ) -> Answer:
        """Make a new secret, and show it this once."""

        async def do(reader: Principal, given: Form) -> Told:
            return await rotate_secret(endpoints_of(request), endpoint_id, reader)

        return await telling(request, desk, f"{HERE}/{endpoint_id}", merchant, do)

    @post("/{endpoint_id:str}/test", status_code=303)
    async def test(
        self,
        endpoint_id: EndpointPath,
        request: AnyRequest,
        desk: TheDesk,
        merchant: MerchantQuery = None,
    ) -> Answer:
        """Send a test event."""

        async def do(reader: Principal, given: Form) -> Said:
            sent = await send_test(endpoints_of(request), endpoint_id, reader)
            return Said(f"The test event {sent.event_id} is being sent: look again in a moment.")

        return await acting(request, desk, f"{HERE}/{endpoint_id}", merchant, do)

    @post("/{endpoint_id:str}/resend", status_code=303)
    async def resend(
        self,
        endpoint_id: EndpointPath,
        request: AnyRequest,
        desk: TheDesk,
        merchant: MerchantQuery = None,
    ) -> Answer:
        """Send an event again."""

        async def do(reader: Principal, given: Form) -> Said:
            asked = decode_wire_model(Resend, {"eventId": given.get("event", "")})
            event_id = asked.event_id or ""
            await resend_event(endpoints_of(request), endpoint_id, event_id, reader)
            return Said(f"{event_id} is being sent again, under the same id.")

        return await acting(request, desk, f"{HERE}/{endpoint_id}", merchant, do)

    @post("/{endpoint_id:str}/missed", status_code=303)
    async def missed(
        self,
        endpoint_id: EndpointPath,
        request: AnyRequest,
        desk: TheDesk,
        merchant: MerchantQuery = None,
    ) -> Answer:
        """Send again what was not taken since a time."""

        async def do(reader: Principal, given: Form) -> Said:
            # What a browser's field of a time holds, which the form names as UTC.
            asked = decode_wire_model(Resend, {"since": f"{given.get('since', '')}Z"})
            assert isinstance(asked, Resend)  # noqa: S101 - the model that was asked for
            assert asked.since is not None  # noqa: S101 - it was given
            services, place = endpoints_of(request), cursor_of(given.get("cursor") or None)
            return await resending(services, endpoint_id, asked.since, reader, place)

        return await acting(request, desk, f"{HERE}/{endpoint_id}", merchant, do)

    @post("/{endpoint_id:str}/switch", status_code=303)
    async def switch(
        self,
        endpoint_id: EndpointPath,
        request: AnyRequest,
        desk: TheDesk,
        merchant: MerchantQuery = None,
    ) -> Answer:
        """Enable or disable an endpoint."""

        async def do(reader: Principal, given: Form) -> Said:
            wish = Wish(enabled=given.get("to") == "enabled")
            await change_endpoint(endpoints_of(request), endpoint_id, wish, reader)
            if wish.enabled:
                return Said("It is enabled, and hears what happens from now on.")
            return Said("It is disabled, and what waits for it is being canceled.", "warn")

        return await acting(request, desk, f"{HERE}/{endpoint_id}", merchant, do)

    @post("/{endpoint_id:str}/remove", status_code=303)
    async def remove(
        self,
        endpoint_id: EndpointPath,
        request: AnyRequest,
        desk: TheDesk,
        merchant: MerchantQuery = None,
    ) -> Answer:
        """Remove an endpoint."""

        async def do(reader: Principal, given: Form) -> Said:
            await remove_endpoint(endpoints_of(request), endpoint_id, reader)
            return Said("The endpoint is removed.")

        return await acting(request, desk, HERE, merchant, do)
